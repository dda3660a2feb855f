package pastry

import (
	"slices"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// What others tell of is a claim until the node itself answers: only then does it enter a table. So made-up nodes cost a
// probe each, of which few are under way at once, and nothing else.

// A probe is a round trip that is being measured.
type probe struct {
	node overlay.Ref
	why  why
}

// why a node is probed.
type why uint8

const (
	candidate why = iota // for a table
	suspected            // it is or was in a table, and did not answer a question, or another does not know it any more
	wasLost              // it did not answer some time ago
)

// A deadNode did not answer a probe, and is not probed on hearsay until a while has passed or it is heard of itself.
type deadNode struct {
	node  overlay.Ref
	until overlay.Time
}

const (
	maxProbes = 128
	maxDead   = 64
	deadTime  = time.Minute
)

// consider has a node probed that would have a place in the leaf set, or the slot of the table that nobody holds.
func (n *Node) consider(now overlay.Time, node overlay.Ref, out *overlay.Actions) {
	if n.wants(node) {
		n.probe(now, node, candidate, out)
	}
}

func (n *Node) considerAll(now overlay.Time, nodes []overlay.Ref, out *overlay.Actions) {
	for _, node := range nodes {
		n.consider(now, node, out)
	}
}

// considerAnswer takes what another showed when it was asked to.
func (n *Node) considerAnswer(now overlay.Time, from overlay.Ref, m *exchangeMessage, out *overlay.Actions) {
	n.considerAll(now, m.nodes, out)
	if m.set == theLeaves {
		n.doubt(now, from, m.nodes, out)
		return
	}
	tries := maxNearer
	for _, node := range m.nodes {
		if tries > 0 && n.nearer(now, node, out) {
			tries--
		}
	}
}

// doubt has a leaf probed that a leaf which answered does not list, though it lists others beyond: it may have found it
// dead. So who is gone is gone from all leaf sets soon, though each looks at one leaf at a time.
func (n *Node) doubt(now overlay.Time, from overlay.Ref, nodes []overlay.Ref, out *overlay.Actions) {
	at := idOf(from.ID)
	var ends [2]id
	for _, node := range nodes {
		if s, far := side(at, idOf(node.ID)); ends[s].less(far) {
			ends[s] = far
		}
	}
	for e := range n.leaves.all {
		if s, far := side(at, e.id()); far.less(ends[s]) && e.node != from && !slices.Contains(nodes, e.node) {
			n.probe(now, e.node, suspected, out)
		}
	}
}

// maxNearer bounds the nodes of one exchange that are probed only since they may be nearer than those in the table.
const maxNearer = 4

// nearer has a node probed that nobody needs but that may be nearer by round trip. It reports whether it is.
func (n *Node) nearer(now overlay.Time, node overlay.Ref, out *overlay.Actions) bool {
	if node == n.self || n.knows(node) || n.neighbours.index(node) >= 0 {
		return false
	}
	return n.probe(now, node, candidate, out)
}

func (n *Node) wants(node overlay.Ref) bool {
	if node.IsZero() || node == n.self {
		return false
	}
	if _, _, _, wanted := n.leaves.place(n.id, node, n.rules.half); wanted {
		return true
	}
	row, col := slot(n.id, node.ID, n.rules.b)
	_, taken := n.table.at(row, col, n.rules.b)
	return !taken
}

// knows reports whether a node is in the leaf set or the table.
func (n *Node) knows(node overlay.Ref) bool {
	if _, _, there, _ := n.leaves.place(n.id, node, n.rules.half); there {
		return true
	}
	row, col := slot(n.id, node.ID, n.rules.b)
	e, ok := n.table.at(row, col, n.rules.b)
	return ok && e.node == node
}

func (n *Node) probe(now overlay.Time, node overlay.Ref, why why, out *overlay.Actions) bool {
	if len(n.probes) >= maxProbes || n.probing(node) >= 0 {
		return false
	}
	if why == candidate && n.isDead(now, node) {
		return false
	}
	n.probes = append(n.probes, probe{node, why})
	out.Probe(node)
	return true
}

func (n *Node) probing(node overlay.Ref) int {
	return slices.IndexFunc(n.probes, func(p probe) bool { return p.node == node })
}

// takeProbe ends a probe.
func (n *Node) takeProbe(node overlay.Ref) (probe, bool) {
	i := n.probing(node)
	if i < 0 {
		return probe{}, false
	}
	p := n.probes[i]
	if n.probes = slices.Delete(n.probes, i, i+1); len(n.probes) == 0 {
		n.probes = nil
	}
	return p, true
}

func (n *Node) isDead(now overlay.Time, node overlay.Ref) bool {
	i := slices.IndexFunc(n.dead, func(d deadNode) bool { return d.node == node })
	return i >= 0 && now < n.dead[i].until
}

func (n *Node) bury(now overlay.Time, node overlay.Ref) {
	n.heard(node)
	if len(n.dead) == maxDead {
		n.dead = slices.Delete(n.dead, 0, 1)
	}
	n.dead = append(n.dead, deadNode{node, now.Add(deadTime)})
}

// heard takes a sign of life that does not say whether a node can be reached.
func (n *Node) heard(node overlay.Ref) {
	if i := slices.IndexFunc(n.dead, func(d deadNode) bool { return d.node == node }); i >= 0 {
		n.dead = slices.Delete(n.dead, i, i+1)
	}
}

// onRoundTrip takes the answer to a probe.
func (n *Node) onRoundTrip(now overlay.Time, node overlay.Ref, took time.Duration, out *overlay.Actions) {
	p, ok := n.takeProbe(node)
	if !ok {
		return
	}
	n.alive(now, node, took, out)
	if p.why == wasLost {
		n.merge(now, node, out)
	}
	n.onJoinProbed(now, node, micros(took), out)
}

// onNoRoundTrip takes that a probe, or a message that nobody answers, did not arrive.
func (n *Node) onNoRoundTrip(now overlay.Time, node overlay.Ref, out *overlay.Actions) {
	p, ok := n.takeProbe(node)
	if !ok {
		n.suspect(now, node, out)
		return
	}
	n.bury(now, node)
	if n.forget(now, node, out) || p.why == suspected {
		n.lost.Add(now, node)
		out.Trace("lost", overlay.Key{}, node)
	}
	n.onJoinProbed(now, node, 0, out)
}

// alive gives a node that has answered its place in every table that it belongs to.
func (n *Node) alive(now overlay.Time, node overlay.Ref, took time.Duration, out *overlay.Actions) {
	n.heard(node)
	n.lost.Found(node)
	e := entry{node, n.smooth(node, micros(took))}
	if n.leaves.put(n.id, e, n.rules.half) {
		out.Trace("new leaf", overlay.Key{}, node)
		n.keepSoon(now, out)
		if n.join != nil {
			n.join.news = true
		}
	}
	n.table.put(n.id, e, n.rules.b)
	n.neighbours.put(e)
}

// smooth returns the round trip to a node after another measurement, as TCP does (RFC 6298, §2).
func (n *Node) smooth(node overlay.Ref, took uint32) uint32 {
	old := n.roundTrip(node)
	if old == 0 {
		return took
	}
	return uint32((7*uint64(old) + uint64(took)) / 8)
}

func (n *Node) roundTrip(node overlay.Ref) uint32 {
	if s, i, there, _ := n.leaves.place(n.id, node, 0); there {
		return (*n.leaves.on(s))[i].rtt
	}
	row, col := slot(n.id, node.ID, n.rules.b)
	if e, ok := n.table.at(row, col, n.rules.b); ok && e.node == node {
		return e.rtt
	}
	if i := n.neighbours.index(node); i >= 0 {
		return n.neighbours[i].rtt
	}
	return 0
}

// suspect takes that a node did not answer a question. It leaves all tables at once, so that nobody waits for it again,
// and is probed: it may be the message that was lost.
func (n *Node) suspect(now overlay.Time, node overlay.Ref, out *overlay.Actions) {
	if n.forget(now, node, out) {
		n.probe(now, node, suspected, out)
	}
}

// forget removes a node from all tables, and has them repaired.
func (n *Node) forget(now overlay.Time, node overlay.Ref, out *overlay.Actions) bool {
	side, leaf := n.leaves.drop(n.id, node)
	row, inTable := n.table.drop(n.id, node, n.rules.b)
	neighbour := n.neighbours.drop(node)
	if leaf {
		out.Trace("leaf gone", overlay.Key{}, node)
		n.repairLeaves(side, out)
		n.keepSoon(now, out)
	}
	if inTable {
		n.repairRow(row, out)
	}
	return leaf || inTable || neighbour
}

// repairLeaves asks the last node on the side of a leaf that is gone for its leaf set (§2.4, node departure).
func (n *Node) repairLeaves(side int, out *overlay.Actions) {
	list := *n.leaves.on(side)
	if len(list) == 0 {
		list = *n.leaves.on(after + before - side)
	}
	if len(list) > 0 {
		n.exchange(list[len(list)-1], theLeaves, 0, out)
	}
}

// repairRow asks another node of a row for its own row, or, if there is none, one of the next row (§2.4).
func (n *Node) repairRow(row int, out *overlay.Actions) {
	for r := row; r < len(n.table.rows); r++ {
		if list := n.table.rows[r]; len(list) > 0 {
			n.exchange(list[n.rand.IntN(len(list))], theRow, row, out)
			return
		}
	}
}
