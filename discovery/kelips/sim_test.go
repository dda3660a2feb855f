package kelips

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
)

// network returns a simulated network, filled if c has peers.
func network(t testing.TB, kc Config, c sim.Config) *sim.Sim {
	t.Helper()
	p, err := Protocol(kc)
	if err != nil {
		t.Fatal(err)
	}
	c.Protocol = p
	s, err := sim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Fill()
	return s
}

// grown returns a network that n peers joined one by one, and some time for it to settle.
func grown(t testing.TB, kc Config, n int, settle time.Duration, c sim.Config) *sim.Sim {
	t.Helper()
	s := network(t, kc, c)
	s.Grow(n, time.Second)
	s.Run(settle)
	return s
}

func node(s *sim.Sim, peer int) *Node { return s.Machine(peer).(*Node) }

func key(i int) overlay.Key { return overlay.NameKey(fmt.Sprint("key ", i)) }

func publish(t testing.TB, s *sim.Sim, peer int, k overlay.Key) *overlay.Result {
	t.Helper()
	return s.Do(peer, overlay.Op{Kind: overlay.Publish, Key: k, Record: s.Record(peer, k, overlay.Provider, 3*time.Hour, []byte("here"))})
}

func find(s *sim.Sim, peer int, k overlay.Key) *overlay.Result {
	return s.Do(peer, overlay.Op{Kind: overlay.Find, Key: k})
}

// With default parameters a network works whatever its size: everyone finds what anyone published.
func TestFewPeers(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 24} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := grown(t, Config{}, n, time.Minute, sim.Config{Seed: uint64(n), Check: true})
			for p := range n {
				r := publish(t, s, p, key(p))
				if (r.Err != nil) != (n == 1) {
					t.Errorf("publish by %d: %v", p, r.Err)
				}
			}
			s.Run(20 * time.Second)
			for p := range n {
				for k := range n {
					if r := find(s, p, key(k)); len(r.Records) != 1 || r.Records[0].Publisher != s.ID(k) {
						t.Errorf("%d finds %d records of %d: %v", p, len(r.Records), k, r.Err)
					}
				}
			}
			if st := s.Stats(); st.Rejected > 0 {
				t.Errorf("%+v", st)
			}
			t.Logf("%v", s.Machine(0))
		})
	}
}

// After a third of 24 peers was killed, every key that somebody alive published is found again, within a minute.
func TestThirdKilled(t *testing.T) {
	for seed := range uint64(20) {
		s := grown(t, Config{}, 24, time.Minute, sim.Config{Seed: seed})
		for p := range 24 {
			publish(t, s, p, key(p))
		}
		s.Run(20 * time.Second)
		s.CrashShare(1. / 3)
		s.Run(time.Minute)
		for _, p := range s.Live() {
			for _, k := range s.Live() {
				if r := find(s, p, key(k)); len(r.Records) != 1 {
					t.Errorf("seed %d: %d finds %d records of %d: %v, %d timeouts", seed, p, len(r.Records), k, r.Err, r.Timeouts)
				}
			}
		}
	}
}
