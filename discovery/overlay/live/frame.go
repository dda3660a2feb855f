package live

import (
	"bufio"
	"fmt"
	"io"

	"github.com/multiformats/go-varint"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A frame is what goes over a stream at once. Which fields count depends on its kind.
type frame struct {
	kind   frameKind
	number uint64 // ask, answer, ping, pong: of the question, chosen by who asks
	from   uint8  // tell, ask: which of the sender's nodes
	to     uint8  // tell, ask: which of the receiver's
	body   []byte // hello; tell, ask, answer: the message
}

type frameKind uint8

const (
	frameHello  frameKind = iota // first in either direction
	frameTell                    // a message that is not answered
	frameAsk                     // one that is
	frameAnswer                  // to an ask
	framePing                    // how long does it take?
	framePong                    // so long
	frameKinds
)

// maxFrame bounds what follows a frame's length: a message, and the most that stands before it.
const maxFrame = overlay.MaxMessage + 16

// append appends f to b:
//
//	frame  = uvarint length of what follows, 1 to maxFrame · kind [1] · body
//	hello  = see hello.go
//	tell   = from [1] · to [1] · message
//	ask    = uvarint number · from [1] · to [1] · message
//	answer = uvarint number · message
//	ping   = uvarint number
//	pong   = uvarint number
func (f frame) append(b []byte) []byte {
	head := make([]byte, 0, 16)
	head = append(head, byte(f.kind))
	if f.numbered() {
		head = append(head, varint.ToUvarint(f.number)...)
	}
	if f.addressed() {
		head = append(head, f.from, f.to)
	}
	b = append(b, varint.ToUvarint(uint64(len(head)+len(f.body)))...)
	b = append(b, head...)
	return append(b, f.body...)
}

func (f frame) numbered() bool {
	return f.kind == frameAsk || f.kind == frameAnswer || f.kind == framePing || f.kind == framePong
}

func (f frame) addressed() bool { return f.kind == frameTell || f.kind == frameAsk }

func (f frame) bodied() bool { return f.kind != framePing && f.kind != framePong }

// readFrame reads one frame. An error that wraps overlay.ErrMalformed is the sender's fault.
func readFrame(r *bufio.Reader) (frame, error) {
	length, err := varint.ReadUvarint(r)
	if err != nil {
		return frame{}, varintError(err)
	}
	if length == 0 || length > maxFrame {
		return frame{}, malformed("a frame of %d bytes", length)
	}
	raw := make([]byte, length)
	if _, err := io.ReadFull(r, raw); err != nil {
		return frame{}, err
	}
	return parseFrame(raw)
}

// varintError tells a number that is written wrong from a stream that ends.
func varintError(err error) error {
	if err == varint.ErrOverflow || err == varint.ErrNotMinimal {
		return malformed("%v", err)
	}
	return err
}

// parseFrame takes apart what follows a frame's length. The body is a part of raw.
func parseFrame(raw []byte) (frame, error) {
	f, rest := frame{kind: frameKind(raw[0])}, raw[1:]
	if f.kind >= frameKinds {
		return frame{}, malformed("a frame of kind %d", f.kind)
	}
	if f.numbered() {
		number, n, err := varint.FromUvarint(rest)
		if err != nil {
			return frame{}, malformed("the number of a frame: %v", err)
		}
		f.number, rest = number, rest[n:]
	}
	if f.addressed() {
		if len(rest) < 2 {
			return frame{}, malformed("a frame without its nodes")
		}
		f.from, f.to, rest = rest[0], rest[1], rest[2:]
	}
	if f.bodied() != (len(rest) > 0) {
		return frame{}, malformed("a frame of kind %d with %d bytes", f.kind, len(rest))
	}
	if f.bodied() {
		f.body = rest
	}
	return f, nil
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{overlay.ErrMalformed}, args...)...)
}
