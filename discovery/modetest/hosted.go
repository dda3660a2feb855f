package modetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/reach"
)

// A Seat is what a peer of a Hosted world is given.
type Seat struct {
	Setting
	Host      host.Host
	Bootstrap []peer.AddrInfo // one that is there, if there is
	Lie       Lie             // Honest, unless the mode is to lie
}

// Hosted makes worlds between libp2p hosts of this machine. build makes a peer, whose mode the world runs. settled reports
// whether living peers know one another.
func Hosted(build func(t testing.TB, s Seat) Peer, settled func(living []Peer) bool) Maker {
	return func(t *testing.T, s Setting) World {
		return &hosted{setting: s, build: build, settled: settled}
	}
}

type hosted struct {
	setting Setting
	build   func(testing.TB, Seat) Peer
	settled func([]Peer) bool
	wall    wall
	seats   []*seat
}

type seat struct {
	Peer
	host host.Host
	dead bool
	stop func(t testing.TB) // ends the mode and waits
}

func (w *hosted) Join(t *testing.T, n int) (peers []Peer) {
	for range n {
		peers = append(peers, w.join(t, Honest))
	}
	return peers
}

func (w *hosted) JoinLiar(t *testing.T, lie Lie) { w.join(t, lie) }

func (w *hosted) join(t *testing.T, lie Lie) Peer {
	gater := &wallGater{Gater: reach.Gater{Reach: reach.Loopback}, wall: &w.wall}
	s := Seat{Setting: w.setting, Host: newHost(t, gater), Lie: lie}
	gater.self = s.Host.ID()
	for _, other := range w.seats {
		if !other.dead {
			s.Bootstrap = []peer.AddrInfo{{ID: other.ID, Addrs: other.host.Addrs()}}
			break
		}
	}
	one := &seat{Peer: w.build(t, s), host: s.Host}
	one.stop = run(t, one.Mode)
	w.seats = append(w.seats, one)
	return one.Peer
}

// run runs a mode until the test ends or stop is called.
func run(t testing.TB, m discovery.Mode) (stop func(testing.TB)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	var once sync.Once
	stop = func(t testing.TB) {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("%s stopped: %v", m.Name(), err)
				}
			case <-time.After(patience):
				t.Errorf("%s still runs %v after its context ended", m.Name(), patience)
			}
		})
	}
	t.Cleanup(func() { stop(t) })
	return stop
}

func (w *hosted) living() (peers []Peer) {
	for _, s := range w.seats {
		if !s.dead {
			peers = append(peers, s.Peer)
		}
	}
	return peers
}

func (w *hosted) Settle(t *testing.T) {
	w.Until(t, "all know one another", func() bool { return w.settled(w.living()) })
}

func (w *hosted) Leave(t *testing.T, i int) {
	w.seats[i].dead = true
	w.seats[i].stop(t)
	_ = w.seats[i].host.Close()
}

// Crash takes the network away first, so that nothing is said.
func (w *hosted) Crash(t *testing.T, i int) {
	w.seats[i].dead = true
	w.wall.shut(w.seats[i].ID)
	w.hangUp()
	_ = w.seats[i].host.Close()
	w.seats[i].stop(t)
}

func (w *hosted) Cut(t *testing.T, side func(i int) int) {
	sides := make(map[peer.ID]int)
	for i, s := range w.seats {
		sides[s.ID] = side(i)
	}
	w.wall.build(sides)
	w.hangUp()
}

// hangUp closes the connections that lead through the wall.
func (w *hosted) hangUp() {
	for _, s := range w.seats {
		for _, c := range s.host.Network().Conns() {
			if w.wall.between(c.LocalPeer(), c.RemotePeer()) {
				_ = c.Close()
			}
		}
	}
}

func (w *hosted) Heal(t *testing.T) {
	a := w.seats[0]
	for _, b := range w.seats {
		if w.wall.between(a.ID, b.ID) && !b.dead {
			w.wall.build(nil)
			ctx := network.WithForceDirectDial(t.Context(), "met")
			if err := a.host.Connect(ctx, peer.AddrInfo{ID: b.ID, Addrs: b.host.Addrs()}); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
}

// repairs is how long a network of this machine may take to repair itself.
const repairs = 60 * time.Second

func (w *hosted) Until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	within(t, repairs, what, cond)
}

// A wall parts peers. Safe for concurrent use.
type wall struct {
	mu    sync.Mutex
	sides map[peer.ID]int
	gone  map[peer.ID]bool
}

func (w *wall) build(sides map[peer.ID]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sides = sides
}

// shut parts one peer from all others for good.
func (w *wall) shut(id peer.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone == nil {
		w.gone = make(map[peer.ID]bool)
	}
	w.gone[id] = true
}

func (w *wall) between(a, b peer.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gone[a] || w.gone[b] || w.sides[a] != w.sides[b]
}
