package chord

import (
	"slices"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// maxSeeds bounds the nodes that are remembered from the start, maxWaiting the operations that wait for a join.
const (
	maxSeeds   = 8
	maxWaiting = 1 << 10
)

// A node that knows of others and has not joined through any tries again every hurry or so, maxHurry times, and then in
// every round. One that has just joined hurries too, until it has its fingers. Only after maxStarting times is it a ring of its own: those it knows of may be about to join themselves.
const (
	hurry       = 2 * time.Second
	maxHurry    = 8
	maxStarting = 3
)

// onStart begins: with the tables that there are, through a node that is known, or as a ring of one.
func (n *Node) onStart(known []overlay.Ref) {
	n.tries = maxStarting
	if !n.filled && len(known) > 0 {
		n.tries = 0
		n.seeds = slices.Clone(known[:min(len(known), maxSeeds)])
		n.join(n.seeds)
	}
	n.rest()
}

// starting reports whether this node is in no ring yet, not even in one of its own.
func (n *Node) starting() bool {
	return n.alone() && (n.joining || len(n.seeds) > 0) && n.tries < maxStarting
}

// onMet hears of a node. A ring of one joins it; another finds out whether it is of another ring.
func (n *Node) onMet(x overlay.Ref) {
	switch {
	case x.ID == n.self.ID || n.index(x) >= 0 || x == n.pred:
	case !n.alone():
		n.place(&introduce{Node: x}, tagIntroduce)
	case slices.Contains(n.seeds, x):
	default:
		if len(n.seeds) == maxSeeds {
			n.seeds = slices.Delete(n.seeds, 0, 1)
		}
		n.seeds = append(n.seeds, x)
		n.trySeeds()
		n.rest()
	}
}

// trySeeds joins through those who are known. In a ring they are introduced, a few times: theirs may be another.
func (n *Node) trySeeds() {
	switch {
	case len(n.seeds) == 0 || n.joining:
	case n.alone():
		n.join(n.seeds)
	case n.tries >= maxHurry:
		n.seeds = nil
	default:
		n.tries++
		n.place(&introduce{Node: n.seeds[int(n.tries)%len(n.seeds)]}, tagIntroduce)
	}
}

// alone reports whether the ring is this node alone.
func (n *Node) alone() bool { return len(n.list) == 0 }

// join looks for this node's place through others.
func (n *Node) join(known []overlay.Ref) {
	known = slices.DeleteFunc(slices.Clone(known), func(x overlay.Ref) bool { return x.ID == n.self.ID })
	if len(known) == 0 {
		return
	}
	n.joining = true
	n.begin(&lookup{for_: forJoin, key: n.self.ID, pool: known})
}

// onPlaced is the end of a join's lookup: m is the node before our place, and this is what it answered. It is Zave's
// Join: the new node takes the successor list of the member before its place, and that member as predecessor.
func (n *Node) onPlaced(m overlay.Ref, around *neighbourhood) {
	if !n.alone() { // others came to us meanwhile: maybe two rings
		n.joined()
		n.onMet(m)
		return
	}
	nodes := slices.DeleteFunc(slices.Clone(around.List), func(x overlay.Ref) bool {
		return x.ID == n.self.ID || between(m.ID, x.ID, n.self.ID) // whoever is between did not answer
	})
	if around.Whole {
		nodes = append(nodes, m)
	}
	list, whole := n.arrange(nodes, around.Whole)
	n.out.Trace("joins after", overlay.Key{}, m)
	n.pred = m
	n.setList(list, whole)
	n.heard(m)
	n.fresh = true
	n.joined()
	if n.tries = 0; len(n.seeds) < 2 { // the others may be of another ring
		n.seeds = nil
	}
	if n.whole { // everyone lists everyone, from the beginning
		for _, x := range n.list[min(1, len(n.list)):] {
			n.tell(x)
		}
	}
	for _, key := range n.shelf.Keys() {
		if !n.owns(key) {
			n.move(key)
		}
	}
	n.stabilize()
	n.rest()
}

// joined ends joining, whether or not it came to anything, and begins what waited for it.
func (n *Node) joined() {
	n.joining = false
	n.tries = min(n.tries+1, maxHurry)
	if n.starting() {
		return
	}
	waiting := n.waiting
	n.waiting = nil
	for _, c := range waiting {
		n.onCall(c)
	}
}

// orphaned is what is left to do for a node whose successors are all gone: it joins again, through whomever it knows.
func (n *Node) orphaned() {
	n.whole = true
	n.seeds = n.seeds[:0:0]
	for _, refs := range [][]overlay.Ref{{n.pred}, n.fingers} {
		for _, x := range refs {
			if !x.IsZero() && len(n.seeds) < maxSeeds {
				n.seeds = append(n.seeds, x)
			}
		}
	}
	n.pred, n.heir, n.fingers = overlay.Ref{}, overlay.Ref{}, nil
	n.out.Trace("has no successor", overlay.Key{}, overlay.Ref{})
	n.tries = 0
	n.trySeeds()
	n.rest()
}

// onStop says goodbye (ToN 2003, §IV-E.4): the successor gets this node's records, and both neighbours what they need to
// close the gap.
func (n *Node) onStop() {
	n.idle = true
	if n.alone() {
		return
	}
	n.handOver(n.head(), n.shelf.Keys())
	m := &leave{Pred: n.pred, List: n.list}
	n.out.Send(n.head(), m)
	if !n.pred.IsZero() && n.pred != n.head() {
		n.out.Send(n.pred, m)
	}
}

// onLeave closes the gap that a node leaves. What it says of others is hearsay: its predecessor is asked before it becomes
// ours, its successors before they are more than entries of the list.
func (n *Node) onLeave(from overlay.Ref, m *leave) {
	n.forget(from)
	n.lost.Found(from) // gone for good
	if n.pred == from {
		n.setPred(overlay.Ref{})
		if m.Pred != from && m.Pred.ID != n.self.ID && !m.Pred.IsZero() {
			n.heir = m.Pred
			n.ask(m.Pred, ping{}, tagPing)
		}
	}
	i := n.index(from)
	if i < 0 {
		return
	}
	last := len(n.list) == 1
	n.setList(slices.Delete(slices.Clone(n.list), i, i+1), n.whole)
	if last && len(m.List) > 0 {
		n.setList(n.arrange(m.List, false))
	}
	switch {
	case n.alone() && !n.whole:
		n.orphaned()
	case i == 0:
		n.stabilize()
	}
}
