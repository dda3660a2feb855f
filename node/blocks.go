package node

import (
	"context"
	"sync"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/link"
	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/swarm"
)

// blocks are the blocks of one root, from here or from the network, for the verbs that look inside.
type blocks struct {
	node    *Node
	link    link.Link
	remote  *swarm.Blocks
	stop    context.CancelFunc
	finding sync.WaitGroup
	begin   sync.Once
	begun   func()
}

// openBlocks returns the blocks of l's root. Nobody is asked before something is not here.
func (n *Node) openBlocks(ctx context.Context, l link.Link, timeout time.Duration, emit func(api.Event)) *blocks {
	ctx, stop := context.WithCancel(ctx)
	b := &blocks{node: n, link: l, remote: n.swarm.Blocks(l.Cid, timeout), stop: stop}
	b.begun = func() {
		emit(api.Event{Event: api.EventState, Cid: l.Cid.String(), Message: n.questFor(l).String()})
		b.finding.Go(func() {
			n.findSources(ctx, n.questFor(l), b.remote.Sources, func(f discovery.Found) { b.remote.AddPeer(ctx, f.AddrInfo) })
		})
	}
	return b
}

func (b *blocks) close() {
	b.stop()
	b.finding.Wait()
	b.remote.Close()
}

// Get is a manifest.Get.
func (b *blocks) Get(ctx context.Context, c cid.Cid) ([]byte, error) {
	if block, err := b.node.store.Block(ctx, c, nil); err == nil {
		return block, nil
	}
	if err := b.node.online(ctx); err != nil {
		return nil, err
	}
	b.begin.Do(b.begun)
	return b.remote.Get(ctx, c)
}
