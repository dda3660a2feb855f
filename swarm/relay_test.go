package swarm

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	circuit "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/multiformats/go-multiaddr"
)

// A middleman relays for others, and counts.
type middleman struct {
	host  host.Host
	count *metrics.BandwidthCounter
}

// newRelay starts a relay, with libp2p's limits or without any.
func newRelay(t *testing.T, limited bool) *middleman {
	t.Helper()
	resources := relay.DefaultResources()
	if !limited {
		resources.Limit = nil
	}
	m := &middleman{count: metrics.NewBandwidthCounter()}
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics(), libp2p.BandwidthReporter(m.count),
		libp2p.EnableRelayService(relay.WithResources(resources)), libp2p.ForceReachabilityPublic())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	m.host = h
	return m
}

// to reserves a place for to at the relay and returns how it is reached over it.
func (m *middleman) to(t *testing.T, to host.Host) peer.AddrInfo {
	t.Helper()
	at := peer.AddrInfo{ID: m.host.ID(), Addrs: m.host.Addrs()}
	if err := to.Connect(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if _, err := circuit.Reserve(t.Context(), to, at); err != nil {
		t.Fatal(err)
	}
	way := fmt.Sprintf("%s/p2p/%s/p2p-circuit", m.host.Addrs()[0], m.host.ID())
	return peer.AddrInfo{ID: to.ID(), Addrs: []multiaddr.Multiaddr{multiaddr.StringCast(way)}}
}

// punch makes a direct connection beside the one over a relay, and closes that, as node does.
func punch(t *testing.T, from, to *member) {
	t.Helper()
	relayed := from.host.Network().ConnsToPeer(to.host.ID())
	from.host.Peerstore().AddAddrs(to.host.ID(), to.host.Addrs(), time.Hour)
	if _, err := from.host.Network().DialPeer(network.WithForceDirectDial(t.Context(), "punch"), to.host.ID()); err != nil {
		t.Fatal(err)
	}
	for _, c := range relayed {
		c.Close()
	}
}

// Over a relay that limits what passes, a session and whoever looks for blocks say who they are and what they want, and
// ask for nothing. When there is a direct way they take it, and all comes over that.
func TestLimitedRelayCarriesNoData(t *testing.T) {
	const words = 64 << 10 // bytes that two handshakes, and what is said, may take at the relay
	f := newFile(t, 80, 40, 64<<10)
	seed, leech := join(t, newHeld(f, true)), join(t, newHeld(f, false))
	m := newRelay(t, true)
	over := m.to(t, seed.host)
	before := m.count.GetBandwidthTotals().TotalOut

	s := leech.swarm.Session(SessionConfig{Root: f.root, Sink: leech.held, Timeout: 30 * time.Second})
	ended := make(chan error, 1)
	go func() { ended <- s.Run(t.Context()) }()
	s.AddPeer(over, "relay")
	waitFor(t, "it is connected over the relay", func() bool {
		st := s.Status()
		return len(st.Sources) == 1 && st.Sources[0].Relayed && !st.Sources[0].Choked
	})
	b := leech.swarm.Blocks(f.root, 0)
	defer b.Close()
	b.AddPeer(t.Context(), over)
	block := make(chan error, 1)
	go func() {
		_, err := b.Get(t.Context(), f.m.Leaf(7).Cid)
		block <- err
	}()
	// Longer than the session takes to look at its sources, and for anything that is asked to come.
	for end := time.Now().Add(4 * tick); time.Now().Before(end); <-time.After(tick) {
		if s.Status().Manifest || len(ended)+len(block) > 0 {
			t.Fatal("data came over a limited relay")
		}
	}
	if passed := m.count.GetBandwidthTotals().TotalOut - before; passed > words {
		t.Errorf("%d bytes passed the relay", passed)
	}
	punch(t, leech, seed)
	waitFor(t, "it is connected directly, or done", func() bool {
		st := s.Status()
		return len(ended) > 0 || len(st.Sources) == 1 && !st.Sources[0].Relayed
	})
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := <-block; err != nil {
		t.Fatal(err)
	}
	if passed := m.count.GetBandwidthTotals().TotalOut - before; passed > words {
		t.Errorf("%d bytes passed the relay in all", passed)
	}
}

// A relay without limits, of one's own group, carries everything.
func TestUnlimitedRelayCarriesData(t *testing.T) {
	f := newFile(t, 81, 40, 64<<10)
	seed, leech := join(t, newHeld(f, true)), join(t, newHeld(f, false))
	over := newRelay(t, false).to(t, seed.host)
	s := leech.swarm.Session(SessionConfig{Root: f.root, Sink: leech.held, Timeout: 30 * time.Second})
	s.AddPeer(over, "relay")
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st := s.Status(); len(st.Sources) != 1 || st.Sources[0].Relayed {
		t.Errorf("%+v", st.Sources)
	}
}
