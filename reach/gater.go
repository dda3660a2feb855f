package reach

import (
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// Gater is a libp2p connection gater that holds a host to its reach in both directions. It has no
// state and is safe for concurrent use.
//
// It sees an address only after its name was looked up: give the host Reach.Resolver as well.
type Gater struct{ Reach Reach }

var _ connmgr.ConnectionGater = Gater{}

// InterceptPeerDial allows every peer: which address it has is not known yet.
func (g Gater) InterceptPeerDial(peer.ID) bool { return true }

// InterceptAddrDial allows the addresses that the reach allows.
func (g Gater) InterceptAddrDial(_ peer.ID, addr ma.Multiaddr) bool { return g.Reach.Allows(addr) }

// InterceptAccept allows a connection that comes from an address that the reach allows.
func (g Gater) InterceptAccept(conn network.ConnMultiaddrs) bool {
	return g.Reach.Allows(conn.RemoteMultiaddr())
}

// InterceptSecured checks once more, now that a transport may know the remote address better.
func (g Gater) InterceptSecured(_ network.Direction, _ peer.ID, conn network.ConnMultiaddrs) bool {
	return g.Reach.Allows(conn.RemoteMultiaddr())
}

// InterceptUpgraded allows what passed so far.
func (g Gater) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
