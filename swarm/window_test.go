package swarm

import (
	"testing"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/internal/distance"
)

// A source sends at its own rate what it was asked for a round trip ago: the window must come to hold at least that
// path, whatever it was at the start.
func TestWindowFollowsTheSource(t *testing.T) {
	const tick = 10 * time.Millisecond
	for _, c := range []struct {
		rtt  time.Duration
		rate float64 // bytes a second
		want int     // bytes, at least
	}{
		{0, 1e6, minWindow},
		{50 * time.Millisecond, 40e6, 2e6},
		{100 * time.Millisecond, 40e6, 4e6},
		{300 * time.Millisecond, 100e6, 30e6},
		{700 * time.Millisecond, 40e6, 28e6},
		{2 * time.Second, 1e9, maxWindow},
	} {
		w := window{rtt: c.rtt}
		now := time.Unix(0, 0)
		for range 30 * time.Second / tick {
			now = now.Add(tick)
			rate := c.rate
			if c.rtt > 0 {
				rate = min(rate, float64(w.size())/c.rtt.Seconds())
			}
			w.delivered(now, int(rate*tick.Seconds()))
		}
		if got := w.size(); got < c.want {
			t.Errorf("%v at %.0f bytes a second: a window of %d bytes, want %d", c.rtt, c.rate, got, c.want)
		}
		if w.size() > maxWindow {
			t.Errorf("a window of %d bytes", w.size())
		}
	}
}

// The hellos tell how far a source is, and its window knows.
func TestRoundTripIsMeasured(t *testing.T) {
	const rtt = 80 * time.Millisecond
	f := newFile(t, 60, 2, 1000)
	seed, leech := join(t, newHeld(f, true)), join(t, newHeld(f, false))
	port, err := seed.host.Addrs()[0].ValueForProtocol(multiaddr.P_TCP)
	if err != nil {
		t.Fatal(err)
	}
	way := distance.New(t, "127.0.0.1:"+port, distance.Options{RTT: rtt})
	c := new(counter)
	src, err := leech.swarm.dial(t.Context(), peer.AddrInfo{ID: seed.host.ID(), Addrs: []multiaddr.Multiaddr{way.Addr()}}, f.root, c)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if got := src.RTT(); got < rtt {
		t.Errorf("%v over a path of %v", got, rtt)
	}
	s := NewSession(SessionConfig{Root: f.root})
	s.peers.add(peer.AddrInfo{ID: "a"}, "")
	s.peers.known["a"].dialing = true
	known := &source{session: s, id: "a"}
	s.onDialed(known, src, nil)
	if known.window.rtt != src.RTT() {
		t.Errorf("the window knows of %v", known.window.rtt)
	}
}
