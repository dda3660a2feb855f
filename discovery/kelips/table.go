package kelips

import (
	"slices"
	"sort"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// An entry is what a node knows of another, in 32 bytes.
type entry struct {
	ref   overlay.Ref
	born  uint32 // when the youngest heartbeat known of it was sent, in ticks
	rtt   uint16 // the shortest round trip to it, in milliseconds; 0: not measured
	fails uint8  // questions in a row that it did not answer
	state state
}

// state is how far a node's word goes.
type state uint8

const (
	// hearsay: others speak of it. It is asked when its turn comes, is not passed on and used only if there is nobody else.
	hearsay state = iota
	// met: it has spoken to us.
	met
	// dead: it did not answer or said goodbye. It stays until nobody can speak of it any more, so that whoever has not
	// noticed yet does not bring it back; only a heartbeat that is younger than its death does.
	dead
)

// good reports whether e is one to count on.
func (e *entry) good() bool { return e.state == met && e.fails == 0 }

// loose reports whether e is not in the table for good. There are maxLoose of those at most.
func (e *entry) loose() bool { return e.state != met }

// Bounds of a table.
const (
	maxLoose = 512     // hearsay and dead; a stranger's claims take each other's places
	maxView  = 1 << 13 // met nodes of our group
)

// A tick is the unit of ages. An age grows by one on its way, whatever the way took, so that no chain of tellers makes a
// node younger than it is.
const tick = 250 * time.Millisecond

// clockTicks is by how much two nodes may be at odds about when it was, as each counts whole ticks.
const clockTicks = 2

// epochTicks is the time of the start, so that older heartbeats have times too.
const epochTicks = 1 << 22

func (n *Node) tick() uint32 { return uint32(n.now.Sub(n.epoch)/tick) + epochTicks }

// age returns the age of e's youngest heartbeat in ticks.
func (n *Node) age(e *entry) uint32 {
	if now := n.tick(); now > e.born {
		return now - e.born
	}
	return 0
}

// find returns the place of a node, or where it would be.
func (n *Node) find(id overlay.Key) (int, bool) {
	return sort.Find(len(n.table), func(i int) int { return id.Compare(n.table[i].ref.ID) })
}

// bounds returns the places of a group's entries.
func (n *Node) bounds(group int) (lo, hi int) {
	at := func(g int) int {
		return sort.Search(len(n.table), func(i int) bool { return n.config.group(n.table[i].ref.ID) >= g })
	}
	return at(group), at(group + 1)
}

func (n *Node) mate(r overlay.Ref) bool { return n.config.group(r.ID) == n.group }

// spoke takes note that a node spoke to us, which is the only way to be met. took is 0 if it was not an answer.
func (n *Node) spoke(ref overlay.Ref, took time.Duration) {
	if ref == n.self || ref.IsZero() {
		return
	}
	i, known := n.find(ref.ID)
	if !known {
		if !n.roomFor(ref) {
			return
		}
		i, _ = n.find(ref.ID)
		n.table = slices.Insert(n.table, i, entry{ref: ref, state: dead})
		n.loose++
	}
	e := &n.table[i]
	e.born, e.fails = n.tick(), 0
	if took > 0 {
		ms := uint16(min(max(took.Milliseconds(), 1), 1<<15))
		if e.rtt == 0 || ms < e.rtt {
			e.rtt = ms
		}
	}
	if e.state != met {
		e.state = met
		n.loose--
		n.announce(ref)
		n.lost.Found(ref)
		n.out.Trace("met", overlay.Key{}, ref)
		n.prune(ref)
	}
}

// roomFor makes room for a node that spoke and is not in the table. A contact that is only hearsay goes for it.
func (n *Node) roomFor(ref overlay.Ref) bool {
	if n.mate(ref) {
		return n.mates < maxView
	}
	lo, hi := n.bounds(n.config.group(ref.ID))
	count, rumour := 0, -1
	for i := lo; i < hi; i++ {
		switch n.table[i].state {
		case met:
			count++
		case hearsay:
			rumour = i
		}
	}
	if count >= n.config.Contacts {
		return false
	}
	if rumour >= 0 && hi-lo >= n.config.Contacts {
		n.remove(rumour)
	}
	return true
}

// prune drops the farthest contact of a group that has one too many (IPTPS 2003, §2: contacts are chosen by proximity).
func (n *Node) prune(ref overlay.Ref) {
	if n.mate(ref) {
		n.mates++
		return
	}
	lo, hi := n.bounds(n.config.group(ref.ID))
	count, worst := 0, -1
	for i := lo; i < hi; i++ {
		if n.table[i].state != met {
			continue
		}
		count++
		if worst < 0 || farther(&n.table[i], &n.table[worst]) {
			worst = i
		}
	}
	if count > n.config.Contacts {
		n.remove(worst)
	}
}

// farther orders contacts: one that was not measured is the farthest; of equals the one heard of longer ago.
func farther(a, b *entry) bool {
	if a.rtt != b.rtt {
		return a.rtt == 0 || b.rtt != 0 && a.rtt > b.rtt
	}
	return a.born < b.born
}

// hear takes note of what another node says of one.
func (n *Node) hear(t told) {
	mate := n.mate(t.node)
	if t.node == n.self || t.node.IsZero() || t.age+1 >= n.timeout(mate) {
		return
	}
	born := n.tick() - t.age - 1
	i, known := n.find(t.node.ID)
	switch {
	case known && n.table[i].state == dead && born > n.table[i].born+clockTicks:
		n.table[i] = entry{ref: t.node, born: born}
	case known && n.table[i].state != dead:
		n.table[i].born = max(n.table[i].born, born)
	case !known && (mate || n.wanted(t.node)):
		n.insertRumour(entry{ref: t.node, born: born})
	}
}

// challengeEvery is how many rounds a node that has all contacts of a group lets pass before it tries another, who may
// be nearer than the farthest of them. It is so rare since each takes a question from those that keep contacts fresh.
const challengeEvery = 8

// wanted reports whether a node of another group is worth asking.
func (n *Node) wanted(ref overlay.Ref) bool {
	lo, hi := n.bounds(n.config.group(ref.ID))
	living, rumours := 0, 0
	for i := lo; i < hi; i++ {
		switch n.table[i].state {
		case met:
			living++
		case hearsay:
			rumours++
		}
	}
	if living+rumours < n.config.Contacts {
		return true
	}
	if rumours == 0 && n.round >= n.challenge && n.rand.IntN(challengeEvery) == 0 {
		n.challenge = n.round + challengeEvery
		return true
	}
	return false
}

// insertRumour adds an entry that is hearsay. When there is too much of that, it takes the place of other hearsay, any.
func (n *Node) insertRumour(e entry) {
	if n.loose >= maxLoose {
		start := n.rand.IntN(len(n.table))
		for k := range n.table {
			if i := (start + k) % len(n.table); n.table[i].loose() {
				n.remove(i)
				break
			}
		}
	}
	i, _ := n.find(e.ref.ID)
	n.table = slices.Insert(n.table, i, e)
	n.loose++
}

// silent takes note that a node did not answer. Hearsay is given up at once; who has spoken before gets another chance, in
// the next round.
func (n *Node) silent(ref overlay.Ref) {
	i, known := n.find(ref.ID)
	if !known || n.table[i].state == dead {
		return
	}
	if e := &n.table[i]; e.state == met {
		if e.fails++; e.fails < maxFails {
			return
		}
		n.lost.Add(n.now, ref)
	}
	n.bury(i)
}

// maxFails is how many questions in a row a node may leave unanswered.
const maxFails = 2

func (n *Node) bury(i int) {
	e := &n.table[i]
	if e.state == met {
		n.loose++
		if n.mate(e.ref) {
			n.mates--
		}
	}
	e.state, e.born = dead, n.tick()
	n.out.Trace("dead", overlay.Key{}, e.ref)
}

func (n *Node) remove(i int) {
	switch e := &n.table[i]; {
	case e.loose():
		n.loose--
	case n.mate(e.ref):
		n.mates--
	}
	n.table = slices.Delete(n.table, i, i+1)
}

// alone reports whether no other node is known to live.
func (n *Node) alone() bool {
	for i := range n.table {
		if n.table[i].state == met {
			return false
		}
	}
	return true
}
