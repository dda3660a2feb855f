package pastry

import (
	"slices"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A join is the way into a network (§2.4), or into another part of it: a message for the node's own id goes by a node
// that is near to the numerically closest, and brings back rows of the tables on its way and the leaf set at its end.
type join struct {
	tries    []entry // nodes to join through; a round trip of 0 is not known
	probed   int     // of which so many round trips are awaited
	via      overlay.Ref
	number   uint64 // of the message; 0: none is sent yet
	settling bool   // the answer came, and what it names is being probed
	news     bool   // and some of it became leaves
}

// Joining.
const (
	maxBoot    = 8                // nodes to join through
	maxMet     = 8                // nodes that were met and not looked into yet
	probeTime  = time.Second      // for the nodes to join through
	answerTime = 8 * time.Second  // from the message to its answer
	settleTime = 3 * time.Second  // for what the answer names
	againTime  = 2 * time.Second  // until the next try of a node that is alone
	mergeTime  = 15 * time.Second // between looks into other networks
)

func (n *Node) onStart(now overlay.Time, known []overlay.Ref, out *overlay.Actions) {
	n.startTimers(out)
	for _, node := range known {
		n.remember(node)
	}
	if n.ready || len(n.boot) == 0 {
		n.ready = true // its tables are filled, or it is the first
		return
	}
	n.startJoin(now, out)
}

func (n *Node) remember(node overlay.Ref) {
	if node != n.self && !slices.Contains(n.boot, node) && len(n.boot) < maxBoot {
		n.boot = append(n.boot, node)
	}
}

// startJoin joins through one of the nodes that are remembered: the nearest, since the tables on the way from there are
// made of nodes near to it (§2.5).
func (n *Node) startJoin(now overlay.Time, out *overlay.Actions) {
	n.join = &join{}
	for _, node := range n.boot {
		n.join.tries = append(n.join.tries, entry{node: node})
		n.heard(node)
		if n.probe(now, node, candidate, out) {
			n.join.probed++
		}
	}
	out.Set(overlay.Timer{Kind: timeJoin}, probeTime)
}

// onJoinProbed takes the round trip to a node, or 0 if there was no answer.
func (n *Node) onJoinProbed(now overlay.Time, node overlay.Ref, rtt uint32, out *overlay.Actions) {
	j := n.join
	switch {
	case j == nil:
	case j.settling:
		if len(n.probes) == 0 {
			n.settled(now, out)
		}
	case j.number == 0:
		i := slices.IndexFunc(j.tries, func(e entry) bool { return e.node == node })
		if i < 0 {
			return
		}
		if j.tries[i].rtt = rtt; rtt == 0 {
			j.tries = slices.Delete(j.tries, i, i+1)
		}
		if j.probed--; j.probed == 0 {
			n.joinNext(now, out)
		}
	}
}

// joinNext sends the message by the nearest node that is left.
func (n *Node) joinNext(now overlay.Time, out *overlay.Actions) {
	j := n.join
	if len(j.tries) == 0 {
		n.joinFailed(now, out)
		return
	}
	best := slices.MinFunc(j.tries, func(a, b entry) int { return int(int64(a.rtt-1) - int64(b.rtt-1)) })
	j.tries = slices.DeleteFunc(j.tries, func(e entry) bool { return e.node == best.node })
	j.via, j.number = best.node, n.secret()
	m := &routeMessage{purpose: toJoin, number: j.number, key: n.self.ID, origin: n.self, path: []step{{best.node, best.rtt}}}
	out.Trace("join", n.self.ID, best.node)
	out.Ask(best.node, m, tag(askJoin, j.number&(1<<56-1)), patience(best))
	out.Set(overlay.Timer{Kind: timeJoin}, answerTime)
}

// secret returns a number that others do not guess: whoever answers has seen the question. It is not 0.
func (n *Node) secret() uint64 { return n.rand.Uint64() | 1 }

func (n *Node) joinBy(number uint64) bool {
	return n.join != nil && n.join.number&(1<<56-1) == number && !n.join.settling
}

// onJoinAsked takes what the node to join through says to the message.
func (n *Node) onJoinAsked(now overlay.Time, number uint64, m overlay.Message, out *overlay.Actions) {
	switch m := m.(type) {
	case *answerMessage:
		n.onAnswer(now, m, out)
		return
	case *ackMessage:
		if m.taken {
			return
		}
	}
	n.onJoinRefused(now, number, out)
}

func (n *Node) onJoinRefused(now overlay.Time, number uint64, out *overlay.Actions) {
	if n.joinBy(number) {
		n.joinNext(now, out)
	}
}

// joinFailed takes that nobody lets this node join: it is the first of its network, until it meets another.
func (n *Node) joinFailed(now overlay.Time, out *overlay.Actions) {
	n.join = nil
	n.becomeReady(now, out)
	if n.alone() && len(n.boot) > 0 {
		out.Set(overlay.Timer{Kind: timeJoin}, n.about(againTime))
	}
}

// rowsFor returns the nodes that m, which joins, brings home after this node: rows of its table from the first that the
// node before could not give, and itself (§2.4).
func (n *Node) rowsFor(m *routeMessage) []overlay.Ref {
	key := idOf(m.key)
	from, to := 0, shared(n.id, key, n.rules.b)
	if len(m.path) > 1 {
		from = min(shared(idOf(m.path[len(m.path)-2].node.ID), key, n.rules.b)+1, to)
	}
	list := slices.Clip(m.nodes)
	add := func(node overlay.Ref) {
		if node != m.origin && len(list) < maxRows && !slices.Contains(list, node) {
			list = append(list, node)
		}
	}
	add(n.self)
	for r := from; r <= to; r++ {
		for _, e := range n.table.row(r) {
			add(e.node)
		}
	}
	return list
}

// onJoinAnswer takes what the message brought home. A newcomer probes all of it, which also tells who is near.
func (n *Node) onJoinAnswer(now overlay.Time, m *answerMessage, out *overlay.Actions) {
	n.join.settling = true
	for _, list := range [][]overlay.Ref{m.near, m.nodes} {
		for _, node := range list {
			switch {
			case node == n.self:
			case n.ready:
				n.consider(now, node, out)
			default:
				n.probe(now, node, candidate, out)
			}
		}
	}
	out.Set(overlay.Timer{Kind: timeJoin}, settleTime)
	if len(n.probes) == 0 {
		n.settled(now, out)
	}
}

// settled ends a join: those in the tables are told of this node, with what they may want of its state, and show theirs
// (§2.4): the leaves the leaf set, those of a row the row. A node that was in a network already tells its leaves.
func (n *Node) settled(now overlay.Time, out *overlay.Actions) {
	newcomer, news, via := !n.ready, n.join.news, n.join.via
	n.join = nil
	out.Cancel(overlay.Timer{Kind: timeJoin})
	n.becomeReady(now, out)
	if !newcomer && !news {
		return // it is the same network
	}
	for e := range n.leaves.all {
		n.exchange(e, theLeaves, 0, out)
	}
	if !newcomer {
		return
	}
	for r, e := range n.table.all {
		n.exchange(e, theRow, r, out)
	}
	if i := n.neighbours.index(via); i >= 0 {
		n.exchange(n.neighbours[i], theNeighbours, 0, out)
	}
	out.Trace("joined", overlay.Key{}, n.self)
}

func (n *Node) becomeReady(now overlay.Time, out *overlay.Actions) {
	if n.ready {
		return
	}
	n.ready = true
	for _, o := range slices.Clone(n.ops) {
		n.try(now, o, out)
	}
}

func (n *Node) onTimeJoin(now overlay.Time, out *overlay.Actions) {
	switch {
	case n.join == nil:
		if n.alone() && len(n.boot) > 0 {
			n.startJoin(now, out)
		}
	case n.join.settling:
		n.settled(now, out)
	default:
		n.joinNext(now, out)
	}
}

// onMet takes that the driver came across a node: the way into a network for one that is alone, and perhaps to another
// part of the network for one that is not.
func (n *Node) onMet(now overlay.Time, node overlay.Ref, out *overlay.Actions) {
	if node == n.self || n.knows(node) {
		return
	}
	if n.alone() {
		n.remember(node)
	}
	n.merge(now, node, out)
}

// merge joins the network of a node. If it is this network, that finds no new leaves. One is looked into at a time; a few
// more wait.
func (n *Node) merge(now overlay.Time, node overlay.Ref, out *overlay.Actions) {
	if n.join != nil || !n.alone() && now < n.merged {
		if len(n.met) < maxMet && !slices.Contains(n.met, node) {
			n.met = append(n.met, node)
		}
		return
	}
	n.merged = now.Add(mergeTime)
	n.join = &join{tries: []entry{{node: node}}}
	n.joinNext(now, out)
}

// mergeNext looks into the network of the next node that waits and is not known yet.
func (n *Node) mergeNext(now overlay.Time, out *overlay.Actions) {
	for len(n.met) > 0 && n.join == nil && now >= n.merged {
		node := n.met[0]
		if n.met = n.met[1:]; len(n.met) == 0 {
			n.met = nil
		}
		if !n.knows(node) {
			n.merge(now, node, out)
		}
	}
}
