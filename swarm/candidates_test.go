package swarm

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

var epoch = time.Unix(1_000_000, 0)

func newCandidates() *candidates { return &candidates{known: make(map[peer.ID]*candidate)} }

// at is a peer with addresses at those ports.
func at(name string, ports ...int) peer.AddrInfo {
	p := peer.AddrInfo{ID: peer.ID(name)}
	for _, port := range ports {
		p.Addrs = append(p.Addrs, multiaddr.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port)))
	}
	return p
}

// dueIDs dials up to n and returns whom.
func (c *candidates) dueIDs(now time.Time, n int) (ids []peer.ID) {
	for _, k := range c.due(now, n) {
		ids = append(ids, k.info.ID)
	}
	return ids
}

// check fails unless the counts are those of what is known.
func (c *candidates) check(t *testing.T) {
	t.Helper()
	told, by := 0, make(map[peer.ID]int)
	for id, k := range c.known {
		if k.tellers == nil {
			continue
		}
		told++
		if !slices.Contains(c.told.order, id) || slices.Contains(c.order, id) || len(k.tellers) > maxTellers || k.info.ID != id {
			t.Errorf("%s is not where it belongs", id)
		}
		for _, teller := range k.tellers {
			by[teller]++
		}
	}
	if told != len(c.told.order) || told > maxRumours {
		t.Errorf("%d rumours, %d in order", told, len(c.told.order))
	}
	for teller, n := range by {
		if r := c.told.by[teller]; r == nil || r.told != n || n > maxRumoursOfOne {
			t.Errorf("%s told of %d: %+v", teller, n, r)
		}
	}
	for teller, r := range c.told.by {
		if r.told != by[teller] || r.told == 0 && r.vain == 0 {
			t.Errorf("%s: %+v", teller, r)
		}
	}
}

// Whatever one teller says, others have room, and those known otherwise all the room that they ever have.
func TestOneTellerHasItsShare(t *testing.T) {
	c := newCandidates()
	for i := range 10_000 {
		c.hear(at(fmt.Sprint("made up ", i), 1), "liar")
	}
	if len(c.known) != maxRumoursOfOne {
		t.Errorf("%d are believed", len(c.known))
	}
	c.hear(at("a", 1), "honest")
	if c.known["a"] == nil {
		t.Error("another is not heard")
	}
	c.check(t)
	for i := range 100 {
		for j := range 100 {
			c.hear(at(fmt.Sprint("made up ", i, " ", j), 1), peer.ID(fmt.Sprint("liar ", i)))
		}
	}
	if len(c.told.order) != maxRumours {
		t.Errorf("%d are believed", len(c.told.order))
	}
	for i := range 2 * maxCandidates {
		c.add(at(fmt.Sprint("found ", i), 1), "kademlia")
	}
	if len(c.order) != maxCandidates || len(c.told.order) != maxRumours {
		t.Errorf("%d are known, and %d by hearsay", len(c.order), len(c.told.order))
	}
	c.check(t)
}

// What others found comes before hearsay, and of that each teller has its turn.
func TestWhoIsTriedFirst(t *testing.T) {
	c := newCandidates()
	for i := range 50 {
		c.hear(at(fmt.Sprint("made up ", i), 1), "liar")
	}
	c.hear(at("a", 1), "honest")
	c.hear(at("b", 1), "honest")
	c.add(at("link", 1), "link")
	if got := c.dueIDs(epoch, 5); !slices.Equal(got, []peer.ID{"link", "made up 0", "a", "made up 1", "b"}) {
		t.Errorf("tried: %v", got)
	}
	c.hear(at("c", 1), "third")
	if got := c.dueIDs(epoch, 2); !slices.Equal(got, []peer.ID{"c", "made up 2"}) {
		t.Errorf("tried: %v", got)
	}
}

var errNobody = errors.New("nobody is there")

// attempt dials everybody who is due once, in vain.
func (c *candidates) attempt(now time.Time) (ids []peer.ID) {
	ids = c.dueIDs(now, 1000)
	for _, id := range ids {
		c.dialed(id, now, errNobody)
	}
	return ids
}

// What leads nowhere is forgotten, and who tells of nobody else is no longer heard; a link's peer is tried for ever.
func TestVainRumoursEnd(t *testing.T) {
	c := newCandidates()
	c.add(at("link", 1), "link")
	dials, now := 0, epoch
	for round := range 100 {
		for i := range 50 {
			c.hear(at(fmt.Sprint("made up ", round, " ", i), 1), "liar")
		}
		now = now.Add(time.Minute)
		dials += len(c.attempt(now)) - 1
		c.check(t)
	}
	if dials < maxVain || dials > maxVain+3*maxRumoursOfOne {
		t.Errorf("%d dials on the word of one", dials)
	}
	if len(c.known) != 1 {
		t.Errorf("%d are known", len(c.known))
	}
	if c.dialing != 0 {
		t.Errorf("%d are being dialled", c.dialing)
	}
}

// One who was right is heard again.
func TestRightOnceIsHeard(t *testing.T) {
	c := newCandidates()
	c.hear(at("a", 1), "teller")
	for i := range maxVain - 1 {
		c.told.by["teller"].vain = i + 1
	}
	c.due(epoch, 1)
	c.dialed("a", epoch, nil)
	if r := c.told.by["teller"]; r.vain != 0 {
		t.Errorf("%+v", r)
	}
	c.check(t)
}

// In a full table what was tried in vain gives way, and nothing else.
func TestVainGivesWay(t *testing.T) {
	c := newCandidates()
	for i := range maxRumours {
		c.hear(at(fmt.Sprint("made up ", i), 1), peer.ID(fmt.Sprint("liar ", i/100)))
	}
	c.hear(at("a", 1), "honest")
	if c.known["a"] != nil {
		t.Fatal("nobody was tried, and one gave way")
	}
	first := c.dueIDs(epoch, 3)
	c.dialed(first[0], epoch, nil)                                // a source
	c.dialed(first[1], epoch, fmt.Errorf("%w: it lies", errRule)) // never again
	c.dialed(first[2], epoch, errNobody)
	c.hear(at("a", 1), "honest")
	c.hear(at("b", 1), "honest")
	if c.known["a"] == nil || c.known["b"] != nil || c.known[first[2]] != nil || !c.known[first[1]].banned {
		t.Error("the wrong one gave way")
	}
	c.check(t)
}

func TestRumours(t *testing.T) {
	type state struct {
		known   bool
		addrs   int
		tellers int // 0: known at first hand
	}
	for name, c := range map[string]struct {
		do   func(c *candidates)
		want state
	}{
		"told":        {func(c *candidates) { c.hear(at("x", 1, 2), "a") }, state{true, 2, 1}},
		"told twice":  {func(c *candidates) { c.hear(at("x", 1), "a"); c.hear(at("x", 2), "a") }, state{true, 1, 1}},
		"told by two": {func(c *candidates) { c.hear(at("x", 1), "a"); c.hear(at("x", 2), "b") }, state{true, 2, 2}},
		"told by many": {func(c *candidates) {
			for i := range 10 {
				c.hear(at("x", i+1), peer.ID(fmt.Sprint(i)))
			}
		}, state{true, maxTellers, maxTellers}},
		"with many addresses": {func(c *candidates) { c.hear(at("x", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), "a") }, state{true, maxRumourAddrs, 1}},
		"taken back":          {func(c *candidates) { c.hear(at("x", 1), "a"); c.unhear("x", "a") }, state{}},
		"taken back by one":   {func(c *candidates) { c.hear(at("x", 1), "a"); c.hear(at("x", 1), "b"); c.unhear("x", "a") }, state{true, 1, 1}},
		"taken back by both": {func(c *candidates) {
			c.hear(at("x", 1), "a")
			c.hear(at("x", 1), "b")
			c.unhear("x", "a")
			c.unhear("x", "b")
		}, state{}},
		"taken back by another":    {func(c *candidates) { c.hear(at("x", 1), "a"); c.unhear("x", "b") }, state{true, 1, 1}},
		"taken back while dialled": {func(c *candidates) { c.hear(at("x", 1), "a"); c.due(epoch, 1); c.unhear("x", "a") }, state{true, 1, 1}},
		"taken back when met": {func(c *candidates) {
			c.hear(at("x", 1), "a")
			c.due(epoch, 1)
			c.dialed("x", epoch, nil)
			c.unhear("x", "a")
		}, state{true, 1, 1}},
		"dropped and added":              {func(c *candidates) { c.hear(at("x", 1), "a"); c.unhear("x", "a"); c.hear(at("x", 2), "a") }, state{true, 1, 1}},
		"then found":                     {func(c *candidates) { c.hear(at("x", 1, 2), "a"); c.add(at("x", 3), "lan") }, state{true, 1, 0}},
		"then found, nobody knows where": {func(c *candidates) { c.hear(at("x", 1, 2), "a"); c.add(at("x"), "lan") }, state{true, 2, 0}},
		"then come":                      {func(c *candidates) { c.hear(at("x", 1, 2), "a"); c.visit(at("x"), epoch) }, state{true, 2, 2}},
		"come":                           {func(c *candidates) { c.visit(at("x", 1), epoch) }, state{true, 1, 1}},
		"come again":                     {func(c *candidates) { c.visit(at("x", 1), epoch); c.visit(at("x", 2), epoch) }, state{true, 1, 1}},
		"come, and denied by another":    {func(c *candidates) { c.visit(at("x", 1), epoch); c.unhear("x", "a") }, state{true, 1, 1}},
		"found, then come":               {func(c *candidates) { c.add(at("x", 1), "lan"); c.visit(at("x", 2), epoch) }, state{true, 2, 0}},
		"found before":                   {func(c *candidates) { c.add(at("x", 3), "lan"); c.hear(at("x", 1, 2), "a"); c.unhear("x", "a") }, state{true, 1, 0}},
		"elsewhere, when it led nowhere": {func(c *candidates) {
			c.hear(at("x", 1, 2), "a")
			c.attempt(epoch)
			c.hear(at("x", 3), "b")
		}, state{true, 1, 2}},
		"thrice in vain": {func(c *candidates) {
			c.hear(at("x", 1), "a")
			for i := range 3 {
				c.attempt(epoch.Add(time.Duration(i) * time.Minute))
			}
		}, state{}},
		"banned": {func(c *candidates) {
			c.hear(at("x", 1), "a")
			c.ban("x")
			c.unhear("x", "a")
		}, state{true, 1, 1}},
		"banned when forgotten": {func(c *candidates) {
			c.ban("x")
			c.hear(at("x", 1), "a")
		}, state{true, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			cs := newCandidates()
			c.do(cs)
			cs.check(t)
			got := state{}
			if k := cs.known["x"]; k != nil {
				got = state{true, len(k.info.Addrs), len(k.tellers)}
			}
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// Who comes is tried soon, however often it failed before; and however often it comes, seldom.
func TestVisitors(t *testing.T) {
	for name, meet := range map[string]func(c *candidates){
		"a stranger":       func(c *candidates) { c.visit(at("x", 1), epoch) },
		"a link's peer":    func(c *candidates) { c.add(at("x", 1), "link") },
		"known by hearsay": func(c *candidates) { c.hear(at("x", 1), "a") },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCandidates()
			meet(c)
			now := epoch
			c.attempt(now)
			now = now.Add(time.Second)
			c.attempt(now)
			if now = now.Add(firstRedial); len(c.attempt(now)) != 0 {
				t.Fatal("it is not put off")
			}
			c.visit(at("x", 1), now.Add(-firstRedial))
			if len(c.attempt(now)) != 1 {
				t.Error("it is not tried")
			}
			dials := 0
			for range 1000 {
				now = now.Add(10 * time.Millisecond)
				c.visit(at("x", 1), now)
				dials += len(c.attempt(now))
			}
			if dials < 5 || dials > 16 {
				t.Errorf("%d dials in 10 s", dials)
			}
			c.check(t)
		})
	}
	c := newCandidates()
	for i := range 10_000 {
		c.visit(at(fmt.Sprint("visitor ", i), 1), epoch)
	}
	if len(c.known) != maxRumours {
		t.Errorf("%d are known", len(c.known))
	}
	c.check(t)
}

// That too many peers are connected is held against nobody.
func TestFullIsNobodysFault(t *testing.T) {
	c := newCandidates()
	c.hear(at("x", 1), "a")
	now := epoch
	for range 10 {
		if len(c.dueIDs(now, 1)) != 1 || len(c.dueIDs(now, 1)) != 0 {
			t.Fatal("it is not due")
		}
		c.dialed("x", now, errFull)
		if c.dialing != 0 || len(c.dueIDs(now.Add(fullRedial-1), 1)) != 0 {
			t.Fatal("it is tried again too soon")
		}
		now = now.Add(fullRedial)
	}
	if !c.waiting(now) || c.told.by["a"].vain != 0 || !c.full.Equal(now.Add(-fullRedial)) {
		t.Errorf("%+v", c.known["x"])
	}
	c.check(t)
}

func TestRedials(t *testing.T) {
	c := newCandidates()
	c.add(at("x", 1), "link")
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		if len(c.attempt(epoch)) != 1 {
			t.Fatalf("attempt %d is not due", i)
		}
		if got := c.known["x"].next.Sub(epoch); got != want*time.Second {
			t.Errorf("attempt %d: again after %v", i, got)
		}
		c.known["x"].next = epoch
	}
	c.due(epoch, 1)
	c.dialed("x", epoch, nil)
	if c.waiting(epoch.Add(time.Hour)) || len(c.due(epoch.Add(time.Hour), 1)) != 0 {
		t.Error("a source is dialled")
	}
	c.lost("x", epoch, errNobody)
	if len(c.due(epoch.Add(redialUseful), 1)) != 1 {
		t.Error("one that was of use is not tried again at once")
	}
	c.dialed("x", epoch, nil)
	c.replaced("x", epoch)
	if len(c.due(epoch.Add(replacedFor-1), 1)) != 0 || len(c.due(epoch.Add(replacedFor), 1)) != 1 {
		t.Error("one that was replaced is tried again at the wrong time")
	}
}
