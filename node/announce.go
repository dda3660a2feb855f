package node

import (
	"context"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/store"
)

// provideWithin bounds one announcement to all modes.
const provideWithin = time.Minute

// announceNew tells the modes of what is shared from now on. What was shared before, and telling again
// before records expire, is theirs: they ask listed.
func (n *Node) announceNew(ctx context.Context) error {
	for {
		select {
		case info := <-n.announcements:
			n.announce(ctx, info)
		case <-ctx.Done():
			return nil
		}
	}
}

// provide has a root announced soon.
func (n *Node) provide(info store.RootInfo) {
	if info.Unlisted {
		return
	}
	select {
	case n.announcements <- info:
	default: // the modes' own rounds will bring it
	}
}

// provideFetched has a root announced that has just been fetched: the modes look for news among what is held
// here only now and then.
func (n *Node) provideFetched(c cid.Cid) {
	roots, err := n.store.Roots()
	if err != nil {
		n.cfg.Log.Warn("download not announced", "root", c, "error", err)
		return
	}
	for _, r := range roots {
		if r.Cid.Equals(c) && r.Complete {
			n.provide(r)
			return
		}
	}
}

// announce tells every mode that may know of one root.
func (n *Node) announce(ctx context.Context, info store.RootInfo) {
	ctx, cancel := context.WithTimeout(ctx, provideWithin)
	defer cancel()
	if err := n.mux.Provide(ctx, info.Cid, true); err != nil && ctx.Err() == nil {
		n.cfg.Log.Debug("not announced", "root", info.Cid, "error", err)
	}
	if info.Public && n.public != nil {
		if err := n.public(ctx, info.Cid); err != nil && ctx.Err() == nil {
			n.cfg.Log.Debug("not announced to the internet", "root", info.Cid, "error", err)
		}
	}
}
