package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const mbit = 1e6 / 8

// swarmOf is a seed that everybody knows, and n peers, all with 100 Mbit/s up.
func swarmOf(n, leaves int, set func(i int, p *Peer)) Config {
	c := Config{Leaves: leaves, LeafBytes: 1 << 20, Latency: 20 * time.Millisecond, Neighbours: 30, Limit: time.Hour}
	for i := range n + 1 {
		p := Peer{Up: 100 * mbit, Down: 1000 * mbit, Whole: i == 0, Known: i == 0}
		if set != nil {
			set(i, &p)
		}
		c.Peers = append(c.Peers, p)
	}
	return c
}

// copyTime is how long one copy takes over 100 Mbit/s.
func copyTime(c Config) time.Duration {
	return time.Duration(float64(c.Leaves) * float64(c.LeafBytes) / (100 * mbit) * float64(time.Second))
}

func run(t *testing.T, c Config) Result {
	t.Helper()
	r, err := Run(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// took returns how long those took for whom want holds, sorted, in seconds.
func took(c Config, r Result, want func(Peer) bool) (seconds []float64) {
	for i, o := range r.Peers {
		if p := c.Peers[i]; !p.Whole && o.Done && want(p) {
			seconds = append(seconds, o.Took.Seconds())
		}
	}
	slices.Sort(seconds)
	return seconds
}

func sharing(p Peer) bool { return !p.Rides }
func rides(p Peer) bool   { return p.Rides }

// Whoever stays gets everything, and little of it twice, whatever the others do.
func TestEverybodyCompletes(t *testing.T) {
	r := rand.New(rand.NewPCG(rand.Uint64(), 0))
	for _, tc := range []struct {
		name string
		set  func(i int, p *Peer)
	}{
		{"a crowd", nil},
		{"they leave when they have everything", func(i int, p *Peer) { p.LeavesWhole = i > 0 }},
		{"no link names the seed", func(i int, p *Peer) { p.Known = false }},
		{"they come one by one", func(i int, p *Peer) { p.Arrives = time.Duration(i) * 300 * time.Millisecond }},
		{"half of them leave in between", func(i int, p *Peer) {
			if i%2 == 1 {
				p.Departs = time.Duration(500+r.IntN(6000)) * time.Millisecond
			}
		}},
		{"one in five rides free", func(i int, p *Peer) { p.Rides = i > 0 && i%5 == 0 }},
		{"the seed leaves after 1.08 copies", func(i int, p *Peer) {
			if i == 0 {
				p.LeavesAfter = 69 << 20
			}
		}},
		{"downlinks bind", func(i int, p *Peer) { p.Down = 40 * mbit }},
		{"uplinks of all kinds", func(i int, p *Peer) { p.Up = float64(10+r.IntN(200)) * mbit }},
	} {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("%s, seed %d", tc.name, seed), func(t *testing.T) {
			c := swarmOf(60, 64, tc.set)
			c.Seed = seed
			res := run(t, c)
			received, wasted := int64(0), int64(0)
			for i, o := range res.Peers {
				if !o.Done && !o.Left {
					t.Errorf("peer %d did not complete in %v", i, res.Ended)
				}
				received, wasted = received+o.Received, wasted+o.Wasted
				if whole := int64(c.Leaves) << 20; o.Done && !c.Peers[i].Whole && o.Received-o.Wasted != whole {
					t.Errorf("peer %d has everything, of %d bytes, and got %d of use", i, whole, o.Received-o.Wasted)
				}
			}
			const most = 0.06 // of a root so small; 0.01 of one of 256 leaves
			if share := float64(wasted) / float64(received); share > most {
				t.Errorf("%.1f %% of what was delivered was of no use", 100*share)
			}
		})
	}
}

// A seed replays a run, and another does not.
func TestASeedReplays(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	c := swarmOf(40, 48, func(i int, p *Peer) { p.Rides, p.LeavesWhole = i%7 == 6, i%3 == 1 })
	c.Seed = seed
	one, two := run(t, c), run(t, c)
	if one.Hash != two.Hash || !slices.Equal(one.Peers, two.Peers) {
		t.Errorf("hashes %x and %x", one.Hash, two.Hash)
	}
	if c.Seed++; run(t, c).Hash == one.Hash {
		t.Error("another seed, the same run")
	}
}

// One copy over one uplink, and over a downlink that two fast seeds share, takes what it must.
func TestOneCopy(t *testing.T) {
	const leaves = 100
	for _, tc := range []struct {
		name    string
		seeds   int
		up      float64
		down    float64
		seconds float64
	}{
		{"the uplink binds", 1, 100 * mbit, 1000 * mbit, leaves << 20 / (100 * mbit)},
		{"the downlink binds", 2, 100 * mbit, 50 * mbit, leaves << 20 / (50 * mbit)},
		{"two uplinks add up", 2, 100 * mbit, 1000 * mbit, leaves << 20 / (200 * mbit)},
	} {
		c := Config{
			Seed: 1, Leaves: leaves, LeafBytes: 1 << 20, Latency: 5 * time.Millisecond, Neighbours: 10, Limit: time.Hour,
		}
		for range tc.seeds {
			c.Peers = append(c.Peers, Peer{Up: tc.up, Down: tc.down, Whole: true, Known: true})
		}
		c.Peers = append(c.Peers, Peer{Up: tc.up, Down: tc.down})
		got := run(t, c).Peers[tc.seeds].Took.Seconds()
		if got < tc.seconds || got > 1.05*tc.seconds {
			t.Errorf("%s: %.2f s, and the bytes take %.2f s", tc.name, got, tc.seconds)
		}
	}
}

// A hundred peers have it after little more than nobody can beat; bench/swarmsim prints the figures of a thousand.
func TestNearTheBound(t *testing.T) {
	for seed := range uint64(2) {
		c := swarmOf(100, 256, nil)
		c.Seed = seed
		times := took(c, run(t, c), sharing)
		bound := copyTime(c).Seconds() * (1 + math.Log2(100)/256)
		if share := times[94] / bound; share > 1.25 {
			t.Errorf("seed %d: 95 %% have it after %.2f times the bound", seed, share)
		}
	}
}

// Free riders make the others little later, and are last.
func TestRidersAreLast(t *testing.T) {
	without, with := 0.0, 0.0
	const seeds = 2
	for seed := range uint64(seeds) {
		alone := swarmOf(80, 256, nil)
		alone.Seed = seed
		times := took(alone, run(t, alone), sharing)
		without += times[40] / seeds
		c := swarmOf(100, 256, func(i int, p *Peer) { p.Rides = i > 0 && i%5 == 0 })
		c.Seed = seed
		r := run(t, c)
		times = took(c, r, sharing)
		with += times[40] / seeds
		if riders := took(c, r, rides); len(riders) != 20 || riders[0] < times[75] {
			t.Errorf("seed %d: the first of %d riders after %.1f s, most sharers after %.1f s",
				seed, len(riders), riders[0], times[75])
		}
	}
	if with > 1.12*without {
		t.Errorf("half of the sharers have it after %.1f s, and without riders after %.1f s", with, without)
	}
}

func TestRefusesNonsense(t *testing.T) {
	for _, set := range []func(c *Config){
		func(c *Config) { c.Leaves = 0 },
		func(c *Config) { c.LeafBytes = 0 },
		func(c *Config) { c.Neighbours = 0 },
		func(c *Config) { c.Limit = 0 },
		func(c *Config) { c.Latency = -1 },
		func(c *Config) { c.Peers[1].Up = 0 },
		func(c *Config) { c.Peers[1].Arrives = -1 },
	} {
		c := swarmOf(2, 2, nil)
		if set(&c); func() error { _, err := Run(c); return err }() == nil {
			t.Errorf("accepts %+v", c)
		}
	}
}

// What is set for one moment happens in the order it was set.
func TestClock(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var c clock
	var got []int
	var at []time.Duration
	for i := range 1000 {
		d := time.Duration(r.IntN(50))
		c.at(d, func() { got, at = append(got, i), append(at, c.now) })
	}
	for c.step(49) {
	}
	if len(got) != 1000 || !slices.IsSorted(at) {
		t.Fatalf("%d of 1000 happened, in time: %v", len(got), slices.IsSorted(at))
	}
	for k := 1; k < len(got); k++ {
		if at[k] == at[k-1] && got[k] < got[k-1] {
			t.Fatalf("%d after %d at %v", got[k], got[k-1], at[k])
		}
	}
	if c.at(60, func() {}); c.step(59) {
		t.Error("it went beyond its limit")
	}
}
