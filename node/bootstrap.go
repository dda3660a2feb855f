package node

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	firstRetry   = 2 * time.Second
	longestRetry = 5 * time.Minute
	// keptTag protects the connections to configured peers from trimming.
	keptTag = "bootstrap"
)

// keepBootstrapped stays connected to the configured peers. Failing to reach them is silent and rarer
// each time.
func (n *Node) keepBootstrapped(ctx context.Context) error {
	var all sync.WaitGroup
	for _, p := range n.bootstrap {
		all.Go(func() { n.keepConnected(ctx, p) })
	}
	all.Wait()
	return nil
}

func (n *Node) keepConnected(ctx context.Context, p peer.AddrInfo) {
	n.host.ConnManager().Protect(p.ID, keptTag)
	wait := firstRetry
	for {
		err := n.host.Connect(network.WithAllowLimitedConn(ctx, "bootstrap"), p)
		if err == nil {
			wait = firstRetry
		} else {
			n.cfg.Log.Debug("bootstrap peer not reached", "peer", p.ID, "error", err)
			wait = min(2*wait, longestRetry)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// relayCandidates yields up to num configured peers once this one listens. AutoRelay itself dials them and asks
// whether they relay; it asks for candidates as soon as the host is made, which is before anything may be dialled.
func (n *Node) relayCandidates(ctx context.Context, num int) <-chan peer.AddrInfo {
	out := make(chan peer.AddrInfo)
	go func() {
		defer close(out)
		if n.online(ctx) != nil {
			return
		}
		for _, p := range n.bootstrap[:min(num, len(n.bootstrap))] {
			select {
			case out <- p:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}
