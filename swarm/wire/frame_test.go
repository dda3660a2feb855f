package wire

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"testing"
)

// frames are headers with what each of the Put functions makes of it.
var frames = []struct {
	name   string
	header Header
	put    func(buf []byte) int
	hex    string
}{
	{"leaf", Header{Frame: FrameLeaf, Channel: 1, Index: 300, Length: 5},
		func(buf []byte) int { return PutLeafHeader(buf, 1, 300, 5) }, "0101ac0205"},
	{"empty leaf", Header{Frame: FrameLeaf},
		func(buf []byte) int { return PutLeafHeader(buf, 0, 0, 0) }, "01000000"},
	{"block", Header{Frame: FrameBlock, Channel: 1, Tag: 7, Length: MaxBlock},
		func(buf []byte) int { return PutBlockHeader(buf, 1, 7, MaxBlock) }, "02010780808001"},
	{"longest block", Header{Frame: FrameBlock, Channel: math.MaxUint32, Tag: math.MaxUint64, Length: MaxBlock},
		func(buf []byte) int { return PutBlockHeader(buf, math.MaxUint32, math.MaxUint64, MaxBlock) },
		"02ffffffff0fffffffffffffffffff0180808001"},
	{"page", Header{Frame: FramePage, Channel: 1, Index: 2, Count: 3, Length: MaxPage},
		func(buf []byte) int { return PutPageHeader(buf, 1, 2, 3, MaxPage) }, "0301020380808002"},
	{"last page", Header{Frame: FramePage, Channel: 1, Index: MaxLeaves},
		func(buf []byte) int { return PutPageHeader(buf, 1, MaxLeaves, 0, 0) }, "0301ffffffff070000"},
}

func TestHeaders(t *testing.T) {
	for _, tc := range frames {
		t.Run(tc.name, func(t *testing.T) {
			buf := make([]byte, MaxHeader+tc.header.Length)
			start := tc.put(buf)
			if got := hex.EncodeToString(buf[start:MaxHeader]); got != tc.hex {
				t.Errorf("header %s, want %s", got, tc.hex)
			}
			br := bufio.NewReader(bytes.NewReader(buf[start:]))
			if got, err := ReadHeader(br); err != nil || got != tc.header {
				t.Errorf("read %+v, %v", got, err)
			}
			if n, err := br.Discard(tc.header.Length); err != nil {
				t.Errorf("payload of %d bytes: %v", n, err)
			}
			if _, err := ReadHeader(br); err != io.EOF {
				t.Errorf("at the end: %v", err)
			}
			for n := 1; n < MaxHeader-start; n++ {
				br := bufio.NewReader(bytes.NewReader(buf[start : start+n]))
				if _, err := ReadHeader(br); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%d bytes of it: %v", n, err)
				}
			}
		})
	}
}

func TestHostileHeaders(t *testing.T) {
	for _, tc := range []struct{ name, hex string }{
		{"frame 0", "0001"},
		{"unknown frame", "04010101"},
		{"channel over 32 bits", "01808080801001" + "00"},
		{"a leaf over the last", "0101ffffffff0701"},
		{"a leaf over 2 MiB", "01010181808001"},
		{"a block over 2 MiB", "02010181808001"},
		{"a page over 4 MiB", "0301000181808002"},
		{"a page after the last entry", "0301ffffffff070100"},
		{"a length that is not minimal", "0101018000"},
		{"a tag over 64 bits", "0201ffffffffffffffffff0201"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			raw, err := hex.DecodeString(tc.hex)
			if err != nil {
				t.Fatal(err)
			}
			if h, err := ReadHeader(bufio.NewReader(bytes.NewReader(raw))); !errors.Is(err, ErrMalformed) {
				t.Errorf("read %+v, %v", h, err)
			}
		})
	}
}

func TestFramesDoNotAllocate(t *testing.T) {
	buf := make([]byte, MaxHeader)
	frame := make([]byte, MaxHeader)
	in := bytes.NewReader(nil)
	br := bufio.NewReader(in)
	for _, tc := range frames {
		got := testing.AllocsPerRun(100, func() {
			start := tc.put(buf)
			in.Reset(frame[:copy(frame, buf[start:])])
			br.Reset(in)
			if _, err := ReadHeader(br); err != nil {
				t.Fatal(err)
			}
		})
		if got != 0 {
			t.Errorf("%s: %v allocations", tc.name, got)
		}
	}
}

func FuzzReadHeader(f *testing.F) {
	for _, tc := range frames {
		raw, _ := hex.DecodeString(tc.hex)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		br := bufio.NewReader(bytes.NewReader(raw))
		h, err := ReadHeader(br)
		if err != nil {
			return
		}
		used := len(raw) - br.Buffered() // a header is shorter than the reader's buffer
		if len(raw) > 4096 {
			used = 4096 - br.Buffered()
		}
		buf := make([]byte, MaxHeader)
		var start int
		switch h.Frame {
		case FrameLeaf:
			start = PutLeafHeader(buf, h.Channel, h.Index, h.Length)
		case FrameBlock:
			start = PutBlockHeader(buf, h.Channel, h.Tag, h.Length)
		case FramePage:
			start = PutPageHeader(buf, h.Channel, h.Index, h.Count, h.Length)
		}
		if !bytes.Equal(buf[start:], raw[:used]) {
			t.Fatalf("%x reads as %+v, which is %x", raw[:used], h, buf[start:])
		}
	})
}

func BenchmarkLeafFrame(b *testing.B) {
	const length = 16 << 10
	buf := make([]byte, MaxHeader+length)
	in := bytes.NewReader(nil)
	br := bufio.NewReaderSize(in, 4096)
	b.SetBytes(length)
	b.ReportAllocs()
	for b.Loop() {
		start := PutLeafHeader(buf, 1, 300, length)
		in.Reset(buf[start:])
		br.Reset(in)
		h, err := ReadHeader(br)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(br, buf[MaxHeader:MaxHeader+h.Length]); err != nil {
			b.Fatal(err)
		}
	}
}
