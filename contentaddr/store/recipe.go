package store

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/unixfs"
)

// A framing says what turns a file's bytes into a block.
type framing uint8

const (
	bare     framing = iota // a raw leaf: nothing
	standard                // the dag-pb frame of unixfs.LeafFrame
	odd                     // another dag-pb frame, which the recipe holds
)

// A recipe says which bytes of which file make a leaf, and how.
type recipe struct {
	file    uint64
	offset  int64
	size    int // payload bytes in the file
	framing framing
	wrong   bool // the file's bytes were found to be others

	prefix, suffix []byte // of an odd frame
}

// An extent is the same seen from the file.
type extent struct {
	recipe
	cid cid.Cid
}

var errRecipe = errors.New("store: a recipe in the database is damaged")

// frame returns what stands before and after the payload in the block.
func (r recipe) frame() (prefix, suffix []byte) {
	switch r.framing {
	case standard:
		return unixfs.LeafFrame(r.size)
	case odd:
		return r.prefix, r.suffix
	}
	return nil, nil
}

// blockSize returns the bytes of the block.
func (r recipe) blockSize() int {
	prefix, suffix := r.frame()
	return len(prefix) + r.size + len(suffix)
}

// appendBlock appends the block to buf; payload fills a slice with the file's bytes.
func (r recipe) appendBlock(buf []byte, payload func(p []byte) error) ([]byte, error) {
	prefix, suffix := r.frame()
	buf = append(slices.Grow(buf, len(prefix)+r.size+len(suffix)), prefix...)
	at := len(buf)
	buf = buf[:at+r.size]
	if err := payload(buf[at:]); err != nil {
		return nil, err
	}
	return append(buf, suffix...), nil
}

// framed returns the recipe of a block whose payload is block[start:end], without its place. An odd
// frame aliases block.
func framed(block []byte, start, end int) recipe {
	r := recipe{size: end - start}
	if start == 0 && end == len(block) && end > 0 {
		return r
	}
	r.framing = standard
	prefix, suffix := r.frame()
	if string(prefix) != string(block[:start]) || string(suffix) != string(block[end:]) {
		r.framing, r.prefix, r.suffix = odd, block[:start], block[end:]
	}
	return r
}

// value returns what the keys of a recipe map to; keyExtent's value goes on with the CID.
func (r recipe) value() []byte {
	head := uint64(r.size)<<3 | uint64(r.framing)
	if r.wrong {
		head |= 4
	}
	v := binary.AppendUvarint(nil, head)
	if r.framing == odd {
		v = append(binary.AppendUvarint(v, uint64(len(r.prefix))), r.prefix...)
		v = append(binary.AppendUvarint(v, uint64(len(r.suffix))), r.suffix...)
	}
	return v
}

// parseRecipe is the inverse of value: place is file and offset. It returns what follows.
func parseRecipe(place, value []byte) (recipe, []byte, error) {
	v, n := binary.Uvarint(value)
	if n <= 0 || v>>3 > math.MaxInt32 || framing(v&3) > odd {
		return recipe{}, nil, errRecipe
	}
	r := recipe{
		file:    binary.BigEndian.Uint64(place),
		offset:  int64(binary.BigEndian.Uint64(place[8:])),
		size:    int(v >> 3),
		framing: framing(v & 3),
		wrong:   v&4 != 0,
	}
	value = value[n:]
	if r.framing != odd {
		return r, value, nil
	}
	var ok bool
	if r.prefix, value, ok = counted(value); !ok {
		return recipe{}, nil, errRecipe
	}
	if r.suffix, value, ok = counted(value); !ok {
		return recipe{}, nil, errRecipe
	}
	return r, value, nil
}

// counted cuts a copy of a string with its length before it off p.
func counted(p []byte) (s, rest []byte, ok bool) {
	size, n := binary.Uvarint(p)
	if n <= 0 || size > uint64(len(p)-n) {
		return nil, nil, false
	}
	return slices.Clone(p[n : n+int(size)]), p[n+int(size):], true
}

// parseRecipeEntry reads an entry of keyRecipe.
func parseRecipeEntry(k, value []byte) (recipe, error) {
	if len(k) < 16 {
		return recipe{}, errRecipe
	}
	r, _, err := parseRecipe(k[len(k)-16:], value)
	return r, err
}

// parseExtent reads an entry of keyExtent.
func parseExtent(k, value []byte) (extent, error) {
	if len(k) != 17 {
		return extent{}, errRecipe
	}
	r, rest, err := parseRecipe(k[1:], value)
	if err != nil {
		return extent{}, err
	}
	_, c, err := cid.CidFromBytes(rest)
	if err != nil {
		return extent{}, errRecipe
	}
	return extent{r, c}, nil
}
