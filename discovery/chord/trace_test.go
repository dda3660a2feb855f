package chord

import (
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/sim"
)

// A seed gives one trace, whether or not messages are really encoded and decoded.
func TestTrace(t *testing.T) {
	run := func(seed uint64, check bool) uint64 {
		s := newSim(t, Config{Successors: 6}, sim.Config{Peers: 40, Seed: seed, Check: check, Loss: 0.01})
		s.Fill()
		keys := publish(t, s, 20)
		s.SetChurn(sim.Churn{Joins: 0.1, Leaves: 0.05, Crashes: 0.05})
		s.Run(10 * time.Minute)
		missing(s, keys)
		if st := s.Stats(); st.Rejected > 0 {
			t.Error(st.Why)
		}
		return s.Hash()
	}
	if a, b, c := run(1, false), run(1, true), run(2, false); a != b || a == c {
		t.Errorf("traces %x, checked %x, of another seed %x", a, b, c)
	}
}
