package chord

import (
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
)

// publish has peers store a record each, each under a key of its own, and returns the keys.
func publish(t testing.TB, s *sim.Sim, count int) (keys []overlay.Key) {
	t.Helper()
	live := s.Live()
	for i := range count {
		p, key := live[i%len(live)], keyNumber(i)
		r := s.Do(p, overlay.Op{Kind: overlay.Publish, Record: s.Record(p, key, overlay.Value, 3*time.Hour, []byte("value"))})
		if r.Err != nil && r.Err != overlay.ErrAlone {
			t.Fatal(r.Err)
		}
		keys = append(keys, key)
	}
	return keys
}

// missing returns how many keys are not found by random peers.
func missing(s *sim.Sim, keys []overlay.Key) (n int) {
	for _, k := range keys {
		if r := s.Do(s.Random(), overlay.Op{Kind: overlay.Find, Key: k}); len(r.Records) != 1 {
			n++
		}
	}
	return n
}

// misplaced returns how many of those who are responsible for keys do not have their records.
func misplaced(s *sim.Sim, c Config, keys []overlay.Key) (n int) {
	c = c.filled()
	nodes := ring(s)
	for _, k := range keys {
		owner := successor(nodes, k)
		i := 0
		for nodes[i] != owner {
			i++
		}
		for j := range min(c.Replicas, len(nodes)) {
			if len(s.MachineOf(nodes[(i+j)%len(nodes)]).(*Node).shelf.Get(s.Now(), k)) != 1 {
				n++
			}
		}
	}
	return n
}

// Records are where they belong after every kind of coming and going.
func TestRecordsMove(t *testing.T) {
	for _, c := range []Config{{}, {Replicas: 1}, {Replicas: 3, Successors: 4}, {Virtual: 4}} {
		for _, peers := range []int{1, 3, 30} {
			s := newSim(t, c, sim.Config{Seed: uint64(peers), Check: true})
			s.Grow(peers, time.Second)
			s.Run(5 * time.Minute)
			keys := publish(t, s, 100)
			check := func(when string) {
				t.Helper()
				s.Run(6 * time.Minute)
				if m, w := missing(s, keys), misplaced(s, c, keys); m+w > 0 {
					t.Errorf("%+v, %d peers, %s: %d not found, %d misplaced", c, peers, when, m, w)
				}
			}
			check("published")
			s.Grow(peers, 10*time.Second)
			check("joined")
			for range peers {
				s.Leave(s.Random())
				s.Run(10 * time.Second)
			}
			check("left")
			if c.Replicas != 1 && peers == 30 {
				for range 10 {
					s.Crash(s.Random())
					s.Run(2 * time.Minute)
				}
				check("crashed")
			}
			if st := s.Stats(); st.Rejected > 0 {
				t.Error(st.Why)
			}
		}
	}
}
