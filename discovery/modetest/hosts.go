package modetest

import (
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/seed4134be55/peer/reach"
)

// Hosts returns n libp2p hosts that listen on 127.0.0.1 and can reach nothing else. They are closed
// when the test ends.
func Hosts(t testing.TB, n int) []host.Host {
	t.Helper()
	hosts := make([]host.Host, n)
	for i := range hosts {
		hosts[i] = newHost(t, reach.Gater{Reach: reach.Loopback})
	}
	return hosts
}

func newHost(t testing.TB, gater connmgr.ConnectionGater) host.Host {
	t.Helper()
	h, err := libp2p.New(
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.ConnectionGater(gater),
		libp2p.MultiaddrResolver(reach.Loopback.Resolver(nil)),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// wallGater keeps a host from those behind a wall. self is set before the host meets anybody.
type wallGater struct {
	reach.Gater
	wall *wall
	self peer.ID
}

func (g *wallGater) InterceptAddrDial(id peer.ID, addr ma.Multiaddr) bool {
	return !g.wall.between(g.self, id) && g.Gater.InterceptAddrDial(id, addr)
}

func (g *wallGater) InterceptSecured(way network.Direction, id peer.ID, conn network.ConnMultiaddrs) bool {
	return !g.wall.between(g.self, id) && g.Gater.InterceptSecured(way, id, conn)
}

// Connect connects a to b.
func Connect(t testing.TB, a, b host.Host) {
	t.Helper()
	if err := a.Connect(t.Context(), peer.AddrInfo{ID: b.ID(), Addrs: b.Addrs()}); err != nil {
		t.Fatal(err)
	}
}
