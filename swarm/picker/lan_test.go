package picker

import (
	"slices"
	"testing"
	"time"
)

// clan is the pickers of the members of one LAN, each of which knows the others as sources 10, 11, … and somebody
// outside as source 0.
func clan(t *testing.T, members, leaves int) []*Picker {
	var all []*Picker
	for m := range members {
		p := newTest(t, leaves, 1<<20, uint64(40+m))
		p.lan.key = uint64(m) * 7919
		p.AddSource(0)
		p.SourceHasAll(0)
		for o := range members {
			if o == m {
				continue
			}
			p.AddSource(SourceID(10 + o))
			p.SourceHasNone(SourceID(10 + o))
			p.SetNear(SourceID(10+o), true, uint64(o)*7919, start)
		}
		all = append(all, p)
	}
	return all
}

func TestMembersOfALANShareTheWorkOutside(t *testing.T) {
	const leaves = 1000
	fetched := make(map[int]int)
	for m, p := range clan(t, 4, leaves) {
		got := p.Pick(nil, 0, lots, start)
		if len(got) < leaves/6 || len(got) > leaves/3 {
			t.Errorf("member %d fetches %d of %d", m, len(got), leaves)
		}
		for _, c := range got {
			fetched[c.Leaf]++
		}
		check(t, p)
	}
	for i := range leaves {
		if fetched[i] > 1 {
			t.Fatalf("leaf %d is fetched %d times", i, fetched[i])
		}
	}
	// Not every one is found by probing at random, but nearly.
	if len(fetched) < leaves*9/10 {
		t.Errorf("%d of %d leaves are fetched", len(fetched), leaves)
	}
}

func TestWhatTheLANHasDoesNotCrossTheRouter(t *testing.T) {
	p := clan(t, 2, 100)[0]
	p.SourceHas(11, 0, 50)
	for _, c := range p.Pick(nil, 0, lots, start) {
		if c.Leaf < 50 {
			t.Fatalf("leaf %d is asked for outside", c.Leaf)
		}
	}
	p.SourceHasAll(11)
	p.Stalled(0)
	if got := p.Pick(nil, 0, lots, start.Add(time.Hour)); len(got) > 0 {
		t.Errorf("a member has everything, and %d are asked for outside", len(got))
	}
	// It hangs: the session says that it is of no use, and then the outside is asked.
	p.SetNear(11, false, 7919, start)
	if got := p.Pick(nil, 0, lots, start); len(got) == 0 {
		t.Error("nothing is asked for")
	}
}

// Members that send nothing do not keep us from fetching their share.
func TestIdleMembersAreNotWaitedForForEver(t *testing.T) {
	p := clan(t, 2, 100)[0]
	ours := p.Pick(nil, 0, lots, start)
	haveAll(p, ours, 0, start)
	if got := p.Pick(nil, 0, lots, start.Add(nearPatience-1)); len(got) > len(ours) {
		t.Fatalf("picked %d of theirs too soon", len(got))
	}
	if got := p.Pick(nil, 0, lots, start.Add(nearPatience)); len(got) == 0 {
		t.Error("theirs are never fetched")
	}
	check(t, p)
}

// A request that a member is to answer is not taken over by somebody outside.
func TestTheOutsideDoesNotStealFromTheLAN(t *testing.T) {
	p := clan(t, 2, 4)[0]
	p.SourceHas(11, 0, 4)
	p.SetRate(11, 1<<10)
	p.SetRate(0, 1<<30)
	p.Pick(nil, 11, lots, start)
	if got := p.Pick(nil, 0, lots, start.Add(time.Minute)); len(got) > 0 {
		t.Errorf("picked %v", got)
	}
}

// What was asked outside before the others of the LAN came is left to them, if it is theirs.
func TestRecall(t *testing.T) {
	p := newTest(t, 100, 1<<20, 44)
	p.AddSource(0)
	p.SourceHasAll(0)
	asked := p.Pick(nil, 0, lots, start)
	p.AddSource(1)
	p.SourceHasNone(1)
	p.SourceHas(1, 0, 10)
	p.SetNear(1, true, 7919, start)
	back := p.Recall()[0]
	if len(asked) != 100 || len(back) < 40 || len(back) > 70 {
		t.Errorf("of %d leaves %d are taken back", len(asked), len(back))
	}
	for i := range 100 {
		if kept := p.IsAsked(0, i); kept == (i < 10 || !p.lan.ours(i)) {
			t.Errorf("leaf %d is asked for outside: %v", i, kept)
		}
	}
	if again := p.Recall(); len(again) > 0 {
		t.Errorf("then %v", again)
	}
	kept := slices.IndexFunc(asked, func(c Choice) bool { return p.IsAsked(0, c.Leaf) })
	p.SourceHas(1, asked[kept].Leaf, 1)
	if got := p.Recall()[0]; !slices.Equal(got, []int{asked[kept].Leaf}) {
		t.Errorf("took back %v and not %d, which the LAN has now", got, asked[kept].Leaf)
	}
	check(t, p)
}
