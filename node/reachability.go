package node

import (
	"fmt"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"

	"github.com/seed4134be55/peer/reach"
)

// seekRelay makes AutoRelay begin at once. It waits for somebody to say whether this peer can be reached, and libp2p's
// AutoNAT takes 15 s before it asks; until then nothing is known, which is reason enough to have a relay.
// Once AutoNAT has found that this peer can be reached, AutoRelay stops.
func (n *Node) seekRelay() error {
	if n.reach != reach.Internet || len(n.bootstrap) == 0 || n.cfg.Options.Relay {
		return nil
	}
	tell, err := n.host.EventBus().Emitter(new(event.EvtLocalReachabilityChanged), eventbus.Stateful)
	if err != nil {
		return fmt.Errorf("seek a relay: %w", err)
	}
	defer tell.Close()
	return tell.Emit(event.EvtLocalReachabilityChanged{Reachability: network.ReachabilityUnknown})
}
