package spread

import (
	"testing"
	"time"
)

// give suggests once with room for n bytes each and sends what is suggested.
func give(s *Spread, now time.Time, n int) map[ClientID][]int {
	said := suggested(s.Suggest(now, deep(n)))
	for id, leaves := range said {
		for _, i := range leaves {
			s.Sent(now, id, i)
			s.Has(id, i, 1)
		}
	}
	return said
}

// Until it has passed something on a wanter has one piece; who has gets more.
func TestTrustIsEarned(t *testing.T) {
	s := newTest(t, 100, 1<<20, 1, 2, 3)
	said := give(s, start, 4<<20)
	for id := ClientID(1); id <= 3; id++ {
		if len(said[id]) != 1 {
			t.Fatalf("%d got %v at first", id, said[id])
		}
	}
	if s.Passes(1) {
		t.Error("it has passed on nothing")
	}
	s.Has(2, said[1][0], 1) // the first passes it on
	if !s.Passes(1) || s.Passes(2) || s.Passes(9) {
		t.Errorf("passes: %v, %v, %v", s.Passes(1), s.Passes(2), s.Passes(9))
	}
	if said = give(s, start, 4<<20); len(said[1]) < 2 || len(said[2])+len(said[3]) > 0 {
		t.Errorf("the first passes on, and %v is suggested", said)
	}
}

// While others keep the uplink busy nobody is tried.
func TestNobodyIsTriedWhileTheUplinkIsBusy(t *testing.T) {
	s := newTest(t, 100, 1<<20, 1, 2)
	s.by[1].passed = 10 << 20
	served := ClientID(1)
	depth := func(id ClientID) int {
		if id == served || served == 0 {
			return busy
		}
		return 0
	}
	s.Suggest(start, depth)
	served = 0
	if said := suggested(s.Suggest(start, depth)); len(said[2]) > 0 {
		t.Errorf("%v is suggested to one that is not known to pass on, and %d bytes wait", said[2], s.pending())
	}
	s.Sent(start, 1, s.by[1].told[0].leaf)
	if said := suggested(s.Suggest(start, depth)); len(said[2]) == 0 {
		t.Error("the uplink has room, and the other is not tried")
	}
}

// What one kept that passes nothing on is sent again as soon as nothing else is left, although others pass on.
func TestWhatIsKeptIsNotWaitedFor(t *testing.T) {
	s := newTest(t, 3, 1<<20, 1, 2, 3)
	said := give(s, start, 1<<20)
	s.Has(2, said[1][0], 1)
	s.Has(1, said[2][0], 1)
	kept := said[3][0]
	if give(s, start.Add(passWithin), 1<<20); s.owner(kept) != s.by[3] {
		t.Fatal("it had no time to pass it on")
	}
	s.moved = start.Add(passWithin)
	if said = give(s, start.Add(passWithin+1), 1<<20); s.owner(kept) == s.by[3] || len(said[1])+len(said[2]) != 1 {
		t.Errorf("leaf %d is kept, and %v is suggested", kept, said)
	}
}
