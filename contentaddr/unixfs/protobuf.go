package unixfs

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// Wire types of protocol buffers. Groups (3 and 4) are refused.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

var (
	errTruncated = errors.New("truncated")
	errVarint    = errors.New("varint over 64 bits")
	errWire      = errors.New("wrong wire type")
	errTwice     = errors.New("field given twice")
)

// A field is one decoded field of a message. Its value is num for varints and fixed sizes, bytes
// (aliasing the message) for byte strings.
type field struct {
	number uint64
	wire   uint8
	num    uint64
	bytes  []byte
}

// next reads one field off the front of b. It allocates nothing, whatever lengths b claims.
func next(b []byte) (f field, rest []byte, err error) {
	tag, b, err := varint(b)
	if err != nil {
		return f, b, err
	}
	f.number, f.wire = tag>>3, uint8(tag&7)
	switch f.wire {
	case wireVarint:
		f.num, b, err = varint(b)
		return f, b, err
	case wireFixed64:
		if len(b) < 8 {
			return f, b, errTruncated
		}
		f.num = binary.LittleEndian.Uint64(b)
		return f, b[8:], nil
	case wireFixed32:
		if len(b) < 4 {
			return f, b, errTruncated
		}
		f.num = uint64(binary.LittleEndian.Uint32(b))
		return f, b[4:], nil
	case wireBytes:
		size, b, err := varint(b)
		if err != nil {
			return f, b, err
		}
		if size > uint64(len(b)) {
			return f, b, errTruncated
		}
		f.bytes = b[:size:size]
		return f, b[size:], nil
	}
	return f, b, errWire
}

func varint(b []byte) (uint64, []byte, error) {
	v, n := binary.Uvarint(b)
	switch {
	case n == 0:
		return 0, b, errTruncated
	case n < 0:
		return 0, b, errVarint
	}
	return v, b[n:], nil
}

// varintLen returns how many bytes v has as a varint.
func varintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

func appendVarintField(b []byte, number, v uint64) []byte {
	b = append(b, byte(number<<3|wireVarint))
	return binary.AppendUvarint(b, v)
}

// appendBytesHeader appends the tag and length of a byte string, which the caller appends next.
func appendBytesHeader(b []byte, number uint64, size int) []byte {
	b = append(b, byte(number<<3|wireBytes))
	return binary.AppendUvarint(b, uint64(size))
}

// bytesLen returns how many bytes a byte string of size takes with its one-byte tag and length.
func bytesLen(size int) int { return 1 + varintLen(uint64(size)) + size }
