package chord

import (
	"slices"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
)

// ideal returns in how many nodes the tables are not those that Fill makes.
func ideal(t testing.TB, s *sim.Sim, c Config) (lists, fingers int) {
	t.Helper()
	c = c.filled()
	nodes := ring(s)
	w := overlay.World{Nodes: nodes}
	for _, r := range nodes {
		w.Machines = append(w.Machines, &Node{config: &c, self: r, whole: true})
	}
	fill(w)
	for i, r := range nodes {
		have, want := s.MachineOf(r).(*Node), w.Machines[i].(*Node)
		if !slices.Equal(have.list, want.list) || have.whole != want.whole || have.pred != want.pred || have.unheard != 0 {
			lists++
		}
		if !slices.Equal(have.fingers, want.fingers) {
			fingers++
		}
	}
	return lists, fingers
}

// A ring that grows by joins has the tables in the end that Fill makes, from one node up.
func TestGrowth(t *testing.T) {
	for _, c := range []struct {
		peers int
		c     Config
		every time.Duration
		then  time.Duration
	}{
		{1, Config{}, time.Second, time.Minute},
		{2, Config{}, time.Second, time.Minute},
		{3, Config{}, time.Second, time.Minute},
		{5, Config{}, time.Second, time.Minute},
		{24, Config{}, time.Second, 20 * time.Minute},
		{24, Config{Successors: 2}, time.Second, 10 * time.Minute},
		{60, Config{Virtual: 3}, 0, 15 * time.Minute},
		{250, Config{}, 100 * time.Millisecond, 12 * time.Minute},
	} {
		s := newSim(t, c.c, sim.Config{Seed: uint64(c.peers), Check: c.peers < 100})
		s.Grow(c.peers, c.every)
		s.Run(c.then)
		if lists, fingers := ideal(t, s, c.c); lists+fingers > 0 {
			t.Errorf("%d peers, %+v: %d successor lists and %d fingers are wrong", c.peers, c.c, lists, fingers)
		}
		if st := s.Stats(); st.Rejected > 0 {
			t.Error(st.Why)
		}
	}
}
