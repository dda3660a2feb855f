package node

import (
	"context"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/contentaddr/store"
	"github.com/seed4134be55/peer/swarm"
)

// library lets the swarm serve what the store holds. Whoever knows a root's CID may have it; which CIDs
// are told to whom is discovery's affair.
type library struct{ store *store.Store }

// Open implements swarm.Library.
func (l library) Open(ctx context.Context, root cid.Cid, _ peer.ID, _ []byte) (swarm.Content, error) {
	c, err := l.store.Root(ctx, root)
	if err != nil {
		return nil, err
	}
	return content{c, l.store}, nil
}

// content adds the inner blocks to what the store says of a root.
type content struct {
	store.Content
	store *store.Store
}

// Node implements swarm.Content.
func (c content) Node(ctx context.Context, block cid.Cid) ([]byte, error) {
	return c.store.Block(ctx, block, nil)
}

// listedHere tells whether other peers may be told that this one has a root: it is listed, and some of it is
// here to be served. It is asked of hundreds of CIDs at a time, so it looks at no other root.
func (l library) listedHere(c cid.Cid) bool {
	roots, err := l.store.RootsOf(c)
	if err != nil {
		return false
	}
	for _, r := range roots {
		if !r.Unlisted && (r.Complete || r.Held > 0 || l.store.Active(c)) {
			return true
		}
	}
	return false
}
