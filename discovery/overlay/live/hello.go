package live

import (
	"bufio"
	"errors"
	"fmt"
	"slices"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

// A hello is the first frame in each direction: what all peers of a network must agree on. Two whose parameters differ do
// not speak to each other, since what one means by a word the other would not.
type hello struct{ params []overlay.Param }

// Bounds of a hello.
const (
	maxParams    = 32
	maxParamName = 32 // bytes
)

// errMismatch says that two peers do not agree on their network's parameters.
var errMismatch = fault.New(fault.Refused, "the network's parameters differ")

func (*hello) Kind() overlay.Kind { return 1 }

func (h *hello) Fields(c *overlay.Coder) {
	overlay.List(c, &h.params, maxParams, func(c *overlay.Coder, p *overlay.Param) {
		name := []byte(p.Name)
		c.Bytes(&name, maxParamName)
		p.Name = string(name)
		c.Uint(&p.Value, 1<<64-1)
	})
}

func newHello(kind overlay.Kind) overlay.Message {
	if kind == 1 {
		return new(hello)
	}
	return nil
}

// helloFrame is our first frame on every stream.
func helloFrame(params []overlay.Param) ([]byte, error) {
	body, err := overlay.Encode(nil, &hello{params}, nil)
	if err != nil {
		return nil, err
	}
	return frame{kind: frameHello, body: body}.append(nil), nil
}

// readHello reads the other's first frame and compares. The error wraps errMismatch and names what differs, or is
// about the stream.
func readHello(r *bufio.Reader, mode string, ours []overlay.Param) error {
	f, err := readFrame(r)
	if err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	if f.kind != frameHello {
		return fmt.Errorf("hello: %w", malformed("a frame of kind %d comes first", f.kind))
	}
	m, err := overlay.Decode(f.body, newHello, nil)
	if err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	return compare(mode, ours, m.(*hello).params)
}

func compare(mode string, ours, theirs []overlay.Param) error {
	named := func(p overlay.Param) func(overlay.Param) bool {
		return func(o overlay.Param) bool { return o.Name == p.Name }
	}
	for _, p := range ours {
		i := slices.IndexFunc(theirs, named(p))
		if i < 0 {
			return mismatch("%s: %s is %d here and not known there", mode, p.Name, p.Value)
		}
		if o := theirs[i]; o != p {
			return mismatch("%s: %s is %d here and %d there", mode, p.Name, p.Value, o.Value)
		}
	}
	for _, p := range theirs {
		if !slices.ContainsFunc(ours, named(p)) {
			return mismatch("%s: %q is not known here and %d there", mode, p.Name, p.Value)
		}
	}
	return nil
}

// errDiffers wraps errMismatch without repeating it: what differs says it all.
type errDiffers struct{ what string }

func (e errDiffers) Error() string { return e.what }
func (e errDiffers) Unwrap() error { return errMismatch }

func mismatch(format string, args ...any) error { return errDiffers{fmt.Sprintf(format, args...)} }

// whatDiffers returns the words for people in an error of readHello's, or "".
func whatDiffers(err error) string {
	var d errDiffers
	if errors.As(err, &d) {
		return d.what
	}
	return ""
}
