package machine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
)

// A liar is a node that answers every question with nodes of its own choice, and is an honest one otherwise.
type liar struct {
	overlay.Machine
	answer func(key overlay.Key) []overlay.Ref
}

func (l *liar) Step(now overlay.Time, ev overlay.Event, out *overlay.Actions) {
	if r, ok := ev.(overlay.Received); ok && r.Reply != 0 {
		if m, ok := r.Msg.(*find); ok {
			out.Reply(r.Reply, &found{closest: l.answer(m.key)})
			return
		}
	}
	l.Machine.Step(now, ev, out)
}

// among returns a network in which every tenth node lies, and 1,000 peers are dead whom nobody but liars names.
func among(t *testing.T, answer func(self overlay.Ref, dead []overlay.Ref, key overlay.Key) []overlay.Ref) *sim.Sim {
	t.Helper()
	p, err := Protocol(Config{})
	if err != nil {
		t.Fatal(err)
	}
	honest := p.New
	var dead []overlay.Ref
	p.New = func(self overlay.Ref, r *rand.Rand) overlay.Machine {
		m := honest(self, r)
		if self.Handle%10 == 0 {
			return &liar{m, func(key overlay.Key) []overlay.Ref { return answer(self, dead, key) }}
		}
		return m
	}
	s, err := sim.New(sim.Config{Protocol: p, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		i := s.JoinThrough()
		dead = append(dead, s.Ref(i))
		s.Crash(i)
	}
	s.Join()
	for range 119 { // through three each: who knows only liars finds nobody else
		s.JoinThrough(s.Random(), s.Random(), s.Random())
		s.Run(time.Second)
	}
	s.Run(10 * time.Minute)
	return s
}

// Whatever liars answer, lookups of the others end and nearly always find the closest node, at the cost of some timeouts,
// and tables hold no node that never spoke.
func TestLiars(t *testing.T) {
	for name, answer := range map[string]func(overlay.Ref, []overlay.Ref, overlay.Key) []overlay.Ref{
		"itself": func(self overlay.Ref, _ []overlay.Ref, _ overlay.Key) []overlay.Ref { return []overlay.Ref{self} },
		"the dead": func(_ overlay.Ref, dead []overlay.Ref, key overlay.Key) []overlay.Ref {
			near := append([]overlay.Ref(nil), dead...)
			sortByDistance(near, key)
			return near[:20]
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := among(t, answer)
			var living []overlay.Ref
			for _, p := range s.Live() {
				living = append(living, s.Ref(p))
			}
			timeouts, missed := 0, 0
			for i := range 200 {
				key := overlay.NameKey(fmt.Sprint(i))
				at := s.Random()
				if _, lies := s.Machine(at).(*liar); lies {
					continue
				}
				r := s.Do(at, overlay.Op{Key: key})
				sortByDistance(living, key)
				if r.Err != nil || r.Owners[0] != living[0] {
					missed++
				}
				timeouts += r.Timeouts
			}
			t.Logf("%d missed, %d timeouts", missed, timeouts)
			if missed > 2 || timeouts > 200*25 {
				t.Errorf("of 200 lookups %d missed the closest, and asked the dead %d times", missed, timeouts)
			}
			for _, p := range s.Live() {
				node, honest := s.Machine(p).(*Node)
				if !honest {
					continue
				}
				for node := range node.table.each {
					if !s.Alive(s.PeerOf(node)) {
						t.Fatalf("peer %d holds the dead %v", p, node)
					}
				}
			}
		})
	}
}
