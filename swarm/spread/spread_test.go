package spread

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var start = time.Unix(0, 0)

func newTest(t *testing.T, leaves int, size uint32, clients ...ClientID) *Spread {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	s := New(leaves, func(int) uint32 { return size }, rand.New(rand.NewPCG(seed, 0)))
	for _, id := range clients {
		s.Join(id)
	}
	return s
}

// trust makes all wanters known to pass on what they get.
func trust(s *Spread) {
	for _, c := range s.order {
		c.passed = ahead
	}
}

// deep lets n bytes be pending with every wanter.
func deep(n int) func(ClientID) int { return func(ClientID) int { return n } }

// suggested returns what was said to each wanter.
func suggested(said []Suggestion) map[ClientID][]int {
	m := make(map[ClientID][]int)
	for _, s := range said {
		m[s.Client] = append(m[s.Client], s.Leaves...)
	}
	return m
}

func TestOneWanterAsksWhatItLikes(t *testing.T) {
	s := newTest(t, 10, 1<<20, 1)
	if said := s.Suggest(start, deep(4<<20)); len(said) != 0 || s.Active() {
		t.Fatalf("said %v", said)
	}
	if !s.Asked(1, 3) {
		t.Error("leaf 3 is kept from it")
	}
}

func TestEachLeafIsSuggestedOnce(t *testing.T) {
	s := newTest(t, 100, 1<<20, 1, 2, 3)
	seen := make(map[int]ClientID)
	for now := start; ; now = now.Add(time.Millisecond) {
		said := s.Suggest(now, deep(3<<20))
		for id, leaves := range suggested(said) {
			for _, i := range leaves {
				if by, twice := seen[i]; twice {
					t.Fatalf("leaf %d was suggested to %d and to %d", i, by, id)
				}
				seen[i] = id
				for other := ClientID(1); other <= 3; other++ {
					if s.Asked(other, i) != (other == id) {
						t.Fatalf("leaf %d, suggested to %d: asked by %d", i, id, other)
					}
				}
				s.Sent(now, id, i)
				s.Has(id, i, 1)
				s.Has(id%3+1, i, 1) // it is passed on
			}
		}
		if !s.Active() {
			break
		}
	}
	if len(seen) != 100 {
		t.Errorf("%d of 100 leaves were sent", len(seen))
	}
	if !s.Asked(1, 7) {
		t.Error("everything was sent, and still a leaf is kept from a wanter")
	}
}

// Who asks for all it likes before it hears that it is to wait gets a piece of it, and leaves the rest to others.
func TestAskingTooSoon(t *testing.T) {
	s := newTest(t, 100, 1<<18, 1, 2)
	s.Suggest(start, deep(0))
	sent := 0
	for i := range 100 {
		if s.Asked(1, i) {
			sent++
		}
	}
	if sent != pieceBytes>>18 {
		t.Errorf("%d leaves are sent", sent)
	}
}

// Who passes nothing on gets no more than what is on its way with the others.
func TestWhoKeepsEverythingGetsLittle(t *testing.T) {
	s := newTest(t, 400, 1<<20, 1, 2, 3, 4)
	got := make(map[ClientID]int)
	var way [][2]int // leaf and owner, on the way to the others
	for now := start; ; now = now.Add(time.Millisecond) {
		for id, leaves := range suggested(s.Suggest(now, deep(2<<20))) {
			for _, i := range leaves {
				if o := s.owner(i); o != nil && o.id == id {
					got[id]++
				}
				s.Sent(now, id, i)
				s.Has(id, i, 1)
				if id != 4 {
					way = append(way, [2]int{i, int(id)})
				}
			}
		}
		for len(way) > 6 {
			s.Has(ClientID(way[0][1]%3+1), way[0][0], 1)
			way = way[1:]
		}
		if !s.Active() {
			break
		}
	}
	if got[4] > 2 {
		t.Errorf("the one that passes nothing on got %d of 400", got[4])
	}
	for id := ClientID(1); id <= 3; id++ {
		if got[id] < 100 {
			t.Errorf("%d got %d of 400", id, got[id])
		}
	}
}

// Who is not on our LAN gets first copies only when those who are do not pass theirs on.
func TestNearWantersFirst(t *testing.T) {
	s := newTest(t, 100, 1<<20, 1, 2, 3)
	s.Near(2)
	s.Near(3)
	for now := start; s.unsent.Count() > 40; now = now.Add(time.Millisecond) {
		for id, leaves := range suggested(s.Suggest(now, deep(1<<20))) {
			for _, i := range leaves {
				if id == 1 {
					t.Fatalf("leaf %d goes to the one outside", i)
				}
				s.Sent(now, id, i)
				s.Has(id, i, 1)
				s.Has(5-id, i, 1)
			}
		}
	}
	s = newTest(t, 100, 1<<20, 1, 2, 3)
	s.Near(2)
	s.Near(3)
	for now := start; s.unsent.Count() > 0; now = now.Add(time.Millisecond) {
		for id, leaves := range suggested(s.Suggest(now, deep(1<<20))) {
			if id == 1 {
				return
			}
			for _, i := range leaves {
				s.Sent(now, id, i)
				s.Has(id, i, 1)
			}
		}
	}
	t.Error("the one outside gets nothing, although the others pass nothing on")
}

// When all keep what they get, since they cannot reach each other, the holder goes on all the same: with what only the
// other has, once it has sent everything to somebody.
func TestNeverIdle(t *testing.T) {
	s := newTest(t, 60, 1<<20, 1, 2)
	sent := 0
	seen := make(map[int]bool)
	for now := start; ; now = now.Add(time.Millisecond) {
		said := suggested(s.Suggest(now, deep(2<<20)))
		if !s.Active() {
			break
		}
		if len(said) == 0 && sent < 116 { // the last four are on their way from one to the other
			t.Fatalf("nothing is suggested after %d leaves", sent)
		}
		for id, leaves := range said {
			for _, i := range leaves {
				s.Sent(now, id, i)
				s.Has(id, i, 1)
				if seen[i] && sent < 60 {
					t.Fatalf("leaf %d was sent twice when %d had been sent", i, sent)
				}
				seen[i] = true
				sent++
			}
		}
	}
	if sent < 116 {
		t.Errorf("%d leaves were sent", sent)
	}
}

func TestWhatAWanterTookAwayIsSuggestedAgain(t *testing.T) {
	s := newTest(t, 4, 1<<20, 1, 2, 3)
	trust(s)
	for id, leaves := range suggested(s.Suggest(start, deep(4<<20))) {
		for _, i := range leaves {
			s.Sent(start, id, i)
			s.Has(id, i, 1)
		}
	}
	var alone []int
	for i := range 4 {
		if s.owner(i).id == 1 {
			alone = append(alone, i)
		}
	}
	s.Leave(1)
	again := make(map[int]bool)
	for _, leaves := range suggested(s.Suggest(start, deep(4<<20))) {
		for _, i := range leaves {
			if o := s.owner(i); o == nil || o.sent.Has(i) {
				continue // that another has
			}
			again[i] = true
		}
	}
	if got := slices.Sorted(maps.Keys(again)); !slices.Equal(alone, got) {
		t.Errorf("%v left with a wanter, and %v are suggested again", alone, got)
	}
}

func TestWhatIsRefusedGoesToAnother(t *testing.T) {
	s := newTest(t, 1, 100, 1, 2)
	first := suggested(s.Suggest(start, deep(1000)))
	id := ClientID(1)
	if len(first[2]) > 0 {
		id = 2
	}
	s.Cancelled(id, 0)
	other := 3 - id
	if second := suggested(s.Suggest(start, deep(1000))); len(second[other]) != 1 || len(second[id]) != 0 {
		t.Fatalf("then %v", second)
	}
	s.Cancelled(other, 0)
	if s.Suggest(start, deep(1000)); s.next(deep(1000)) != nil {
		t.Error("a leaf that all refuse is suggested")
	}
}

// In the end what one wanter alone has, and does not pass on, is suggested to the others, but not to who gets it already.
func TestTheLastOfOneArePassedOnByUs(t *testing.T) {
	s := newTest(t, 4, 1<<20, 1, 2, 3)
	trust(s)
	for id, leaves := range suggested(s.Suggest(start, deep(4<<20))) {
		for _, i := range leaves {
			s.Sent(start, id, i)
			s.Has(id, i, 1)
		}
	}
	owner := s.owner(0).id
	for i := range 4 {
		if s.owner(i).id != owner {
			s.Has(owner, i, 1) // all others are passed on
		}
	}
	others := []ClientID{owner%3 + 1, (owner+1)%3 + 1}
	s.Cancelled(others[0], 0)
	if said := suggested(s.Suggest(start, deep(1<<20))); len(said) > 0 {
		t.Fatalf("suggested %v, which is on its way", said)
	}
	said := suggested(s.Suggest(start.Add(keepAfter+1), deep(1<<20)))
	if slices.Contains(said[others[0]], 0) || !slices.Contains(said[others[1]], 0) || s.Asked(others[0], 0) || !s.Asked(others[1], 0) {
		t.Fatalf("%d has leaf 0 alone, %d declines it: suggested %v", owner, others[0], said)
	}
	s.Sent(start, others[1], 0)
	s.Has(others[1], 0, 1)
	for i := range 4 {
		s.Has(others[0], i, 1)
		s.Has(others[1], i, 1)
	}
	if s.Suggest(start, deep(1<<20)); s.Active() {
		t.Error("it goes on although all has been passed on")
	}
}

// The last leaves wait for a slow wanter only so long.
func TestLate(t *testing.T) {
	s := newTest(t, 2, 1<<20, 1, 2)
	s.Suggest(start, deep(1<<20))
	if s.Suggest(start.Add(lateAfter), deep(1<<20)); !s.Active() {
		t.Fatal("too soon")
	}
	said := s.Suggest(start.Add(lateAfter+time.Second), deep(1<<20))
	if s.Active() || len(said) != 2 || said[0].Only || !s.Asked(1, 0) || !s.Asked(1, 1) {
		t.Errorf("it waits for ever: %v", said)
	}
}

// Whatever is said in whatever order, what is pending and alone is what the first copies say, and a leaf that nobody
// has is unsent or somebody's.
func TestAnyOrder(t *testing.T) {
	for range 200 {
		const leaves = 40
		s := newTest(t, leaves, 1000)
		now, lost := start, make(map[int]bool)
		for step := range 300 {
			id, i := ClientID(s.rand.IntN(5)), s.rand.IntN(leaves)
			switch s.rand.IntN(10) {
			case 0:
				s.Join(id)
			case 1:
				if s.rand.IntN(4) == 0 {
					s.Leave(id)
				}
			case 2:
				s.Has(id, i, 3)
			case 3:
				s.Asked(id, i)
			case 4:
				s.Cancelled(id, i)
			case 5:
				s.Rejected(id, i)
			case 6:
				if s.rand.IntN(10) == 0 {
					s.Lost(i)
					lost[i] = true
				}
			default:
				now = now.Add(time.Second)
				for id, leaves := range suggested(s.Suggest(now, deep(3000))) {
					for _, i := range leaves {
						if s.rand.IntN(2) == 0 {
							s.Sent(now, id, i)
						}
					}
				}
			}
			check(t, s, lost, fmt.Sprint("step ", step))
		}
	}
}

func check(t *testing.T, s *Spread, lost map[int]bool, when string) {
	t.Helper()
	for _, c := range s.order {
		pending, alone := 0, 0
		for i := range c.first.All() {
			if c.sent.Has(i) {
				alone += int(s.size(i))
			} else {
				pending += int(s.size(i))
			}
			if s.owner(i) != c {
				t.Fatalf("%s: leaf %d is first sent to two", when, i)
			}
		}
		if c.pending != pending || c.alone != alone {
			t.Fatalf("%s: %d has %d pending and %d alone, not %d and %d", when, c.id, pending, alone, c.pending, c.alone)
		}
	}
	for i := range s.unsent.Len() {
		copies := int32(0)
		for _, c := range s.order {
			if c.has.Has(i) {
				copies++
			}
		}
		if o := s.owner(i); copies != s.copies[i] || o != nil && (s.by[o.id] != o || !o.first.Has(i)) {
			t.Fatalf("%s: %d have leaf %d, %d are counted; its first copy is %v's", when, copies, i, s.copies[i], o)
		}
		free := s.unsent.Has(i)
		if free && (s.owner(i) != nil || copies >= believed) {
			t.Fatalf("%s: leaf %d is unsent, and somebody's", when, i)
		}
		if !free && s.owner(i) == nil && copies == 0 && !lost[i] {
			t.Fatalf("%s: nobody has leaf %d or will get it", when, i)
		}
	}
}

// A wanter that is suggested leaves and never asks does not keep them from the others, though it claims to have all.
func TestWhoNeverAsksHoldsNothingUp(t *testing.T) {
	for _, claims := range []bool{false, true} {
		s := newTest(t, 40, 1<<20, 1, 2, 3)
		if claims {
			s.Has(3, 0, 40)
		}
		got := make(map[int]int)
		now := start
		for ; len(got) < 40; now = now.Add(10 * time.Millisecond) {
			if now.Sub(start) > 5*time.Second {
				t.Fatalf("only %d leaves were sent; claims: %v", len(got), claims)
			}
			for id, leaves := range suggested(s.Suggest(now, deep(2<<20))) {
				for _, i := range leaves {
					if id == 3 || !s.Asked(id, i) {
						continue
					}
					s.Sent(now, id, i)
					for other := ClientID(1); other < 3; other++ {
						s.Has(other, i, 1)
					}
					got[i]++
				}
			}
		}
		for i, n := range got {
			if n != 1 {
				t.Errorf("leaf %d was sent %d times; claims: %v", i, n, claims)
			}
		}
	}
}

// What all have refused does not keep them from what another has and passes on to nobody.
func TestWhatNobodyTakesHoldsNothingUp(t *testing.T) {
	s := newTest(t, 4, 1<<20, 1, 2)
	s.Cancelled(1, 0)
	s.Cancelled(2, 0)
	for i := 1; i < 4; i++ {
		if !s.Asked(2, i) {
			t.Fatal("nobody has it")
		}
		s.Sent(start, 2, i)
	}
	s.Suggest(start, deep(4<<20))
	s.Suggest(start.Add(lateAfter+1), deep(4<<20))
	if s.Active() || !s.Asked(1, 3) {
		t.Error("it waits for a leaf that nobody takes")
	}
}

// A wanter that takes one leaf now and then does not make the others wait at the end for as long as it likes.
func TestTheEndHasAnEnd(t *testing.T) {
	s := newTest(t, 100, 1<<20, 1, 2)
	for i := range 100 {
		s.Asked(2, i)
	}
	now := start
	for i := 0; i < 100; i++ {
		s.Suggest(now, deep(1))
		if !s.Active() && i > 0 {
			break
		}
		now = now.Add(lateAfter - 1)
		s.Sent(now, 2, i)
	}
	if s.Active() || now.Sub(start) > 10*endsWithin {
		t.Errorf("it goes on for %v", now.Sub(start))
	}
}

// A wanter that says it has everything and goes does not take away what another got.
func TestWhoClaimsAndGoesTakesNothingAway(t *testing.T) {
	s := newTest(t, 8, 1<<20, 1, 2)
	for i := range 4 {
		s.Asked(1, i)
		s.Sent(start, 1, i)
		s.Has(1, i, 1)
	}
	s.Asked(1, 4) // has left
	s.Sent(start, 1, 4)
	s.Asked(1, 5) // is to leave
	s.Join(3)
	s.Has(3, 0, 8)
	s.Sent(start, 1, 5)
	s.Leave(3)
	for i := range 8 {
		if s.unsent.Has(i) != (i >= 6) {
			t.Errorf("leaf %d is unsent: %v", i, s.unsent.Has(i))
		}
	}
}
