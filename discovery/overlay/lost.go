package overlay

import (
	"slices"
	"time"
)

// Lost remembers nodes that no longer answered, so that a network which was cut in two heals when the cut does, without
// anybody introducing the halves to each other: each is tried again, ever more rarely, and then forgotten. It is bounded:
// the one lost longest ago makes room. The zero Lost remembers none.
type Lost struct{ nodes []lostNode }

type lostNode struct {
	node  Ref
	next  Time
	pause time.Duration
}

// How Lost tries.
const (
	maxLost   = 16
	lostFirst = 30 * time.Second // until the first try; doubled after each
	lostLast  = time.Hour        // a pause that is longer is given up
)

// Add remembers a node that is not remembered yet.
func (l *Lost) Add(now Time, node Ref) {
	if l.index(node) >= 0 {
		return
	}
	if len(l.nodes) == maxLost {
		l.nodes = slices.Delete(l.nodes, 0, 1)
	}
	l.nodes = append(l.nodes, lostNode{node, now.Add(lostFirst), lostFirst})
}

// Found forgets a node, as it is heard of again.
func (l *Lost) Found(node Ref) {
	if i := l.index(node); i >= 0 {
		l.nodes = slices.Delete(l.nodes, i, i+1)
	}
}

// Due returns a node that is to be tried now, and counts the try.
func (l *Lost) Due(now Time) (Ref, bool) {
	for i := range l.nodes {
		n := &l.nodes[i]
		if n.next > now {
			continue
		}
		node := n.node
		n.pause *= 2
		n.next = now.Add(n.pause)
		if n.pause > lostLast {
			l.nodes = slices.Delete(l.nodes, i, i+1)
		}
		return node, true
	}
	return Ref{}, false
}

// Refs yields the nodes that are remembered.
func (l *Lost) Refs(yield func(Ref) bool) {
	for _, n := range l.nodes {
		if !yield(n.node) {
			return
		}
	}
}

func (l *Lost) index(node Ref) int {
	return slices.IndexFunc(l.nodes, func(n lostNode) bool { return n.node == node })
}
