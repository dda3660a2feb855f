package wire

import "fmt"

// The kinds of a page's entries.
const (
	entryLeaf  = 0
	entryInner = 1
)

// An Entry is one entry of a manifest page. It has no CID: the root's is known and every other stands in an
// inner block that came before, so a sender cannot lie about it.
type Entry struct {
	Inner bool
	Size  uint32 // bytes of the block, at most MaxBlock
	Block []byte // of an inner entry; aliases the page
}

// AppendLeafEntry adds a leaf of size bytes to a page.
func AppendLeafEntry(page []byte, size uint32) []byte {
	return appendUint(append(page, entryLeaf), size)
}

// AppendInnerEntry adds an inner block to a page.
func AppendInnerEntry(page, block []byte) []byte {
	return appendBytes(append(page, entryInner), block)
}

// MaxEntryHead is the bytes that an entry takes at most beyond its inner block.
const MaxEntryHead = 1 + 4

// NextEntry takes the first entry off a page.
func NextEntry(page []byte) (e Entry, rest []byte, err error) {
	c := cursor{b: page}
	switch kind := c.byte("kind"); kind {
	case entryLeaf:
		e.Size = uint32(c.uvarint("size", MaxBlock))
	case entryInner:
		e.Inner = true
		e.Block = c.bytes("block", MaxBlock)
		e.Size = uint32(len(e.Block))
	default:
		c.fail("kind %d is unknown", kind)
	}
	if c.err != nil {
		return Entry{}, nil, fmt.Errorf("manifest page: %w", c.err)
	}
	return e, c.b, nil
}
