package manifest

import (
	"context"

	"github.com/ipfs/go-cid"
)

// Builder makes a manifest of what a sender streams. It performs no I/O and is not safe for
// concurrent use, but the manifest it fills is.
type Builder struct{}

// NewBuilder begins the manifest of root.
func NewBuilder(root cid.Cid, lim Limits) *Builder { panic("soon") }

// Next returns the CID that the next entry is for, or done when the manifest is complete.
func (b *Builder) Next() (c cid.Cid, done bool) { panic("soon") }

// Leaf takes the sender's word that Next is a leaf of size bytes.
func (b *Builder) Leaf(size uint32) error { panic("soon") }

// Inner takes the block of Next, which is not a leaf, after verifying it.
func (b *Builder) Inner(block []byte) error { panic("soon") }

// Manifest returns the manifest as far as it has grown; it goes on growing.
func (b *Builder) Manifest() *Manifest { panic("soon") }

// Build lists the DAG of root out of a peer's own store. stat may be nil.
func Build(ctx context.Context, root cid.Cid, get Get, stat Stat, lim Limits) (*Manifest, error) {
	panic("soon")
}

// LieError says that the sender, and not the DAG, is at fault. Its kind is fault.Corrupt. The
// Builder that returned it is unchanged: another sender can go on.
type LieError struct {
	Cid cid.Cid
	Why string
}

func (e *LieError) Error() string { panic("soon") }

// CheckLeaf says whether a block that has arrived, and whose hash is right, really is the leaf that
// a sender claimed: a *LieError when it is an inner node or not of the claimed size.
func CheckLeaf(e Entry, block []byte) error { panic("soon") }
