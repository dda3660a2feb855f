package chord

import (
	"slices"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// Two rings become one, which neither paper tells of: they come from a network that was cut in two, or from two that meet.
// A node of the other ring is introduced to ours: the introduction is passed on to the node before its place. If that has
// it as its successor, all is well. If not it looks for its own place in the other ring, through the one introduced, and
// adopts the successor that it has there, if that is alive and better; and introduces the successor that it had until now
// to it, so that the next seam is found. So one introduction sews two rings together all round.

// maxSteps bounds how far an introduction goes.
const maxSteps = 64

// onIntroduce passes an introduction on. One that comes from the successor is of a node of its ring, and ours: it has a
// better predecessor now.
func (n *Node) onIntroduce(from overlay.Ref, m *introduce, reply overlay.ReplyTo) {
	n.out.Reply(reply, introduced{})
	switch {
	case n.starting() || n.idle:
	case from == n.head() && between(n.self.ID, m.Node.ID, from.ID):
		n.ask(m.Node, neighbours{}, tagBetter)
	case m.Step < maxSteps:
		n.place(&introduce{m.Node, m.Step + 1}, tagIntroduce)
	}
}

// place takes an introduction to the place of the node that it is about.
func (n *Node) place(m *introduce, tag overlay.Tag) {
	x := m.Node
	switch {
	case x.ID == n.self.ID || n.index(x) >= 0:
	case n.alone():
		n.onMet(x)
	case between(n.self.ID, x.ID, n.head().ID):
		n.reach(x)
	default:
		if next := n.preceding(n.away(x), 1, x); len(next) > 0 {
			n.ask(next[0], m, tag)
		}
	}
}

// sew introduces a former successor to those that follow, until one has taken it.
func (n *Node) sew() {
	if n.index(n.seam) >= 0 {
		n.seam = overlay.Ref{}
	}
	if !n.seam.IsZero() {
		n.place(&introduce{Node: n.seam}, tagSeam)
	}
}

// reach looks for this node's place in the ring of x, unless it is at it.
func (n *Node) reach(x overlay.Ref) {
	if slices.ContainsFunc(n.lookups, func(l *lookup) bool { return l.for_ == forRing }) {
		return
	}
	n.out.Trace("looks into another ring", overlay.Key{}, x)
	n.begin(&lookup{for_: forRing, key: n.self.ID, pool: []overlay.Ref{x}, by: x, start: x})
}

// onForeign is the end of that: the first of the other ring after this node, or at least the one it started from.
func (n *Node) onForeign(l *lookup, err error) {
	x := l.start
	if err == nil && len(l.result.Owners) > 0 {
		x = l.result.Owners[0]
	}
	if n.alone() || !between(n.self.ID, x.ID, n.head().ID) {
		x = l.start
	}
	if !n.alone() && between(n.self.ID, x.ID, n.head().ID) {
		n.ask(x, neighbours{}, tagBetter)
	}
}

// found hears of a node that may have been lost: its ring may be another by now.
func (n *Node) found(x overlay.Ref) {
	for y := range n.lost.Refs {
		if x == y {
			n.lost.Found(x)
			n.place(&introduce{Node: x}, tagIntroduce)
			return
		}
	}
}
