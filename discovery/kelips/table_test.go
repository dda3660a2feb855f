package kelips

import (
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// checkTable checks what always holds of a table: its order, its counts and its bounds.
func checkTable(t *testing.T, n *Node) {
	t.Helper()
	mates, loose, contacts := 0, 0, map[int]int{}
	for i := range n.table {
		e := &n.table[i]
		if i > 0 && n.table[i-1].ref.ID.Compare(e.ref.ID) >= 0 {
			t.Errorf("entries %d and %d are out of order", i-1, i)
		}
		switch {
		case e.ref == n.self || e.ref.IsZero():
			t.Errorf("%v is in the table of %v", e.ref, n.self)
		case e.loose():
			loose++
		case n.mate(e.ref):
			mates++
		default:
			contacts[n.config.group(e.ref.ID)]++
		}
	}
	if mates != n.mates || loose != n.loose || loose > maxLoose || mates > maxView {
		t.Errorf("%d mates and %d loose, counted %d and %d", mates, loose, n.mates, n.loose)
	}
	for g, c := range contacts {
		if c > n.config.Contacts {
			t.Errorf("%d contacts in group %d, at most %d", c, g, n.config.Contacts)
		}
	}
}

// Whatever is said, by whom and when, a table keeps its order and bounds.
func TestTableHolds(t *testing.T) {
	for seed := range uint64(20) {
		n := lone(Config{Size: 400}, seed)
		n.out = new(overlay.Actions)
		r := rand.New(rand.NewPCG(seed, 1))
		var refs []overlay.Ref
		for i := range 1500 {
			refs = append(refs, overlay.Ref{ID: someID(r), Handle: overlay.Handle(i + 1)})
		}
		refs = append(refs, n.self)
		for range 20_000 {
			ref := refs[r.IntN(len(refs))]
			switch r.IntN(8) {
			case 0:
				n.spoke(ref, time.Duration(r.Int64N(int64(time.Second))))
			case 1:
				n.silent(ref)
			case 2:
				n.onLeave(ref)
			case 3:
				n.now += overlay.Time(r.Int64N(int64(time.Second)))
				n.survey()
			default:
				n.hear(told{ref, r.Uint32N(400)})
			}
		}
		checkTable(t, n)
	}
}

func TestEntryIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(entry{}); size != 32 {
		t.Errorf("%d bytes", size)
	}
}

// at returns a reference in a group of n's network, other than n.
func (n *Node) at(group, number int) overlay.Ref {
	r := rand.New(rand.NewPCG(uint64(group), uint64(number)))
	for {
		if id := someID(r); n.config.group(id) == group {
			return overlay.Ref{ID: id, Handle: overlay.Handle(group*1000 + number + 1)}
		}
	}
}

func (n *Node) state(r overlay.Ref) string {
	i, known := n.find(r.ID)
	if !known {
		return "unknown"
	}
	return [...]string{"hearsay", "met", "dead"}[n.table[i].state]
}

// What makes a node known, and dead, and what does not.
func TestEntryStates(t *testing.T) {
	const old = 100
	n := lone(Config{}, 1)
	n.out = new(overlay.Actions)
	r := n.at(n.group, 1)
	for i, c := range []struct {
		what string
		do   func()
		want string
	}{
		{"hearsay that is too old", func() { n.hear(told{r, n.timeout(true)}) }, "unknown"},
		{"hearsay", func() { n.hear(told{r, 1}) }, "hearsay"},
		{"no answer from hearsay", func() { n.silent(r) }, "dead"},
		{"old hearsay of the dead", func() { n.hear(told{r, 1}) }, "dead"},
		{"a while", func() { n.now += overlay.Time(old * tick) }, "dead"},
		{"young hearsay of the dead", func() { n.hear(told{r, 1}) }, "hearsay"},
		{"its word", func() { n.spoke(r, 0) }, "met"},
		{"no answer", func() { n.silent(r) }, "met"},
		{"its word", func() { n.spoke(r, 0) }, "met"},
		{"no answer", func() { n.silent(r) }, "met"},
		{"nor again", func() { n.silent(r) }, "dead"},
		{"its word", func() { n.spoke(r, 0) }, "met"},
		{"goodbye", func() { n.onLeave(r) }, "dead"},
		{"its time", func() { n.now += overlay.Time(tick) * overlay.Time(n.timeout(true)+1); n.survey() }, "unknown"},
		{"its word", func() { n.spoke(r, 0) }, "met"},
		{"hearsay that is older", func() { n.hear(told{r, old}) }, "met"},
		{"its time", func() { n.now += overlay.Time(tick) * overlay.Time(n.timeout(true)+1); n.survey() }, "unknown"},
	} {
		if c.do(); n.state(r) != c.want {
			t.Fatalf("step %d: after %s it is %s, want %s", i, c.what, n.state(r), c.want)
		}
		checkTable(t, n)
	}
}

// A contact that is nearer takes the place of the farthest; a stranger who just speaks does not.
func TestContactsAreNear(t *testing.T) {
	n := lone(Config{Groups: 4, Contacts: 2}, 1)
	n.out = new(overlay.Actions)
	g := (n.group + 1) % 4
	near, far, nearer, stranger := n.at(g, 1), n.at(g, 2), n.at(g, 3), n.at(g, 4)
	n.spoke(near, 20*time.Millisecond)
	n.spoke(far, 90*time.Millisecond)
	n.spoke(stranger, 0)
	if n.state(stranger) != "unknown" {
		t.Errorf("a third contact is %s", n.state(stranger))
	}
	for range 1000 {
		if n.hear(told{nearer, 1}); n.state(nearer) == "hearsay" {
			break
		}
	}
	n.spoke(nearer, 30*time.Millisecond)
	if n.state(near) != "met" || n.state(nearer) != "met" || n.state(far) != "unknown" {
		t.Errorf("near is %s, nearer %s, far %s", n.state(near), n.state(nearer), n.state(far))
	}
	checkTable(t, n)
}

// The home of a key is its group, with as many of the groups after it as it takes to have c nodes.
func TestHome(t *testing.T) {
	n := lone(Config{Groups: 6, Contacts: 3}, 1)
	n.out = new(overlay.Actions)
	g := func(k int) int { return (n.group + k) % 6 }
	for k, nodes := range []int{0, 1, 0, 3, 2, 5} { // of each group from ours on, without this one
		for i := range nodes {
			n.spoke(n.at(g(k), i), time.Millisecond)
		}
	}
	for _, c := range []struct{ key, from, to, others int }{
		{0, 0, 3, 4}, // this node, 1, none, 3
		{1, 1, 3, 4},
		{2, 2, 3, 3},
		{3, 3, 3, 3},
		{4, 4, 5, 5}, // 2 and the 3 that a node knows of 5
		{5, 5, 5, 3},
	} {
		k := n.at(g(c.key), 99).ID
		for x := range 6 {
			if got, want := n.inHome(k, n.at(g(x), 50).ID), x >= c.from && x <= c.to; got != want {
				t.Errorf("group %d in the home of a key of %d: %t", x, c.key, got)
			}
		}
		home := n.home(k)
		if len(home) != c.others {
			t.Errorf("%d others in the home of a key of group %d, want %d", len(home), c.key, c.others)
		}
		for i := range home {
			if !n.inHome(k, home[i].ref.ID) {
				t.Errorf("%v is not in the home of %v", home[i].ref, k)
			}
		}
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		name, value      string
		groups, contacts uint64 // 0: it is an error
	}{
		{"", "", 8, 8}, {"size", "1", 1, 64}, {"size", "1000", 32, 2}, {"size", "100000", 316, 2}, {"groups", "12", 12, 5},
		{"contacts", "9", 8, 9}, {"contacts", "65", 0, 0}, {"groups", "-1", 0, 0}, {"size", "big", 0, 0}, {"size", "-4", 0, 0}, {"colour", "1", 0, 0},
	} {
		var conf Config
		var err error
		if c.name != "" {
			err = conf.Set(c.name, c.value)
		}
		var p overlay.Protocol
		if err == nil {
			p, err = Protocol(conf)
		}
		if (err != nil) != (c.groups == 0) {
			t.Errorf("%s=%s: %v", c.name, c.value, err)
		}
		if err == nil && (p.Params[0].Value != c.groups || p.Params[1].Value != c.contacts) {
			t.Errorf("%s=%s: %v", c.name, c.value, p.Params)
		}
	}
}
