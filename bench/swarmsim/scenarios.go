package main

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/seed4134be55/peer/swarm/sim"
)

const (
	mbit    = 1e6 / 8 // bytes a second
	up      = 100 * mbit
	down    = 1000 * mbit // so that uplinks are what bounds, as in the theorem
	leaf    = 1 << 20
	latency = 20 * time.Millisecond
	degree  = 40 // connections a peer, of those a tracker or peer exchange would name
)

// size is how large a swarm is simulated.
type size struct{ peers, leaves int }

func (s size) bytes() float64 { return float64(s.leaves) * leaf }

// seconds is how long one copy takes over one uplink.
func (s size) seconds() float64 { return s.bytes() / up }

// A scenario is a seed, whom everybody's link names, and who comes when.
type scenario struct {
	name, about string
	build       func(s size, r *rand.Rand) (seed sim.Peer, peers []sim.Peer)
}

var scenarios = []scenario{
	{"crowd", "all come at once and stay as seeds", crowd},
	{"selfish", "all come at once and leave when they have everything", selfish},
	{"tracker", "all come at once; no link names the seed, which is one peer among many to its neighbours", tracker},
	{"arrivals", "they come one after the other (a Poisson process), within three times what a copy takes", arrivals},
	{"churn", "half of them leave some time during the download", churn},
	{"seedleaves", "all come at once; the seed leaves when it has sent 1.08 copies", seedLeaves},
	{"slowseed", "all come at once; the seed has a fifth of the others' uplink", slowSeed},
	{"sharers", "of the peers, only the four in five that riders has as well", sharers},
	{"riders", "all come at once, and one in five never uploads", riders},
}

// same returns n peers like p.
func same(n int, p sim.Peer) []sim.Peer {
	peers := make([]sim.Peer, n)
	for i := range peers {
		peers[i] = p
	}
	return peers
}

var (
	source = sim.Peer{Up: up, Down: down, Whole: true, Known: true}
	wanter = sim.Peer{Up: up, Down: down}
)

func crowd(s size, _ *rand.Rand) (sim.Peer, []sim.Peer) { return source, same(s.peers, wanter) }

func selfish(s size, _ *rand.Rand) (sim.Peer, []sim.Peer) {
	p := wanter
	p.LeavesWhole = true
	return source, same(s.peers, p)
}

func tracker(s size, _ *rand.Rand) (sim.Peer, []sim.Peer) {
	seed := source
	seed.Known = false
	return seed, same(s.peers, wanter)
}

func arrivals(s size, r *rand.Rand) (sim.Peer, []sim.Peer) {
	peers := same(s.peers, wanter)
	mean := 3 * s.seconds() / float64(s.peers)
	at := 0.0
	for i := range peers {
		at += r.ExpFloat64() * mean
		peers[i].Arrives = time.Duration(at * float64(time.Second))
	}
	return source, peers
}

func churn(s size, r *rand.Rand) (sim.Peer, []sim.Peer) {
	peers := same(s.peers, wanter)
	for i := range peers {
		if i%2 == 0 {
			peers[i].Departs = time.Duration((0.1 + 0.9*r.Float64()) * s.seconds() * float64(time.Second))
		}
	}
	return source, peers
}

func seedLeaves(s size, _ *rand.Rand) (sim.Peer, []sim.Peer) {
	seed := source
	seed.LeavesAfter = int64(math.Ceil(1.08 * s.bytes()))
	return seed, same(s.peers, wanter)
}

func slowSeed(s size, _ *rand.Rand) (sim.Peer, []sim.Peer) {
	seed := source
	seed.Up = up / 5
	return seed, same(s.peers, wanter)
}

// riding is how many of the peers ride: every fifth, so that they come among the others.
const riding = 5

func riders(s size, _ *rand.Rand) (sim.Peer, []sim.Peer) {
	peers := same(s.peers, wanter)
	for i := range peers {
		peers[i].Rides = i%riding == riding-1
	}
	return source, peers
}

func sharers(s size, _ *rand.Rand) (sim.Peer, []sim.Peer) {
	return source, same(s.peers-s.peers/riding, wanter)
}

// config is what to simulate for a seed.
func (sc scenario) config(s size, seed uint64) sim.Config {
	source, peers := sc.build(s, rand.New(rand.NewPCG(seed, 1)))
	return sim.Config{
		Seed: seed, Leaves: s.leaves, LeafBytes: leaf, Latency: latency, Neighbours: degree,
		Peers: append([]sim.Peer{source}, peers...), Limit: time.Hour,
	}
}
