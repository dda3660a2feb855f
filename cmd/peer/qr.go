package main

import (
	"bytes"
	"os"
	"unicode/utf8"

	"github.com/mdp/qrterminal/v3"
	"golang.org/x/term"

	"github.com/seed4134be55/peer/contentaddr/link"
)

// writeQR draws the link where it fits on the terminal: whole, or with its first address, or with none,
// which discovery has to make up for. On a terminal too small for any it draws nothing.
func writeQR(screen *os.File, text string) {
	width, height, err := term.GetSize(int(screen.Fd()))
	if err != nil {
		return
	}
	for _, candidate := range shorter(text) {
		drawn := drawQR(candidate)
		if w, h := sizeOf(drawn); w <= width && h < height {
			_, _ = screen.Write(drawn)
			return
		}
	}
}

// shorter returns links to the same content, the one with the most addresses first.
func shorter(text string) []string {
	out := []string{text}
	l, err := link.Parse(text)
	if err != nil {
		return out
	}
	for _, n := range []int{1, 0} {
		if n < len(l.Addrs) {
			l.Addrs = l.Addrs[:n]
			out = append(out, l.String())
		}
	}
	return out
}

func drawQR(text string) []byte {
	var b bytes.Buffer
	qrterminal.GenerateWithConfig(text, qrterminal.Config{
		Level:          qrterminal.L,
		Writer:         &b,
		HalfBlocks:     true,
		BlackChar:      qrterminal.BLACK_BLACK,
		WhiteChar:      qrterminal.WHITE_WHITE,
		BlackWhiteChar: qrterminal.BLACK_WHITE,
		WhiteBlackChar: qrterminal.WHITE_BLACK,
		QuietZone:      2,
	})
	return b.Bytes()
}

// sizeOf returns how many columns and rows a drawing takes.
func sizeOf(drawn []byte) (width, height int) {
	for line := range bytes.Lines(drawn) {
		width = max(width, utf8.RuneCount(bytes.TrimRight(line, "\n")))
		height++
	}
	return width, height
}
