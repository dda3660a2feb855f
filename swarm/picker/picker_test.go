package picker

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
)

func TestSoleSourceFrontToBack(t *testing.T) {
	p := newTest(t, 100, 1<<20, 1)
	p.AddSource(0)
	p.SourceHasAll(0)
	var got []int
	for range 10 {
		choices := p.Pick(nil, 0, Budget{Bytes: 10 << 20, Leaves: 100}, start)
		got = append(got, leavesOf(choices)...)
		haveAll(p, choices, 0, start)
		check(t, p)
	}
	for i, leaf := range got {
		if i != leaf {
			t.Fatalf("leaf %d came as number %d", leaf, i)
		}
	}
	if len(got) != 100 || !p.Done() {
		t.Errorf("got %d leaves, done %v", len(got), p.Done())
	}
}

func TestSeedsInRuns(t *testing.T) {
	p := newTest(t, 1000, 1<<20, 2)
	breaks := 0
	next := make(map[SourceID]int)
	for id := range SourceID(4) {
		p.AddSource(id)
		p.SourceHasAll(id)
	}
	for !p.Done() {
		for id := range SourceID(4) {
			choices := p.Pick(nil, id, Budget{Bytes: 8 << 20, Leaves: 100}, start)
			for _, i := range leavesOf(choices) {
				if i != next[id] {
					breaks++
				}
				next[id] = i + 1
			}
			haveAll(p, choices, id, start)
		}
	}
	if breaks > 100 {
		t.Errorf("%d of 1000 leaves do not follow on", breaks)
	}
}

func TestSmallNeighboursTogether(t *testing.T) {
	p := newTest(t, 10000, 64<<10, 3)
	p.AddSource(0)
	p.SourceHasAll(0)
	p.AddSource(1)
	p.SourceHasNone(1)
	breaks, last := 0, -2
	for _, i := range leavesOf(p.Pick(nil, 0, lots, start)) {
		if i != last+1 {
			breaks++
		}
		last = i
	}
	if breaks < 10000/16 || breaks > 10000/4 {
		t.Errorf("%d runs; 16 neighbours are a piece", breaks)
	}
}

func TestFirstAtRandomThenRarest(t *testing.T) {
	const leaves = 64
	firsts := make(map[int]bool)
	for seed := range uint64(20) {
		p := newTest(t, leaves, 1<<20, seed)
		p.AddSource(0)
		p.SourceHas(0, 0, leaves/2) // it is unknown whether it has the others
		p.SourceHasNone(0)
		p.SourceHas(0, 0, leaves-1)
		for id := SourceID(1); id <= 3; id++ { // leaf i is had by 1 to 4 sources
			p.AddSource(id)
			p.SourceHasNone(id)
			for i := range leaves {
				if i%4 >= int(id) {
					p.SourceHas(id, i, 1)
				}
			}
		}
		for n := range leaves - 1 {
			choice := p.Pick(nil, 0, Budget{Bytes: 1 << 20, Leaves: 1}, start)[0].Leaf
			if n == 0 {
				firsts[choice] = true
			}
			if n >= randomFirst {
				checkRarest(t, p, choice)
			}
			p.Have(choice, 0, start)
			check(t, p)
		}
	}
	if len(firsts) < 10 {
		t.Errorf("the first leaf of 20 runs was one of %d", len(firsts))
	}
}

// One leaf of 64 is rare: it is rarely among the first four, and comes next.
func TestFirstFourAreNotTheRarest(t *testing.T) {
	early := 0
	for seed := range uint64(100) {
		p := newTest(t, 64, 1<<20, seed)
		for id := range SourceID(2) {
			p.AddSource(id)
			p.SourceHasNone(id)
			p.SourceHas(id, 0, 63)
		}
		p.SourceHas(0, 63, 1)
		p.AddSource(2)
		p.SourceHas(2, 0, 1)
		p.SourceHasNone(2)
		for n := range randomFirst + 1 {
			i := p.Pick(nil, 0, Budget{Bytes: 1 << 20, Leaves: 1}, start)[0].Leaf
			if n < randomFirst && i == 63 {
				early++
			}
			p.Have(i, 0, start)
		}
		if !p.Holds(63) {
			t.Errorf("seed %d: the rare leaf is not among the first five", seed)
		}
	}
	if early > 20 { // 100 × 4 ÷ 64 are expected
		t.Errorf("the rare leaf came among the first four in %d of 100 runs", early)
	}
}

func checkRarest(t *testing.T, p *Picker, choice int) {
	t.Helper()
	for i := range p.free.All() {
		if p.sources[0].has(i) && p.rarity.avail[i] < p.rarity.avail[choice] {
			t.Fatalf("leaf %d of %d sources before leaf %d of %d",
				choice, p.rarity.avail[choice], i, p.rarity.avail[i])
		}
	}
}

func TestOnlyWhatASourceHas(t *testing.T) {
	p := newTest(t, 100000, 1, 4)
	p.AddSource(0)
	if err := p.SourceBits(0, 0, bitsOf(100000, 7, 70000, 99999)); err != nil {
		t.Fatal(err)
	}
	got := leavesOf(p.Pick(nil, 0, lots, start))
	slices.Sort(got)
	if !slices.Equal(got, []int{7, 70000, 99999}) {
		t.Errorf("picked %v", got)
	}
	if got := p.Pick(nil, 0, lots, start); got != nil {
		t.Errorf("picked %v again", got)
	}
	p.SourceHas(0, 5, 1)
	if got := leavesOf(p.Pick(nil, 0, lots, start)); !slices.Equal(got, []int{5}) {
		t.Errorf("picked %v after it gained 5", got)
	}
	check(t, p)
}

func TestSourceBits(t *testing.T) {
	for _, tc := range []struct {
		name  string
		first int
		bits  []byte
		ok    bool
	}{
		{"all", 0, []byte{0xff, 0xf8}, true},
		{"second byte", 8, []byte{0x08}, true},
		{"not a leaf", 8, []byte{0x04}, false},
		{"too long", 8, []byte{0, 0}, false},
		{"beyond", 16, []byte{0}, false},
		{"before", -8, []byte{0}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newTest(t, 13, 1, 0)
			p.AddSource(0)
			if err := p.SourceBits(0, tc.first, tc.bits); (err == nil) != tc.ok {
				t.Error(err)
			}
			check(t, p)
		})
	}
}

func TestUnknownSourceUntilItRejects(t *testing.T) {
	p := newTest(t, 4, 1, 5)
	p.AddSource(0)
	p.Pick(nil, 0, lots, start)
	p.Rejected(0, 2)
	check(t, p)
	if got := p.Pick(nil, 0, lots, start); got != nil {
		t.Errorf("picked %v after a rejection", got)
	}
	p.SourceHas(0, 2, 1)
	if got := leavesOf(p.Pick(nil, 0, lots, start)); !slices.Equal(got, []int{2}) {
		t.Errorf("picked %v once it has 2", got)
	}
	p.Returned(0, 3)
	if got := leavesOf(p.Pick(nil, 0, lots, start)); !slices.Equal(got, []int{3}) {
		t.Errorf("picked %v once 3 was returned", got)
	}
}

func TestFailedIsNotAskedAgain(t *testing.T) {
	p := newTest(t, 4, 1, 6)
	p.AddSource(0)
	p.SourceHasAll(0)
	p.AddSource(1)
	p.Pick(nil, 0, lots, start)
	p.Failed(0, 1)
	check(t, p)
	p.SourceHas(0, 0, 4)
	if got := p.Pick(nil, 0, lots, start); got != nil {
		t.Errorf("picked %v of the source that failed and says it has all leaves", got)
	}
	p.SourceHasAll(0)
	check(t, p)
	if got := p.Pick(nil, 0, lots, start); got != nil {
		t.Errorf("picked %v of the source that failed", got)
	}
	if got := leavesOf(p.Pick(nil, 1, Budget{1, 1}, start)); !slices.Equal(got, []int{1}) {
		t.Errorf("picked %v of another source", got)
	}
	p.Returned(1, 1)
	p.SourceLost(0, 1, 1)
	p.SourceHas(0, 1, 1)
	if got := leavesOf(p.Pick(nil, 0, lots, start)); !slices.Equal(got, []int{1}) {
		t.Errorf("picked %v once it was withdrawn and came back", got)
	}
}

func TestLostRequests(t *testing.T) {
	for _, tc := range []struct {
		name string
		lose func(p *Picker) []int
		want []int
		free int
	}{
		{"removed", func(p *Picker) []int { return p.RemoveSource(0) }, []int{0, 1, 2, 3}, 4},
		{"stalled", func(p *Picker) []int { return p.Stalled(0) }, []int{0, 1, 2, 3}, 4},
		{"withdrawn", func(p *Picker) []int { return p.SourceLost(0, 1, 2) }, []int{1, 2}, 2},
		{"withdrawn beyond the root", func(p *Picker) []int { return p.SourceLost(0, 3, 1<<30) }, []int{3}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newTest(t, 4, 1, 7)
			p.AddSource(0)
			p.SourceHasAll(0)
			p.Pick(nil, 0, lots, start)
			lost := tc.lose(p)
			check(t, p)
			if !slices.Equal(lost, tc.want) || p.free.Count() != tc.free {
				t.Errorf("lost %v, %d free", lost, p.free.Count())
			}
		})
	}
}

func TestScope(t *testing.T) {
	want, have := bitfield.New(10), bitfield.New(10)
	want.SetRange(2, 5)
	have.Set(3)
	p := New(Config{Leaves: 10, Size: sized(10), Want: want, Have: have, Rand: rand.New(rand.NewPCG(8, 0))})
	p.AddSource(0)
	p.SourceHasAll(0)
	p.Unwant(6, 2)
	p.Want(8, 1)
	if n, bytes := p.Missing(); n != 4 || bytes != 40 {
		t.Errorf("missing %d leaves, %d bytes", n, bytes)
	}
	got := p.Pick(nil, 0, lots, start)
	if !slices.Equal(leavesOf(got), []int{2, 4, 5, 8}) {
		t.Errorf("picked %v", leavesOf(got))
	}
	haveAll(p, got, 0, start)
	if !p.Done() || p.Interesting(0) {
		t.Errorf("done %v, interesting %v", p.Done(), p.Interesting(0))
	}
	p.Lost(5)
	if p.Done() || !p.Interesting(0) || !slices.Equal(leavesOf(p.Pick(nil, 0, lots, start)), []int{5}) {
		t.Error("a lost leaf is not fetched again")
	}
	check(t, p)
}

func TestBudget(t *testing.T) {
	for _, tc := range []struct {
		name   string
		budget Budget
		want   int
	}{
		{"nothing", Budget{}, 0},
		{"a leaf larger than the budget", Budget{Bytes: 1, Leaves: 9}, 1},
		{"bytes", Budget{Bytes: 35, Leaves: 9}, 3},
		{"leaves", Budget{Bytes: 100, Leaves: 2}, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newTest(t, 20, 10, 9)
			p.AddSource(0)
			if got := p.Pick(nil, 0, tc.budget, start); len(got) != tc.want {
				t.Errorf("picked %d", len(got))
			}
		})
	}
}

func TestDeadlines(t *testing.T) {
	p := newTest(t, 100, 1, 10)
	p.AddSource(0)
	p.SourceHasAll(0)
	p.Unwant(90, 10)
	p.Hurry(50, 2, start.Add(time.Second))
	p.Hurry(95, 2, start.Add(time.Millisecond))
	p.Hurry(60, 5, start.Add(time.Hour))
	p.Relax(60, 5)
	got := p.Pick(nil, 0, Budget{Bytes: 5, Leaves: 5}, start)
	if !slices.Equal(leavesOf(got), []int{95, 96, 50, 51, 0}) {
		t.Errorf("picked %v", leavesOf(got))
	}
	p.Returned(0, 96)
	got = p.Pick(nil, 0, Budget{Bytes: 1, Leaves: 1}, start)
	if !slices.Equal(leavesOf(got), []int{96}) {
		t.Errorf("picked %v once 96 was returned", leavesOf(got))
	}
	for _, i := range []int{50, 51, 95, 96} {
		p.Have(i, 0, start)
	}
	p.Pick(nil, 0, Budget{Bytes: 1, Leaves: 1}, start)
	if len(p.deadlines) != 0 {
		t.Errorf("%d deadlines are left", len(p.deadlines))
	}
	check(t, p)
}

func TestDeadlineOfALateSource(t *testing.T) {
	for _, tc := range []struct {
		name string
		slow float64
		at   time.Duration
		want bool
	}{
		{"late", 1 << 20, time.Second, true},
		{"in time", 1 << 20, time.Minute, false},
		{"late, but we are not much sooner", 10 << 20, time.Millisecond, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newTest(t, 100, 1<<20, 11)
			p.AddSource(0)
			p.AddSource(1)
			p.SetRate(0, tc.slow)
			p.SetRate(1, 10<<20)
			p.Hurry(3, 1, start.Add(tc.at))
			p.Pick(nil, 0, Budget{Bytes: 2 << 20, Leaves: 2}, start)
			got := leavesOf(p.Pick(nil, 1, Budget{Bytes: 2 << 20, Leaves: 2}, start))
			if slices.Contains(got, 3) != tc.want {
				t.Errorf("picked %v", got)
			}
			check(t, p)
		})
	}
}

func TestStealing(t *testing.T) {
	const mib = 1 << 20
	type outcome string
	const nothing, takesOver, second outcome = "nothing", "takes over", "second copy"
	for _, tc := range []struct {
		name       string
		slow, fast float64 // bytes a second
		queue      int     // leaves asked of the slow source
		free       bool    // a leaf is free that the fast source lacks
		after      time.Duration
		want       outcome
	}{
		{"ten times faster", mib, 10 * mib, 4, true, 0, takesOver},
		{"ten times faster, the last request", mib, 10 * mib, 1, true, 0, takesOver},
		{"nine times faster", mib, 9 * mib, 4, true, 0, nothing},
		{"three times faster at the end", mib, 3 * mib, 1, false, 0, takesOver},
		{"two and a half times at the end", mib, 2.5 * mib, 1, false, 0, second},
		{"equal at the end, a long queue", mib, mib, 4, false, 0, takesOver},
		{"equal at the end, a short queue", mib, mib, 2, false, 0, nothing},
		{"slower at the end", mib, mib / 4, 4, false, 0, nothing},
		{"silent", mib, mib, 1, true, time.Minute, takesOver},
		{"silent from the start", 0, mib, 1, true, time.Minute, takesOver},
		{"silent beside one of unknown rate", mib, 0, 1, false, time.Minute, second},
		{"new", 0, 100 * mib, 4, true, time.Second, nothing},
		{"both new at the end", 0, 0, 4, false, 0, takesOver},
		{"both new at the end, one request", 0, 0, 1, false, 0, nothing},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newTest(t, 5, mib, 12)
			p.AddSource(0)
			p.AddSource(1)
			p.SourceHasNone(1)
			p.SourceHas(1, 0, 4)
			p.SetRate(0, tc.slow)
			p.SetRate(1, tc.fast)
			p.Unwant(tc.queue, 5-tc.queue)
			p.Pick(nil, 0, lots, start)
			if tc.free {
				p.Want(4, 1)
			}
			got := p.Pick(nil, 1, Budget{Bytes: mib, Leaves: 1}, start.Add(tc.after))
			check(t, p)
			was := nothing
			switch {
			case len(got) == 1 && got[0].From == 0:
				was = takesOver
			case len(got) == 1:
				was = second
			}
			if was != tc.want {
				t.Errorf("%s: %v", was, got)
			}
		})
	}
}

// A source ten times faster leaves a request where it is when its own queue is so long that it would have
// the leaf later.
func TestABusySourceDoesNotSteal(t *testing.T) {
	p := newTest(t, 100, 1<<20, 15)
	for id := range SourceID(2) {
		p.AddSource(id)
	}
	p.SetRate(0, 1<<20)
	p.SetRate(1, 10<<20)
	p.Pick(nil, 0, Budget{Bytes: 1 << 20, Leaves: 1}, start)
	if got := p.Pick(nil, 1, lots, start); len(got) != 99 {
		t.Errorf("picked %d leaves, the last of them %v", len(got), got[len(got)-1])
	}
}

func TestTheFirstOfTwoCopiesCancelsTheOther(t *testing.T) {
	p := newTest(t, 1, 1<<20, 13)
	for id := range SourceID(3) {
		p.AddSource(id)
	}
	p.SetRate(0, 1<<20)
	p.SetRate(1, 2.5*(1<<20))
	p.SetRate(2, 1e9)
	p.Pick(nil, 0, lots, start)
	if got := p.Pick(nil, 1, lots, start); !slices.Equal(got, []Choice{{Leaf: 0, From: NoSource}}) {
		t.Fatalf("picked %v", got)
	}
	if got := p.Pick(nil, 2, lots, start); got != nil {
		t.Errorf("picked %v for a third time", got)
	}
	if cancel := p.Have(0, 1, start); !slices.Equal(cancel, []SourceID{0}) {
		t.Errorf("cancel at %v", cancel)
	}
	check(t, p)
}

// Two sources of one rate that begin with equal queues never ask for anything twice.
func TestEqualSourcesWasteNothing(t *testing.T) {
	p := newTest(t, 64, 1<<20, 14)
	for id := range SourceID(2) {
		p.AddSource(id)
		p.SetRate(id, 1<<20)
	}
	var queue [2][]Choice
	asked, now := 0, start
	for !p.Done() {
		for id := range SourceID(2) {
			picked := p.Pick(nil, id, Budget{Bytes: (4 - len(queue[id])) << 20, Leaves: 4}, now)
			asked += len(picked)
			queue[id] = append(queue[id], picked...)
		}
		now = now.Add(time.Second)
		for id := range SourceID(2) {
			if len(queue[id]) > 0 {
				p.Have(queue[id][0].Leaf, id, now)
				queue[id] = queue[id][1:]
			}
		}
	}
	if asked != 64 {
		t.Errorf("asked for 64 leaves %d times", asked)
	}
}
