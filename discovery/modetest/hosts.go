package modetest

import (
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"

	"github.com/seed4134be55/peer/reach"
)

// Hosts returns n libp2p hosts that listen on 127.0.0.1 and can reach nothing else. They are closed
// when the test ends.
func Hosts(t testing.TB, n int) []host.Host {
	t.Helper()
	hosts := make([]host.Host, n)
	for i := range hosts {
		h, err := libp2p.New(
			libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"),
			libp2p.Transport(tcp.NewTCPTransport),
			libp2p.ConnectionGater(reach.Gater{Reach: reach.Loopback}),
			libp2p.MultiaddrResolver(reach.Loopback.Resolver(nil)),
			libp2p.ResourceManager(&network.NullResourceManager{}),
			libp2p.DisableRelay(),
			libp2p.DisableMetrics(),
		)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = h.Close() })
		hosts[i] = h
	}
	return hosts
}

// Connect connects a to b.
func Connect(t testing.TB, a, b host.Host) {
	t.Helper()
	if err := a.Connect(t.Context(), peer.AddrInfo{ID: b.ID(), Addrs: b.Addrs()}); err != nil {
		t.Fatal(err)
	}
}
