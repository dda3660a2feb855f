package node

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// settleDirect is how long a direct connection has to settle, at both ends, before the relayed one is closed.
const settleDirect = 500 * time.Millisecond

// preferDirect closes connections over a relay to peers that are also connected directly, which is what hole
// punching ends with. A stream stays on the connection that it was opened on: without this, a download that
// began over a relay would go on over it, at the relay's cost, or not at all where the relay limits it.
func (n *Node) preferDirect(ctx context.Context) error {
	came := make(chan struct{}, 1) // has room for 1: all connections are looked at each time
	watch := &network.NotifyBundle{ConnectedF: func(_ network.Network, c network.Conn) {
		if relayed(c.RemoteMultiaddr()) {
			return
		}
		select {
		case came <- struct{}{}:
		default:
		}
	}}
	n.host.Network().Notify(watch)
	defer n.host.Network().StopNotify(watch)
	for {
		select {
		case <-came:
		case <-ctx.Done():
			return nil
		}
		select {
		case <-time.After(settleDirect):
		case <-ctx.Done():
			return nil
		}
		n.closeRelayed()
	}
}

func (n *Node) closeRelayed() {
	for _, c := range n.host.Network().Conns() {
		if relayed(c.RemoteMultiaddr()) && n.connectedDirectly(c.RemotePeer()) {
			c.Close()
		}
	}
}

func (n *Node) connectedDirectly(id peer.ID) bool {
	for _, c := range n.host.Network().ConnsToPeer(id) {
		if !relayed(c.RemoteMultiaddr()) {
			return true
		}
	}
	return false
}
