package node

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
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

// relayCandidates yields configured peers that speak the relay protocol.
func (n *Node) relayCandidates(ctx context.Context, num int) <-chan peer.AddrInfo {
	out := make(chan peer.AddrInfo, len(n.bootstrap))
	defer close(out)
	for _, p := range n.bootstrap {
		speaks, err := n.host.Peerstore().SupportsProtocols(p.ID, proto.ProtoIDv2Hop)
		if err == nil && len(speaks) > 0 && len(out) < num {
			out <- p
		}
	}
	return out
}
