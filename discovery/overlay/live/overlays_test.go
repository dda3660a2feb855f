package live

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery/chord"
	"github.com/seed4134be55/peer/discovery/kademlia/machine"
	"github.com/seed4134be55/peer/discovery/kelips"
	"github.com/seed4134be55/peer/discovery/modetest"
	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/pastry"
)

// overlays are the protocols with their default parameters.
func overlays(t testing.TB) []overlay.Protocol {
	t.Helper()
	var all []overlay.Protocol
	for _, make := range []func() (overlay.Protocol, error){
		func() (overlay.Protocol, error) { return chord.Protocol(chord.Config{}) },
		func() (overlay.Protocol, error) { return pastry.Protocol(pastry.Config{}) },
		func() (overlay.Protocol, error) { return kelips.Protocol(kelips.Config{}) },
		func() (overlay.Protocol, error) { return machine.Protocol(machine.Config{}) },
	} {
		p, err := make()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// Machines have their usual periods in these tests, and clocks that go so much faster, so that one second of a
// record's life on the wall is so many for them.
const faster = 20

// hurry lets a mode's clock go faster from a moment that all have in common.
func (m *Mode) hurry(since time.Time) {
	m.loop.clock.start, m.loop.clock.rate = since, faster
	m.publisher.life, m.publisher.look = min(faster*m.publisher.life, overlay.MaxLifetime), growthCheck/faster
}

func TestConformance(t *testing.T) {
	for _, p := range overlays(t) {
		t.Run(p.Name, func(t *testing.T) {
			if p.Name != "kademlia" { // it has a mode of its own
				t.Run("libp2p", func(t *testing.T) { modetest.Run(t, hosted(p), nil) })
			}
			t.Run("sim", func(t *testing.T) { modetest.Run(t, modetest.Simulated(p), nil) })
		})
	}
}

func hosted(p overlay.Protocol) modetest.Maker {
	since := time.Now()
	build := func(t testing.TB, s modetest.Seat) modetest.Peer {
		m := newMode(t, Config{
			Host: s.Host, Network: "test", Bootstrap: s.Bootstrap, Protocol: modetest.Lying(p, s.Lie), Life: s.Life, Again: s.Again,
		})
		m.hurry(since)
		return modetest.Peer{ID: s.Host.ID(), Mode: m}
	}
	return modetest.Hosted(build, settled)
}

// settled reports whether everybody knows somebody. That lookups agree takes the machines some rounds more.
func settled(living []modetest.Peer) bool {
	for _, p := range living {
		if len(living) > 1 && p.Mode.(*Mode).Census().Peers == 0 {
			return false
		}
	}
	return true
}

// Twenty-four peers find all that each of them provides; eight crash, and what the others provide is found again.
func TestKilledPeers(t *testing.T) {
	const peers, killed = 24, 8
	for _, p := range overlays(t)[:3] {
		t.Run(p.Name, func(t *testing.T) {
			modetest.NoLeaks(t)
			w := hosted(p)(t, modetest.Setting{})
			all := w.Join(t, peers)
			w.Settle(t)
			content := func(i int) cid.Cid { return modetest.ContentID(fmt.Sprint("of peer ", i)) }
			for i, one := range all {
				w.Until(t, "it is provided", func() bool { return one.Mode.Provide(t.Context(), content(i), true) == nil })
			}
			found := func(by, of int) bool {
				return slices.Equal(find(t, all[by].Mode.(*Mode), content(of)), []peer.ID{all[of].ID})
			}
			for i := range peers {
				w.Until(t, fmt.Sprint("what peer ", i, " provides is found"), func() bool { return found((i+7)%peers, i) })
			}
			for i := range killed {
				w.Crash(t, i)
			}
			began := time.Now()
			for i := killed; i < peers; i++ {
				by := killed + (i+5)%(peers-killed)
				if by == i {
					by = killed + (i+6)%(peers-killed)
				}
				w.Until(t, fmt.Sprint("what peer ", i, " provides is found again by ", by), func() bool { return found(by, i) })
			}
			took := time.Since(began)
			if t.Logf("all is found again after %v, which is %v for the machines", took, faster*took); faster*took > repaired {
				t.Errorf("all is found again after %v, and not within %v", faster*took, repaired)
			}
		})
	}
}

// repaired is how long it may take until all is found after a third of the peers died: some rounds of maintenance of each.
const repaired = 5 * time.Minute
