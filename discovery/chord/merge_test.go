package chord

import (
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
)

// Two rings that hear of each other by one meeting are one afterwards, with the records of both.
func TestRingsMeet(t *testing.T) {
	for _, c := range []struct{ a, b int }{{1, 1}, {1, 5}, {2, 2}, {3, 30}, {12, 12}, {40, 40}, {1, 60}} {
		for seed := range uint64(2) {
			s := newSim(t, Config{}, sim.Config{Seed: seed, Check: true})
			s.JoinThrough()
			s.Run(time.Second)
			for i := 1; i < c.a; i++ {
				s.JoinThrough(i - 1)
				s.Run(time.Second)
			}
			s.JoinThrough()
			s.Run(time.Second)
			for i := 1; i < c.b; i++ {
				s.JoinThrough(c.a + i - 1)
				s.Run(time.Second)
			}
			s.Run(5 * time.Minute)
			keys := publish(t, s, 40)
			s.Meet(c.a/2, c.a+c.b/2)
			s.Run(15 * time.Minute)
			lists, fingers := ideal(t, s, Config{})
			if m, w := missing(s, keys), misplaced(s, Config{}, keys); lists+fingers+m+w > 0 {
				t.Errorf("seed %d: %d and %d peers: %d lists, %d fingers wrong; %d records not found, %d misplaced", seed, c.a, c.b, lists, fingers, m, w)
			}
		}
	}
}

// A network that was cut in two heals without an introduction: each side tries those that it lost.
func TestPartitionHeals(t *testing.T) {
	for _, peers := range []int{2, 3, 5, 24, 60} {
		for seed := range uint64(2) {
			s := newSim(t, Config{}, sim.Config{Peers: peers, Seed: seed, Check: true})
			s.Fill()
			s.Run(time.Minute)
			s.Partition(func(p int) int { return p % 2 })
			s.Run(20 * time.Minute)
			keys := publish(t, s, 40) // on either side
			s.Heal()
			s.Run(50 * time.Minute)
			lists, fingers := ideal(t, s, Config{})
			if m, w := missing(s, keys), misplaced(s, Config{}, keys); lists+fingers+m+w > 0 {
				t.Errorf("seed %d: %d peers: %d lists, %d fingers wrong; %d records not found, %d misplaced", seed, peers, lists, fingers, m, w)
			}
		}
	}
}

// Peers that start at once and know only each other become one ring, however they know each other.
func TestStartAtOnce(t *testing.T) {
	for seed := range uint64(5) {
		s := newSim(t, Config{}, sim.Config{Seed: seed, Check: true})
		s.JoinThrough()
		for i := range 11 {
			s.JoinThrough(i / 2)
		}
		for i := range 6 { // these meet, as mDNS has it
			s.JoinThrough()
			s.Meet(12+i, max(11+i-5, 0))
			s.Meet(max(11+i-5, 0), 12+i)
		}
		s.Run(10 * time.Minute)
		if lists, fingers := ideal(t, s, Config{}); lists+fingers > 0 {
			t.Errorf("seed %d: %d lists and %d fingers are wrong", seed, lists, fingers)
		}
	}
}

// Packet loss alone ends nothing: a node is asked twice before it is taken for dead.
func TestLoss(t *testing.T) {
	s := newSim(t, Config{}, sim.Config{Peers: 100, Seed: 1, Loss: 0.02, Check: true})
	s.Fill()
	keys := publish(t, s, 50)
	s.Run(time.Hour)
	lost := 0
	for i := range 200 {
		if r := s.Do(s.Random(), overlay.Op{Kind: overlay.Find, Key: keys[i%len(keys)]}); len(r.Records) != 1 {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of 200 finds failed at a loss of 2 %%", lost)
	}
}
