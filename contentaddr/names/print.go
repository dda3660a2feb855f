package names

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable returns s as a terminal may show it: control characters (and so ANSI sequences and line
// breaks), what reorders text, what is invisible and bytes that are not UTF-8 become \xNN or \uNNNN.
func Printable(s string) string {
	if !strings.ContainsFunc(s, escaped) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case !escaped(r), r == utf8.RuneError && n > 1:
			b.WriteString(s[:n])
		case n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		s = s[n:]
	}
	return b.String()
}

// Quote is Printable between double quotes, and cut to what fits in a message.
func Quote(s string) string {
	const most = 80
	if len(s) <= most {
		return `"` + Printable(s) + `"`
	}
	cut := most
	for cut > most-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return `"` + Printable(s[:cut]) + `…"`
}

// escaped reports whether a terminal should not get r. Ideographic spaces and the joiners that
// emoji and Persian need are honest.
func escaped(r rune) bool {
	const zeroWidthNonJoiner, zeroWidthJoiner = 0x200c, 0x200d
	switch {
	case r == utf8.RuneError: // what range yields for a bad byte; Printable tells it from a real U+FFFD
		return true
	case r == zeroWidthJoiner, r == zeroWidthNonJoiner:
		return false
	}
	return !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r)
}
