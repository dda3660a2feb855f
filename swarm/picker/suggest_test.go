package picker

import (
	"slices"
	"testing"
)

func TestSuggestionsComeFirst(t *testing.T) {
	p := newTest(t, 20, 1<<20, 30)
	p.AddSource(0)
	p.SourceHasAll(0)
	p.Suggest(0, []int{7, 3, 99}, true)
	if got := leavesOf(p.Pick(nil, 0, lots, start)); !slices.Equal(got, []int{7, 3}) {
		t.Errorf("picked %v of a source that sends only 7 and 3", got)
	}
	p.Suggest(0, []int{12}, false)
	if got := leavesOf(p.Pick(nil, 0, Budget{Bytes: 2 << 20, Leaves: 9}, start)); len(got) != 2 || got[0] != 12 {
		t.Errorf("picked %v, not 12 and another", got)
	}
	check(t, p)
}

func TestSuggestionsWaitForRoom(t *testing.T) {
	p := newTest(t, 20, 1<<20, 31)
	p.AddSource(0)
	p.Suggest(0, []int{5, 6, 7}, true)
	two := Budget{Bytes: 2 << 20, Leaves: 9}
	if got := leavesOf(p.Pick(nil, 0, two, start)); !slices.Equal(got, []int{5, 6}) {
		t.Fatalf("picked %v", got)
	}
	if got := leavesOf(p.Pick(nil, 0, two, start)); !slices.Equal(got, []int{7}) {
		t.Errorf("then %v", got)
	}
}

// What is held, not wanted or comes from somebody else is declined.
func TestDeclined(t *testing.T) {
	p := newTest(t, 20, 1<<20, 32)
	for id := range SourceID(2) {
		p.AddSource(id)
	}
	p.SourceHasAll(0)
	p.Have(4, NoSource, start)
	p.Unwant(5, 1)
	one := Budget{Bytes: 1 << 20, Leaves: 1}
	there := p.Pick(nil, 1, one, start)[0].Leaf
	here := p.Pick(nil, 0, one, start)[0].Leaf
	p.Suggest(0, []int{4, 5, there, here}, true)
	if got := p.Pick(nil, 0, lots, start); len(got) > 0 {
		t.Errorf("picked %v", leavesOf(got))
	}
	if declined := p.Declined(0); !slices.Equal(declined, []int{4, 5, there}) {
		t.Errorf("declined %v, not 4, 5 and %d", declined, there)
	}
	if again := p.Declined(0); again != nil {
		t.Errorf("declined %v twice", again)
	}
	check(t, p)
}

// What is there on our LAN, or for another there to fetch, does not come from outside because it is suggested.
func TestSuggestedFromOutside(t *testing.T) {
	p := newTest(t, 20, 1<<20, 37)
	for id := range SourceID(2) {
		p.AddSource(id)
	}
	p.SourceHasNone(1)
	p.SourceHas(1, 3, 1)
	p.SetNear(1, true, 7919, start)
	ours, theirs := 4, 4
	for !p.lan.ours(ours) {
		ours++
	}
	for p.lan.ours(theirs) {
		theirs++
	}
	p.Suggest(0, []int{3, ours, theirs}, true)
	if got := leavesOf(p.Pick(nil, 0, lots, start)); !slices.Equal(got, []int{ours}) {
		t.Errorf("picked %v, not %d", got, ours)
	}
	if declined := p.Declined(0); !slices.Equal(declined, []int{3, theirs}) {
		t.Errorf("declined %v, not 3 and %d", declined, theirs)
	}
}

// What a source that has stopped was asked for is asked of the one that suggests it.
func TestSuggestedInsteadOfAStoppedSource(t *testing.T) {
	p := newTest(t, 20, 1<<20, 36)
	for id := range SourceID(2) {
		p.AddSource(id)
	}
	i := p.Pick(nil, 1, Budget{Bytes: 1 << 20, Leaves: 1}, start)[0].Leaf
	p.Suggest(0, []int{i}, true)
	want := []Choice{{Leaf: i, From: 1}}
	if got := p.Pick(nil, 0, lots, start.Add(patience+1)); !slices.Equal(got, want) {
		t.Errorf("picked %v, not %v", got, want)
	}
	check(t, p)
}

// A reader does not wait for what a source would rather send.
func TestUrgentBeforeSuggested(t *testing.T) {
	p := newTest(t, 20, 1<<20, 33)
	p.AddSource(0)
	p.Suggest(0, []int{7}, true)
	p.Hurry(2, 1, start)
	want := []Choice{{Leaf: 2, From: NoSource, Urgent: true}, {Leaf: 7, From: NoSource}}
	if got := p.Pick(nil, 0, lots, start); !slices.Equal(got, want) {
		t.Errorf("picked %v", got)
	}
}

// A source that sends only what it suggests takes nothing over.
func TestOnlyDoesNotSteal(t *testing.T) {
	p := newTest(t, 5, 1<<20, 34)
	for id := range SourceID(2) {
		p.AddSource(id)
	}
	p.SetRate(0, 1<<10)
	p.SetRate(1, 1<<30)
	p.Pick(nil, 0, lots, start)
	p.Suggest(1, nil, true)
	if got := p.Pick(nil, 1, lots, start); len(got) > 0 {
		t.Errorf("picked %v", got)
	}
	p.Suggest(1, nil, false)
	if got := p.Pick(nil, 1, lots, start); len(got) == 0 {
		t.Error("it takes nothing over when it may")
	}
}
