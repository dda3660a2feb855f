package machine

import (
	"slices"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// maxKnown bounds the nodes of Start that are remembered.
const maxKnown = 16

// onStart joins through the nodes that are known, and begins the maintenance at a random moment, so that those who start
// together do not go on in step.
func (n *Node) onStart(known []overlay.Ref, out *overlay.Actions) {
	for _, t := range []overlay.Timer{refreshTimer, tryTimer} {
		out.Set(t, n.jitter(t))
	}
	n.known = slices.Clone(known[:min(len(known), maxKnown)])
	n.joined = !n.table.empty()
	if len(known) > 0 && !n.joined {
		n.join(known, out)
	}
}

// onMet gets to know a node that this node has not heard of: by looking for its own id from there, which brings it in
// contact with its neighbours in that node's network, were it another one.
func (n *Node) onMet(node overlay.Ref, out *overlay.Actions) {
	n.lost.Found(node)
	b := n.table.bucket(node.ID)
	if b == nil || b.index(node) >= 0 || len(n.lookups) > 2*overlay.KeyBits {
		return
	}
	n.join([]overlay.Ref{node}, out)
}

// join looks for this node's own id: all who are asked hear of it (§2.3).
func (n *Node) join(through []overlay.Ref, out *overlay.Actions) {
	out.Trace("joins", n.self.ID, through[0])
	n.look(lookup{key: n.self.ID, kind: forJoin}, through, out)
}

// onJoined fills the buckets that are further away than the closest neighbour.
func (n *Node) onJoined(l *lookup, out *overlay.Actions) {
	owners := l.owners(n.self, 2)
	if len(owners) < 2 || n.joined {
		return
	}
	n.joined = true
	for i := range n.self.ID.Xor(owners[1].ID).LeadingZeros() {
		n.refresh(i, out)
	}
}

// rejoin joins again while this node knows hardly anybody: those whom it heard of when it joined may have been dead, and
// then whoever it knows may die before the next refresh.
func (n *Node) rejoin(out *overlay.Actions) {
	through := slices.Collect(n.table.each)
	if len(through) >= n.c.Alpha {
		return
	}
	if through = append(through, n.known...); len(through) > 0 {
		n.joined = false
		n.join(through, out)
	}
}
