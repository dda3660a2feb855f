package manifest

import (
	"encoding/binary"
	"fmt"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/fault"
)

// MaxPage is the most bytes that a page may have. An entry always fits in one.
const MaxPage = 4 << 20

// A page is entries in order, and nothing else. An entry is its kind, the bytes of its block as a
// uvarint, and of an inner entry the block.
const (
	kindLeaf  = 1
	kindInner = 2
)

// AppendPage appends the entries of m from index from on to dst: as many as fit in maxBytes (at most
// MaxPage; what is not positive is MaxPage), but at least one unless from is Len. n is how many; the
// next page begins at from + n. block returns the block of an inner entry.
func AppendPage(dst []byte, m *Manifest, from, maxBytes int, block func(c cid.Cid) ([]byte, error)) (out []byte, n int, err error) {
	total := m.Len()
	if from < 0 || from > total {
		return dst, 0, fault.New(fault.BadInput, "manifest of %s: no entry %d, it has %d", m.Root(), from, total)
	}
	if maxBytes <= 0 || maxBytes > MaxPage {
		maxBytes = MaxPage
	}
	out = dst
	for ; from+n < total; n++ {
		// A leaf's own bytes are not sent, and its CID is not needed: 1,000 a page are cheap.
		head := m.head(from + n)
		need := len(head)
		if head[0] == kindInner {
			need += int(m.size(from + n))
		}
		if n > 0 && len(out)-len(dst)+need > maxBytes {
			break
		}
		out = append(out, head...)
		if head[0] == kindInner {
			if out, err = m.appendBlock(out, from+n, block); err != nil {
				return dst, 0, err
			}
		}
	}
	return out, n, nil
}

func (m *Manifest) head(i int) []byte {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v := m.list.at(i)
	return appendHead(make([]byte, 0, 1+binary.MaxVarintLen32), v.leaf(), v.size())
}

func (m *Manifest) size(i int) uint32 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.list.at(i).size()
}

func (m *Manifest) appendBlock(out []byte, i int, block func(c cid.Cid) ([]byte, error)) ([]byte, error) {
	e := m.Entry(i)
	b, err := block(e.Cid)
	if err != nil {
		return nil, fmt.Errorf("block %s: %w", e.Cid, err)
	}
	if uint64(len(b)) != uint64(e.Size) {
		return nil, fault.New(fault.Corrupt, "block %s has %d bytes, and had %d", e.Cid, len(b), e.Size)
	}
	return append(out, b...), nil
}

// ReadPage feeds page to b. keep, which may be nil, stores each inner block after it has been verified
// and before b moves past it; the block is only valid during the call. The error is keep's, a
// *LieError, or says what the DAG itself breaks; entries before it have been taken.
func ReadPage(page []byte, b *Builder, keep func(c cid.Cid, block []byte) error) error {
	next, _ := b.Next()
	switch {
	case len(page) == 0:
		return lie(next, "an empty page")
	case len(page) > MaxPage:
		return lie(next, "a page larger than a page may be")
	}
	for len(page) > 0 {
		var err error
		if page, err = readEntry(page, b, keep); err != nil {
			return err
		}
	}
	return nil
}

func readEntry(page []byte, b *Builder, keep func(c cid.Cid, block []byte) error) (rest []byte, err error) {
	next, _ := b.Next()
	kind := page[0]
	size, n := binary.Uvarint(page[1:])
	switch {
	case n <= 0:
		return nil, lie(next, "a size that is no number")
	case size > contentaddr.MaxBlock:
		return nil, lie(next, tooLarge(size))
	}
	page = page[1+n:]
	switch kind {
	case kindLeaf:
		return page, b.Leaf(uint32(size))
	case kindInner:
		if size > uint64(len(page)) {
			return nil, lie(next, "a page that ends inside a block")
		}
		return page[size:], b.inner(page[:size:size], keep)
	}
	return nil, lie(next, "an entry of unknown kind")
}
