package wire

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// A Reader reads control messages. It is not safe for concurrent use.
type Reader struct {
	br   *bufio.Reader
	body []byte
}

// NewReader returns a Reader of r. It reads ahead.
func NewReader(r io.Reader) *Reader {
	return &Reader{br: bufio.NewReaderSize(r, readAhead)}
}

// readAhead is small because a peer may have many streams and few large messages.
const readAhead = 4 << 10

// Next returns the next message of a known type. At the end of the stream between two messages the error
// is io.EOF. After an error the Reader is of no use.
func (r *Reader) Next() (Message, error) {
	for range maxSkipped {
		m, err := r.next()
		if m != nil || err != nil {
			return m, err
		}
	}
	return nil, fmt.Errorf("%w: %d unknown messages in a row", ErrMalformed, maxSkipped)
}

// next returns the next message, or nil if its type is unknown.
func (r *Reader) next() (Message, error) {
	n, err := readUvarint(r.br, MaxMessage)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, fmt.Errorf("%w: an empty message", ErrMalformed)
	}
	t, err := r.br.ReadByte()
	if err != nil {
		return nil, cut(err)
	}
	if !Type(t).known() {
		_, err := r.br.Discard(int(n) - 1)
		return nil, cut(err)
	}
	if err := r.read(int(n) - 1); err != nil {
		return nil, cut(err)
	}
	return Decode(Type(t), r.body)
}

// read fills body with n bytes. The buffer grows with what has arrived, not with what was announced.
func (r *Reader) read(n int) error {
	r.body = r.body[:0]
	for len(r.body) < n {
		have := len(r.body)
		step := min(n-have, readAhead)
		if cap(r.body)-have < step {
			r.body = append(r.body, make([]byte, step)...)
		}
		r.body = r.body[:have+step]
		if _, err := io.ReadFull(r.br, r.body[have:]); err != nil {
			return err
		}
	}
	return nil
}

// cut turns an end of stream inside a message into what it is.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readUvarint reads a minimal uvarint of at most limit. io.EOF means that not even its first byte came.
func readUvarint(br *bufio.Reader, limit uint64) (uint64, error) {
	var v uint64
	for shift := 0; ; shift += 7 {
		b, err := br.ReadByte()
		if err != nil {
			if shift > 0 {
				err = cut(err)
			}
			return 0, err
		}
		if shift == 63 && b > 1 || b == 0 && shift > 0 {
			return 0, fmt.Errorf("%w: bad varint", ErrMalformed)
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			break
		}
	}
	if v > limit {
		return 0, fmt.Errorf("%w: %d is over %d", ErrMalformed, v, limit)
	}
	return v, nil
}

// A Writer writes control messages. It is not safe for concurrent use.
type Writer struct {
	w   io.Writer
	buf []byte
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write writes the messages at once, in a single Write below. Nothing is written if one of them breaks
// a limit.
func (w *Writer) Write(messages ...Message) error {
	w.buf = w.buf[:0]
	for _, m := range messages {
		start := len(w.buf)
		w.buf = Append(w.buf, m)
		if err := checkFrame(w.buf[start:]); err != nil {
			return fmt.Errorf("write %v: %w", m.Type(), err)
		}
	}
	_, err := w.w.Write(w.buf)
	if cap(w.buf) > MaxMessage {
		w.buf = nil
	}
	return err
}

// checkFrame decodes what is about to be sent: our own mistakes are found here, not by the other peer.
func checkFrame(frame []byte) error {
	n, k := binary.Uvarint(frame)
	if n > MaxMessage {
		return fmt.Errorf("%w: %d bytes, over %d", ErrMalformed, n, MaxMessage)
	}
	_, err := Decode(Type(frame[k]), frame[k+1:])
	return err
}
