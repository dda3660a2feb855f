package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr"
)

// A cursor reads a message's body. Its first error sticks, and after it every read is zero.
type cursor struct {
	b   []byte
	err error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
		c.b = nil
	}
}

// uvarint reads an unsigned LEB128 number of at most limit in its shortest form: one message has one
// encoding only, so that nothing can hide in the other ones.
func (c *cursor) uvarint(what string, limit uint64) uint64 {
	v, n := binary.Uvarint(c.b)
	switch {
	case n <= 0:
		c.fail("%s: bad varint", what)
		return 0
	case n > 1 && c.b[n-1] == 0:
		c.fail("%s: varint is not minimal", what)
		return 0
	case v > limit:
		c.fail("%s: %d is over %d", what, v, limit)
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) uint32(what string) uint32 {
	return uint32(c.uvarint(what, math.MaxUint32))
}

func (c *cursor) byte(what string) byte {
	if len(c.b) == 0 {
		c.fail("%s is missing", what)
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return v
}

func (c *cursor) bool(what string) bool {
	v := c.byte(what)
	if v > 1 {
		c.fail("%s: %d is not a boolean", what, v)
	}
	return v == 1
}

// fixed copies len(dst) bytes.
func (c *cursor) fixed(what string, dst []byte) {
	if len(c.b) < len(dst) {
		c.fail("%s is cut short", what)
		return
	}
	c.b = c.b[copy(dst, c.b):]
}

// bytes reads a length of at most limit and that many bytes. The result aliases the body.
func (c *cursor) bytes(what string, limit int) []byte {
	n := int(c.uvarint(what, uint64(limit)))
	if n > len(c.b) {
		c.fail("%s is cut short", what)
		return nil
	}
	v := c.b[:n]
	c.b = c.b[n:]
	return v
}

func (c *cursor) text(what string, limit int) string {
	v := c.bytes(what, limit)
	if !utf8.Valid(v) {
		c.fail("%s is not UTF-8", what)
		return ""
	}
	return string(v)
}

func (c *cursor) cid(what string) cid.Cid {
	raw := c.bytes(what, MaxCID)
	if c.err != nil {
		return cid.Undef
	}
	id, err := cid.Cast(raw)
	if err == nil {
		err = contentaddr.CheckCID(id)
	}
	if err != nil {
		c.fail("%s: %v", what, err)
		return cid.Undef
	}
	return id
}

func appendBytes[T string | []byte](dst []byte, v T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(v))), v...)
}

func appendUint(dst []byte, v uint32) []byte { return binary.AppendUvarint(dst, uint64(v)) }

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}
