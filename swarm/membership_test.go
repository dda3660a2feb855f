package swarm

import (
	"testing"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
)

// part is a peer that has the leaves of f for which has is true.
func part(t *testing.T, f *file, has func(i int) bool) *member {
	t.Helper()
	h := newHeld(f, true)
	h.have = bitfield.New(f.m.Leaves())
	for i := range f.m.Leaves() {
		if has(i) {
			h.have.Set(i)
		}
	}
	return join(t, h)
}

// begin starts a session of m's that knows the members given.
func (m *member) begin(t *testing.T, from ...*member) (s *Session, ended <-chan error) {
	t.Helper()
	s = m.swarm.Session(SessionConfig{Root: m.root, Sink: m.held})
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context()) }()
	for _, f := range from {
		s.AddPeer(f.info(), "told")
	}
	return s, done
}

// Of two downloaders only one knows the other. Both serve, whichever of them begins.
func TestVisitorsAreMetAsSources(t *testing.T) {
	for _, knownFirst := range []bool{true, false} {
		f := newFile(t, 40, 21, 10<<10)
		a := part(t, f, func(i int) bool { return i > 0 && i%2 == 0 })
		b := part(t, f, func(i int) bool { return i%2 == 1 })
		last := part(t, f, func(i int) bool { return i == 0 }) // a needs it, so a stays until b has come

		var s *Session
		var ended, endedToo <-chan error
		if knownFirst {
			_, endedToo = b.begin(t)
			waitFor(t, "b runs", func() bool { return len(b.swarm.members.sessions(f.root)) == 1 })
			s, ended = a.begin(t, b)
		} else {
			s, ended = a.begin(t, b)
			waitFor(t, "a visits b", func() bool { return len(b.swarm.server.visitors(f.root)) == 1 })
			_, endedToo = b.begin(t)
		}
		waitFor(t, "b has what a has", func() bool { return b.Have().Count() == 20 })
		s.AddPeer(last.info(), "told")
		for _, ch := range []<-chan error{ended, endedToo} {
			if err := <-ch; err != nil {
				t.Fatal(err)
			}
		}
		if len(a.swarm.members.sessions(f.root))+len(b.swarm.members.sessions(f.root)) != 0 {
			t.Error("sessions that have ended are still known")
		}
	}
}
