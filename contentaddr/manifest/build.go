package manifest

import (
	"context"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

// Build lists the DAG of root out of a peer's own store, whether or not it has the leaves. It reads the
// inner blocks. A raw block in a file is a leaf whose size the node above says; of any other it asks
// stat (which may be nil), and reads what stat does not know. Errors are those of get, and the DAG's own.
func Build(ctx context.Context, root cid.Cid, get Get, stat Stat, lim Limits) (*Manifest, error) {
	b := NewBuilder(root, lim)
	for {
		c, done := b.Next()
		if done {
			return b.Manifest(), nil
		}
		if err := b.fetch(ctx, c, get, stat); err != nil {
			var wrong *LieError
			if errors.As(err, &wrong) { // there is no sender: the DAG itself, or the store, is wrong
				err = fault.New(fault.Corrupt, "block %s: %s", wrong.Cid, wrong.Why)
			}
			return nil, fmt.Errorf("manifest of %s: %w", root, err)
		}
	}
}

// fetch adds the entry of c.
func (b *Builder) fetch(ctx context.Context, c cid.Cid, get Get, stat Stat) error {
	if b.err != nil {
		return b.err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.Type() == cid.Raw && b.next.payload >= 0 {
		return b.Leaf(uint32(b.next.payload))
	}
	if stat != nil {
		if leaf, size, ok := stat(c); ok && leaf {
			return b.Leaf(uint32(size))
		}
	}
	block, err := get(ctx, c)
	if err != nil {
		return fmt.Errorf("block %s: %w", c, err)
	}
	n, err := unixfs.Parse(c, block)
	if err != nil {
		return err
	}
	if n.IsLeaf() {
		return b.Leaf(uint32(len(block)))
	}
	return b.Inner(block)
}
