package wire

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
)

// MaxHeader is the room to leave in front of a payload for its header. The longest header has 20 bytes;
// the rest keeps payloads aligned.
const MaxHeader = 32

// A Frame is what a frame of the data stream carries: the first byte of its header.
type Frame uint8

// The frames.
const (
	FrameLeaf  Frame = 1 // the bytes of a requested leaf
	FrameBlock Frame = 2 // the bytes of a requested block
	FramePage  Frame = 3 // entries of the manifest
)

// A Header stands in front of Length bytes of payload.
type Header struct {
	Frame   Frame
	Channel uint32
	Index   uint32 // FrameLeaf: of the leaf. FramePage: of the first entry
	Count   uint32 // FramePage: entries in it
	Tag     uint64 // FrameBlock: of the request
	Length  int    // bytes; at most MaxBlock, of a page MaxPage
}

// PutLeafHeader writes the header of a leaf of length bytes so that it ends at buf[MaxHeader], where the
// payload begins, and returns where it starts: buf[start:MaxHeader+length] is the frame.
func PutLeafHeader(buf []byte, channel, index uint32, length int) (start int) {
	var h [MaxHeader]byte
	n := putHead(&h, FrameLeaf, channel, uint64(index))
	return rightAlign(buf, &h, n, length)
}

// PutBlockHeader is PutLeafHeader for a block.
func PutBlockHeader(buf []byte, channel uint32, tag uint64, length int) (start int) {
	var h [MaxHeader]byte
	n := putHead(&h, FrameBlock, channel, tag)
	return rightAlign(buf, &h, n, length)
}

// PutPageHeader is PutLeafHeader for count entries from entry from on.
func PutPageHeader(buf []byte, channel, from, count uint32, length int) (start int) {
	var h [MaxHeader]byte
	n := putHead(&h, FramePage, channel, uint64(from))
	n += binary.PutUvarint(h[n:], uint64(count))
	return rightAlign(buf, &h, n, length)
}

func putHead(h *[MaxHeader]byte, f Frame, channel uint32, which uint64) int {
	h[0] = byte(f)
	n := 1 + binary.PutUvarint(h[1:], uint64(channel))
	return n + binary.PutUvarint(h[n:], which)
}

func rightAlign(buf []byte, h *[MaxHeader]byte, n, length int) int {
	n += binary.PutUvarint(h[n:], uint64(length))
	return MaxHeader - copy(buf[MaxHeader-n:MaxHeader], h[:n])
}

// ReadHeader reads the next header; the caller then reads Length bytes of payload. At the end of the
// stream between two frames the error is io.EOF.
func ReadHeader(br *bufio.Reader) (Header, error) {
	f, err := br.ReadByte()
	if err != nil {
		return Header{}, err
	}
	h := Header{Frame: Frame(f)}
	if h.Frame < FrameLeaf || h.Frame > FramePage {
		return Header{}, fmt.Errorf("%w: unknown frame %d", ErrMalformed, f)
	}
	if err := h.read(br); err != nil {
		return Header{}, fmt.Errorf("frame: %w", cut(err))
	}
	return h, nil
}

func (h *Header) read(br *bufio.Reader) error {
	channel, err := readUvarint(br, math.MaxUint32)
	if err != nil {
		return err
	}
	h.Channel = uint32(channel)
	switch h.Frame {
	case FrameLeaf:
		err = readUint32(br, &h.Index, MaxLeaves-1)
	case FrameBlock:
		h.Tag, err = readUvarint(br, math.MaxUint64)
	case FramePage:
		err = h.readPage(br)
	}
	if err != nil {
		return err
	}
	limit := uint64(MaxBlock)
	if h.Frame == FramePage {
		limit = MaxPage
	}
	length, err := readUvarint(br, limit)
	h.Length = int(length)
	return err
}

func (h *Header) readPage(br *bufio.Reader) error {
	if err := readUint32(br, &h.Index, MaxLeaves); err != nil {
		return err
	}
	return readUint32(br, &h.Count, MaxLeaves-uint64(h.Index))
}

func readUint32(br *bufio.Reader, dst *uint32, limit uint64) error {
	v, err := readUvarint(br, limit)
	*dst = uint32(v)
	return err
}
