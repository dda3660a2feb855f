package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"golang.org/x/sync/errgroup"

	"github.com/seed4134be55/peer/contentaddr/store"
)

// provideWithin bounds one announcement to all modes.
const provideWithin = time.Minute

// announceAtOnce is how many roots are announced at a time: a hash table takes seconds for one, and hundreds may have
// been fetched in one go.
const announceAtOnce = 8

// news are roots that are to be announced, each once, in the order in which they came. They are as many as the home
// holds at most. Safe for concurrent use.
type news struct {
	wake chan struct{} // has room for one

	lock    sync.Mutex
	waiting []store.RootInfo
}

func newNews() *news { return &news{wake: make(chan struct{}, 1)} }

func (n *news) add(info store.RootInfo) {
	n.lock.Lock()
	defer n.lock.Unlock()
	if slices.ContainsFunc(n.waiting, func(other store.RootInfo) bool { return other.Cid.Equals(info.Cid) }) {
		return
	}
	n.waiting = append(n.waiting, info)
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *news) take() (info store.RootInfo, ok bool) {
	n.lock.Lock()
	defer n.lock.Unlock()
	if len(n.waiting) == 0 {
		return info, false
	}
	info, n.waiting = n.waiting[0], n.waiting[1:]
	return info, true
}

// announceNew tells the modes of what is shared from now on. What was shared before, and telling again
// before records expire, is theirs: they ask listed.
func (n *Node) announceNew(ctx context.Context) error {
	var telling errgroup.Group
	telling.SetLimit(announceAtOnce)
	for {
		if info, ok := n.announcements.take(); ok && ctx.Err() == nil {
			telling.Go(func() error { n.announce(ctx, info); return nil })
			continue
		}
		select {
		case <-n.announcements.wake:
		case <-ctx.Done():
			return telling.Wait()
		}
	}
}

// provide has a root announced soon.
func (n *Node) provide(info store.RootInfo) {
	if !info.Unlisted {
		n.announcements.add(info)
	}
}

// provideFetched has a root announced that has just been fetched: the modes look for news among what is held
// here only now and then.
func (n *Node) provideFetched(c cid.Cid) {
	roots, err := n.store.RootsOf(c)
	if err != nil {
		n.cfg.Log.Warn("download not announced", "root", c, "error", err)
		return
	}
	for _, r := range roots {
		if r.Complete {
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
