package have

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-varint"
)

// Bounds of a question. A request is at most MaxCids × (maxCid + 1) + 2 bytes, 33 KiB.
const (
	MaxCids = 256 // CIDs in one question
	maxCid  = 127 // bytes of one CID, so that its length is one byte: a CIDv1 of a 64-byte hash has 68
)

var errMalformed = errors.New("malformed")

// appendRequest appends the question about cids:
//
//	request = uvarint count, 1 to 256 · count × (length, one byte 1 to 127 · the CID's bytes)
func appendRequest(out []byte, cids []cid.Cid) ([]byte, error) {
	if len(cids) == 0 || len(cids) > MaxCids {
		return nil, fmt.Errorf("ask about %d CIDs: want 1 to %d", len(cids), MaxCids)
	}
	out = append(out, varint.ToUvarint(uint64(len(cids)))...)
	for _, c := range cids {
		if n := c.ByteLen(); n == 0 || n > maxCid {
			return nil, fmt.Errorf("ask about a CID of %d bytes: want 1 to %d", n, maxCid)
		}
		out = append(out, byte(c.ByteLen()))
		out = append(out, c.Bytes()...)
	}
	return out, nil
}

// readRequest reads one question and the end of the stream after it. It allocates no more than what
// was sent warrants.
func readRequest(r io.Reader) ([]cid.Cid, error) {
	in := bufio.NewReaderSize(r, 4096)
	count, err := varint.ReadUvarint(in)
	if err != nil {
		return nil, fmt.Errorf("count: %w", err)
	}
	if count == 0 || count > MaxCids {
		return nil, fmt.Errorf("count %d: %w", count, errMalformed)
	}
	var cids []cid.Cid
	var buf [maxCid]byte
	for range count {
		n, err := in.ReadByte()
		if err != nil {
			return nil, fmt.Errorf("length of a CID: %w", noEOF(err))
		}
		if n == 0 || n > maxCid {
			return nil, fmt.Errorf("CID of %d bytes: %w", n, errMalformed)
		}
		if _, err := io.ReadFull(in, buf[:n]); err != nil {
			return nil, fmt.Errorf("CID: %w", noEOF(err))
		}
		c, err := cid.Cast(buf[:n])
		if err != nil {
			return nil, fmt.Errorf("CID: %w", err)
		}
		cids = append(cids, c)
	}
	return cids, atEnd(in)
}

// appendAnswer appends the answer:
//
//	answer = ceil(count / 8) bytes: bit i&7 of byte i>>3 says whether the i-th CID is here; the rest are 0
func appendAnswer(out []byte, have []bool) []byte {
	start := len(out)
	out = append(out, make([]byte, (len(have)+7)/8)...)
	for i, yes := range have {
		if yes {
			out[start+i>>3] |= 1 << (i & 7)
		}
	}
	return out
}

// readAnswer reads the answer to a question about count CIDs, and the end of the stream after it.
func readAnswer(r io.Reader, count int) ([]bool, error) {
	var buf [MaxCids / 8]byte
	bits := buf[:(count+7)/8]
	if _, err := io.ReadFull(r, bits); err != nil {
		return nil, noEOF(err)
	}
	if last := count & 7; last != 0 && bits[len(bits)-1]>>last != 0 {
		return nil, fmt.Errorf("a bit beyond the last CID: %w", errMalformed)
	}
	have := make([]bool, count)
	for i := range have {
		have[i] = bits[i>>3]>>(i&7)&1 != 0
	}
	return have, atEnd(r)
}

func atEnd(r io.Reader) error {
	var one [1]byte
	switch _, err := io.ReadFull(r, one[:]); err {
	case io.EOF:
		return nil
	case nil:
		return fmt.Errorf("bytes after the end: %w", errMalformed)
	default:
		return err
	}
}

// noEOF makes an end in the middle of something an error for those who compare with io.EOF.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
