package manifest

import (
	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

// Builder makes a manifest of what a sender streams. No CID is streamed: which one comes next follows
// from the inner blocks that have been verified, so it cannot be lied about. Builder performs no I/O
// and is not safe for concurrent use, but the manifest it fills is.
type Builder struct {
	m      *Manifest
	lim    Limits
	frames []*frame // the path to next
	next   link     // undefined CID: done
	err    error    // the DAG is beyond the limits: nothing can go on
	held   int      // bytes of links in frames
}

// NewBuilder begins the manifest of root. A root that is not accepted is told by the first entry.
func NewBuilder(root cid.Cid, lim Limits) *Builder {
	b := &Builder{m: &Manifest{root: root, list: newList()}, lim: lim}
	if err := contentaddr.CheckCID(root); err != nil {
		b.err = fault.Mark(fault.Corrupt, err)
		b.next.cid = root
		return b
	}
	// A frame above the root, so that the root needs no case of its own.
	b.frames = append(b.frames, newFrame([]link{{cid: root, payload: -1}}, -1))
	b.err = b.advance()
	return b
}

// Manifest returns the manifest as far as it has grown; it goes on growing.
func (b *Builder) Manifest() *Manifest { return b.m }

// Err returns why the DAG cannot be listed, or nil.
func (b *Builder) Err() error { return b.err }

// Next returns the CID that the next entry is for, or done when the manifest is complete.
func (b *Builder) Next() (c cid.Cid, done bool) {
	return b.next.cid, b.err == nil && !b.next.cid.Defined()
}

// Leaf takes the sender's word that Next is a leaf of size bytes: of a dag-pb block nobody knows
// before it arrives (see CheckLeaf). The error is a *LieError, or says what the DAG itself breaks.
func (b *Builder) Leaf(size uint32) error {
	if err := b.ready(); err != nil {
		return err
	}
	c, payload := b.next.cid, b.next.payload
	switch {
	case size > contentaddr.MaxBlock:
		return lie(c, tooLarge(uint64(size)))
	case payload < 0: // nothing above knows it
	case c.Type() == cid.Raw && int64(size) != payload, int64(size) < payload:
		return lie(c, "a leaf of another size than the node above it says")
	}
	return b.list(true, size, nil)
}

// Inner takes the block of Next, which is not a leaf, after verifying it; it keeps nothing of the
// slice. The error is a *LieError, or says what the DAG itself breaks.
func (b *Builder) Inner(block []byte) error { return b.inner(block, nil) }

// inner is Inner with keep called after the block is verified and before b moves.
func (b *Builder) inner(block []byte, keep func(c cid.Cid, block []byte) error) error {
	if err := b.ready(); err != nil {
		return err
	}
	n, err := b.verify(block)
	if err != nil {
		return err
	}
	if err := b.checkNode(b.next, n); err != nil {
		b.err = err
		return err
	}
	if keep != nil {
		if err := keep(b.next.cid, block); err != nil {
			return err
		}
	}
	return b.list(false, uint32(len(block)), n)
}

// ready says whether an entry may come.
func (b *Builder) ready() error {
	switch {
	case b.err != nil:
		return b.err
	case !b.next.cid.Defined():
		return lie(b.m.root, "more entries than its DAG has")
	}
	return nil
}

// verify parses the block of the next entry, or says how the sender lied.
func (b *Builder) verify(block []byte) (*unixfs.Node, error) {
	c := b.next.cid
	if c.Type() == cid.Raw {
		return nil, lie(c, "claimed as an inner node, but raw blocks are leaves")
	}
	if err := contentaddr.Verify(c, block); err != nil {
		return nil, lie(c, err.Error())
	}
	n, err := unixfs.Parse(c, block)
	if err != nil {
		b.err = err // every copy of this block is as bad
		return nil, err
	}
	if n.IsLeaf() {
		return nil, lie(c, "claimed as an inner node, it is a leaf")
	}
	return n, nil
}

// list adds the next entry, follows n's links if it has any, and moves on.
func (b *Builder) list(leaf bool, size uint32, n *unixfs.Node) error {
	if most := min(b.lim.Entries, maxEntries); b.m.Len() >= most {
		b.err = exceeds("distinct blocks", int64(b.m.Len())+1, int64(most))
		return b.err
	}
	b.m.add(b.next.cid, leaf, size)
	if n != nil {
		b.err = b.descend(n)
	}
	if b.err == nil {
		b.err = b.advance()
	}
	return b.err
}

// advance finds the next CID that is not listed, and finishes the manifest when there is none.
func (b *Builder) advance() error {
	for len(b.frames) > 0 {
		top := b.frames[len(b.frames)-1]
		l, ok := top.take()
		if !ok {
			b.held -= top.size()
			b.frames = b.frames[:len(b.frames)-1]
			continue
		}
		if inline, ok := contentaddr.Identity(l.cid); ok {
			if err := b.identity(l, inline); err != nil {
				return err
			}
			continue
		}
		if _, known := b.m.find(l.cid); !known {
			b.next = l
			return nil
		}
	}
	b.next = link{}
	b.m.finish()
	return nil
}

// identity follows a node that its own CID carries. It is not listed, but what it links to is.
func (b *Builder) identity(l link, inline []byte) error {
	n, err := unixfs.Parse(l.cid, inline)
	if err != nil {
		return err
	}
	if err := b.checkNode(l, n); err != nil {
		return err
	}
	return b.descend(n)
}
