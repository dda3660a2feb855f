package pastry

import (
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// How often a node looks after its tables, whether or not anything failed: repair on failure alone makes a network that
// is busy already busier still (Bamboo).
const (
	leavesEvery = 15 * time.Second
	tableEvery  = 15 * time.Second
	keepEvery   = 5 * time.Minute
	keepAfter   = 5 * time.Second // after a change of the leaf set
)

func (n *Node) startTimers(out *overlay.Actions) {
	for _, t := range []struct {
		kind  uint8
		every time.Duration
	}{{timeLeaves, leavesEvery}, {timeTable, tableEvery}} {
		out.Set(overlay.Timer{Kind: t.kind}, time.Duration(n.rand.Int64N(int64(t.every))))
	}
}

// about returns a time within a fifth of d, so that nodes that began together do not go on together.
func (n *Node) about(d time.Duration) time.Duration {
	return d*4/5 + time.Duration(n.rand.Int64N(int64(d*2/5)))
}

// onTimeLeaves compares leaf sets with two leaves: one of the two next to this node in turn, who must know each other for
// keys to have one owner, and any of them in turn. It also looks for nodes that were lost.
func (n *Node) onTimeLeaves(now overlay.Time, out *overlay.Actions) {
	out.Set(overlay.Timer{Kind: timeLeaves}, n.about(leavesEvery))
	n.checked++
	if list := *n.leaves.on(n.checked % 2); len(list) > 0 {
		n.exchange(list[0], theLeaves, 0, out)
	}
	if count := n.leaves.len(); count > 2 {
		n.exchange(n.leaves.at(n.checked%count), theLeaves, 0, out)
	}
	if node, ok := n.lost.Due(now); ok {
		n.probe(now, node, wasLost, out)
	}
	n.mergeNext(now, out)
	if n.alone() && n.join == nil && len(n.boot) > 0 {
		n.startJoin(now, out)
	}
}

// onTimeTable compares a row with the next entry of the table, so that each is found dead or alive in turn.
func (n *Node) onTimeTable(out *overlay.Actions) {
	out.Set(overlay.Timer{Kind: timeTable}, n.about(tableEvery))
	size := n.table.len()
	if size == 0 {
		return
	}
	i := n.checked % size
	for r, row := range n.table.rows {
		if i < len(row) {
			n.exchange(row[i], theRow, r, out)
			return
		}
		i -= len(row)
	}
}

// exchange shows a node a part of this node's state and asks for its own.
func (n *Node) exchange(with entry, what set, row int, out *overlay.Actions) {
	m := &exchangeMessage{set: what, row: uint8(row), nodes: n.state(what, row)}
	out.Ask(with.node, m, tag(askExchange, 0), patience(with))
}

func (n *Node) state(what set, row int) (list []overlay.Ref) {
	switch what {
	case theLeaves:
		for e := range n.leaves.all {
			list = append(list, e.node)
		}
	case theRow:
		list = refs(n.table.row(row))
	case theNeighbours:
		list = refs(n.neighbours)
	}
	return list
}

func refs(entries []entry) []overlay.Ref {
	list := make([]overlay.Ref, len(entries))
	for i, e := range entries {
		list[i] = e.node
	}
	return list
}

// onExchange answers with the same part of this node's state. Who asks is a candidate too, and the first to be probed.
func (n *Node) onExchange(now overlay.Time, from overlay.Ref, m *exchangeMessage, reply overlay.ReplyTo, out *overlay.Actions) {
	if reply != 0 {
		out.Reply(reply, &exchangeMessage{set: m.set, row: m.row, nodes: n.state(m.set, int(m.row))})
	}
	n.consider(now, from, out)
	if !n.knows(from) {
		n.nearer(now, from, out)
	}
	n.considerAll(now, m.nodes, out)
}

// onStop says goodbye and hands over what is kept here.
func (n *Node) onStop(now overlay.Time, out *overlay.Actions) {
	n.handOver(now, out)
	var told []overlay.Ref
	for e := range n.everybody {
		told = append(told, e.node)
	}
	for _, node := range unique(told) {
		out.Send(node, &leaveMessage{nodes: n.state(theLeaves, 0)})
	}
}

// onLeave takes a goodbye: the node is not lost, and its leaves are those who may take its place.
func (n *Node) onLeave(now overlay.Time, from overlay.Ref, m *leaveMessage, out *overlay.Actions) {
	n.forget(now, from, out)
	n.lost.Found(from)
	n.considerAll(now, m.nodes, out)
}
