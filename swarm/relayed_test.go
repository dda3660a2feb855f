package swarm

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	circuit "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/multiformats/go-multiaddr"

	"github.com/seed4134be55/peer/fault"
)

// relayHost is a host on loopback with circuits, which newHost and join leave out.
func relayHost(t *testing.T, o ...libp2p.Option) host.Host {
	t.Helper()
	h, err := libp2p.New(append(o, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.EnableRelay(), libp2p.DisableMetrics())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// Over a relay that limits what may pass, a source is connected and is asked for nothing, not even what there is: the
// status says so at both ends. Once there is a direct connection, all comes over that.
func TestLimitedRelay(t *testing.T) {
	f := newFile(t, 94, 8, 10_000)
	middle := relayHost(t, libp2p.ForceReachabilityPublic(), libp2p.EnableRelayService(relay.WithResources(relay.DefaultResources())))
	on := func(h host.Host) func(*Config) { return func(c *Config) { c.Host = h } }
	seed, leech := join(t, newHeld(f, true), on(relayHost(t))), join(t, newHeld(f, false), on(relayHost(t)))
	at := peer.AddrInfo{ID: middle.ID(), Addrs: middle.Addrs()}
	if err := seed.host.Connect(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if _, err := circuit.Reserve(t.Context(), seed.host, at); err != nil {
		t.Fatal(err)
	}
	over := multiaddr.StringCast(middle.Addrs()[0].String() + "/p2p/" + middle.ID().String() + "/p2p-circuit")

	s := leech.swarm.Session(SessionConfig{Root: f.root, Sink: leech.held, Rand: rand.New(rand.NewPCG(3, 0))})
	s.AddPeer(peer.AddrInfo{ID: seed.host.ID(), Addrs: []multiaddr.Multiaddr{over}}, "link")
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context()) }()
	waitFor(t, "it may ask", func() bool {
		st := s.Status()
		return len(st.Sources) == 1 && !st.Sources[0].Choked
	})
	st := s.Status()
	if !st.OnlyRelayed() || st.Fetched != 0 {
		t.Errorf("%+v", st)
	}
	for name, x := range map[string]Trade{"downloader": leech.with(seed, s), "seed": seed.with(leech)} {
		if !x.Relayed || !x.Limited || x.Near {
			t.Errorf("as seen by the %s: %+v", name, x)
		}
	}

	// Who gives up says why.
	short := SessionConfig{Root: f.root, Sink: newHeld(f, false), Timeout: 300 * time.Millisecond, Rand: rand.New(rand.NewPCG(4, 0))}
	hasty := leech.swarm.Session(short)
	hasty.AddPeer(peer.AddrInfo{ID: seed.host.ID(), Addrs: []multiaddr.Multiaddr{over}}, "link")
	if err := hasty.Run(t.Context()); fault.KindOf(err) != fault.NotFound || !strings.Contains(err.Error(), "over a relay that limits what may pass") {
		t.Errorf("with a short timeout: %v", err)
	}

	// What hole punching does, and node.preferDirect after it.
	direct := network.WithForceDirectDial(t.Context(), "test")
	if err := leech.host.Connect(direct, seed.info()); err != nil {
		t.Fatal(err)
	}
	for _, c := range leech.host.Network().ConnsToPeer(seed.host.ID()) {
		if c.Stat().Limited {
			c.Close()
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
