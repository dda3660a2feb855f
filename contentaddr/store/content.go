package store

import (
	"context"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/contentaddr/manifest"
)

// Content is a root that can be served leaf by leaf: one held whole, or a download under way. Safe for
// concurrent use.
type Content interface {
	Root() cid.Cid
	Manifest() *manifest.Manifest
	// Have returns a copy of the set of leaves held. Whoever needs to know every change subscribes
	// with Changes first.
	Have() *bitfield.Bitfield
	// ReadLeaf returns the block of leaf i in buf if that is large enough; what buf holds is
	// overwritten. ErrWithdrawn says that it was held until now.
	ReadLeaf(ctx context.Context, i int, buf []byte) ([]byte, error)
	// Recheck hashes leaf i after somebody complained, and returns whether it had to be withdrawn.
	Recheck(ctx context.Context, i int) bool
	// Changes returns the changes to Have from now on. cancel closes the channel.
	Changes() (changes <-chan Change, cancel func())
}

var (
	_ Content = (*Root)(nil)
	_ Content = (*Download)(nil)
)
