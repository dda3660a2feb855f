package live

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/multiformats/go-varint"

	"github.com/seed4134be55/peer/discovery/overlay"
)

func TestFramesRoundTrip(t *testing.T) {
	var all []byte
	frames := []frame{
		{kind: frameHello, body: []byte{1, 0}},
		{kind: frameTell, from: 1, to: 2, body: []byte("m")},
		{kind: frameAsk, number: 1 << 40, from: 3, body: []byte("m")},
		{kind: frameAnswer, number: 7, body: make([]byte, overlay.MaxMessage)},
		{kind: framePing, number: 8},
		{kind: framePong},
	}
	for _, f := range frames {
		all = f.append(all)
	}
	in := bufio.NewReader(bytes.NewReader(all))
	for _, want := range frames {
		if got, err := readFrame(in); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
	if _, err := readFrame(in); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestMalformedFrames(t *testing.T) {
	for name, raw := range malformedFrames() {
		if f, err := readFrame(bufio.NewReader(bytes.NewReader(raw))); !errors.Is(err, overlay.ErrMalformed) {
			t.Errorf("%s: read as %+v, %v", name, f, err)
		}
	}
}

func malformedFrames() map[string][]byte {
	return map[string][]byte{
		"empty":                    {0},
		"too long":                 varint.ToUvarint(maxFrame + 1),
		"endless length":           bytes.Repeat([]byte{0xff}, 10),
		"length not in short form": {0x81, 0x00},
		"unknown kind":             {1, byte(frameKinds)},
		"number cut":               {2, byte(framePing), 0x80},
		"number not in short form": {3, byte(framePing), 0x81, 0x00},
		"no nodes":                 {3, byte(frameAsk), 1, 0},
		"tell without message":     {3, byte(frameTell), 0, 0},
		"ask without message":      {4, byte(frameAsk), 1, 0, 0},
		"answer without message":   {2, byte(frameAnswer), 1},
		"ping with more":           {3, byte(framePing), 1, 1},
		"hello without parameters": {1, byte(frameHello)},
	}
}

func FuzzReadFrame(f *testing.F) {
	for _, raw := range malformedFrames() {
		f.Add(raw)
	}
	f.Add(frame{kind: frameAsk, number: 300, from: 1, to: 2, body: []byte("message")}.append(nil))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bufio.NewReader(bytes.NewReader(in))
		got, err := readFrame(r)
		if err != nil {
			return
		}
		rest, _ := io.ReadAll(r)
		// Strict: there is one way to write each frame.
		if again := append(got.append(nil), rest...); !bytes.Equal(again, in) {
			t.Fatalf("%x reads as what is written %x", in, again)
		}
	})
}

func FuzzReadHello(f *testing.F) {
	ours := []overlay.Param{{Name: "b", Value: 4}}
	good, err := helloFrame(ours)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, in []byte) {
		err := readHello(bufio.NewReader(bytes.NewReader(in)), "chord", ours)
		if (err == nil) != bytes.HasPrefix(in, good) {
			t.Fatalf("%x: %v", in, err)
		}
	})
}

func TestHellosThatDiffer(t *testing.T) {
	ours := []overlay.Param{{Name: "successors", Value: 16}, {Name: "b", Value: 4}}
	for _, c := range []struct {
		theirs []overlay.Param
		want   string
	}{
		{ours, ""},
		{[]overlay.Param{ours[1], ours[0]}, ""},
		{[]overlay.Param{{Name: "successors", Value: 8}, ours[1]}, "chord: successors is 16 here and 8 there"},
		{ours[:1], "chord: b is 4 here and not known there"},
		{append(ours[:2:2], overlay.Param{Name: "x", Value: 1}), `chord: "x" is not known here and 1 there`},
	} {
		raw, err := helloFrame(c.theirs)
		if err != nil {
			t.Fatal(err)
		}
		err = readHello(bufio.NewReader(bytes.NewReader(raw)), "chord", ours)
		if whatDiffers(err) != c.want || (err == nil) != (c.want == "") || err != nil && !errors.Is(err, errMismatch) {
			t.Errorf("%v: %v, want %q", c.theirs, err, c.want)
		}
	}
	if _, err := helloFrame([]overlay.Param{{Name: strings.Repeat("n", maxParamName+1)}}); err != nil {
		t.Errorf("a long name is ours to avoid: %v", err)
	}
}
