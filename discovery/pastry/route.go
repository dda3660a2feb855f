package pastry

import (
	"slices"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A way says by which rule of §2.2 the next hop was found.
type way string

const (
	byLeafSet way = "leaf set"
	byTable   way = "routing table"
	byRare    way = "rare case"
)

// hop returns the node to pass a message for key on to. Without one, this node is the numerically closest that it knows.
// Nodes in avoid did not answer or were passed already.
func (n *Node) hop(target overlay.Key, avoid []overlay.Ref) (entry, way, bool) {
	key := idOf(target)
	if n.leaves.covers(n.id, key) || n.onlyLeaves() {
		e, ok := n.closestLeaf(key, avoid)
		return e, byLeafSet, ok
	}
	row, col := slot(n.id, target, n.rules.b)
	if e, ok := n.table.at(row, col, n.rules.b); ok && !slices.Contains(avoid, e.node) {
		return e, byTable, true
	}
	e, ok := n.rare(key, row, avoid)
	if !ok { // a leaf may be closer all the same, while a side of the leaf set is empty
		e, ok = n.closestLeaf(key, avoid)
	}
	return e, byRare, ok
}

// onlyLeaves reports whether all nodes that are known are leaves: the network is so small that the leaf set covers all of
// the ring, also on a side where there is nobody.
func (n *Node) onlyLeaves() bool {
	for _, e := range n.table.all {
		if _, _, there, _ := n.leaves.place(n.id, e.node, 0); !there {
			return false
		}
	}
	return true
}

// closestLeaf returns the leaf that is closest to key, if one is closer than this node.
func (n *Node) closestLeaf(key id, avoid []overlay.Ref) (best entry, ok bool) {
	than := n.id
	for e := range n.leaves.all {
		if closer(key, e.id(), than) && !slices.Contains(avoid, e.node) {
			best, ok, than = e, true, e.id()
		}
	}
	return best, ok
}

// rare returns, of all nodes that share at least as many digits with key as this one and are closer to it, the one that
// shares most; of several, the closest. Some such node exists unless half a leaf set failed at once (§2.2).
func (n *Node) rare(key id, row int, avoid []overlay.Ref) (best entry, ok bool) {
	most := row
	for e := range n.everybody {
		at := e.id()
		s := shared(at, key, n.rules.b)
		if s < most || !closer(key, at, n.id) || slices.Contains(avoid, e.node) {
			continue
		}
		if !ok || s > most || closer(key, at, best.id()) {
			best, ok, most = e, true, s
		}
	}
	return best, ok
}

// everybody yields the leaf set, the routing table and the neighbourhood set; a node may come more than once.
func (n *Node) everybody(yield func(entry) bool) {
	more := true
	each := func(e entry) bool {
		more = yield(e)
		return more
	}
	n.leaves.all(each)
	for _, row := range n.table.rows {
		for _, e := range row {
			if !more || !each(e) {
				return
			}
		}
	}
	for _, e := range n.neighbours {
		if !more || !each(e) {
			return
		}
	}
}

func (n *Node) alone() bool {
	return n.leaves.len() == 0 && len(n.table.rows) == 0
}

// closest returns the nodes closest to key of the leaf set and this one: up to count, the closest first. They are the
// closest of all if key is near.
func (n *Node) closest(key id, count int) []overlay.Ref {
	list := make([]overlay.Ref, 0, n.leaves.len()+1)
	list = append(list, n.self)
	for e := range n.leaves.all {
		list = append(list, e.node)
	}
	byDistance(key, list)
	return list[:min(count, len(list))]
}

func byDistance(key id, list []overlay.Ref) {
	slices.SortFunc(list, func(a, b overlay.Ref) int {
		switch {
		case a == b:
			return 0
		case closer(key, idOf(a.ID), idOf(b.ID)):
			return -1
		}
		return 1
	})
}

// replica reports whether this node is one of those that keep the records under key.
func (n *Node) replica(key id) bool {
	closerOnes := 0
	for e := range n.leaves.all {
		if closer(key, e.id(), n.id) {
			closerOnes++
		}
	}
	return closerOnes < replicas
}

// A forward is a message that was passed on and whose receiver has not acknowledged it.
type forward struct {
	number uint64
	msg    *routeMessage // as this node got it, or began it
	to     overlay.Ref
	failed []overlay.Ref
	mine   bool // this node began it
}

// maxForwards bounds how many of them a node has. More are refused, and go another way.
const maxForwards = 256

// onRoute takes a message that is passed on to this node.
func (n *Node) onRoute(now overlay.Time, from overlay.Ref, m *routeMessage, reply overlay.ReplyTo, out *overlay.Actions) {
	if reply == 0 || m.path[len(m.path)-1].node != n.self || m.origin == n.self || !n.ready || len(n.forwards) >= maxForwards {
		n.ack(reply, false, out)
		return
	}
	if n.ends(now, m) {
		// The one who asks may be the origin: it can be answered even if nobody can dial it.
		if from == m.origin && len(m.path) == 1 {
			out.Reply(reply, n.answer(now, m))
			return
		}
		n.ack(reply, true, out)
		n.giveAnswer(now, m, out)
		return
	}
	n.ack(reply, true, out)
	n.pass(now, &forward{number: n.next(), msg: m}, out)
}

// ends reports whether a message's way ends here: nobody is closer, or this node has what is looked for.
func (n *Node) ends(now overlay.Time, m *routeMessage) bool {
	key := idOf(m.key)
	if m.purpose == toFind && m.want > 0 && n.replica(key) && len(n.shelf.Get(now, m.key)) >= m.want {
		return true
	}
	if len(m.path) >= maxPath || m.named && (n.leaves.covers(n.id, key) || n.onlyLeaves()) {
		return true
	}
	_, _, ok := n.hop(m.key, avoid(m, nil))
	return !ok
}

// avoid lists who must not get m next: those who had it, since a way that returns makes no progress, and those who failed.
// A newcomer may be in tables still from before it crashed.
func avoid(m *routeMessage, failed []overlay.Ref) []overlay.Ref {
	list := make([]overlay.Ref, 0, len(m.path)+len(failed)+1)
	for _, s := range m.path {
		list = append(list, s.node)
	}
	return append(append(list, m.origin), failed...)
}

// pass passes a message on to the next node, or answers it if there is none.
func (n *Node) pass(now overlay.Time, f *forward, out *overlay.Actions) {
	to, by, ok := n.hop(f.msg.key, avoid(f.msg, f.failed))
	if !ok {
		n.arrived(now, f.msg, out)
		return
	}
	out.Trace("pass on by "+string(by), f.msg.key, to.node)
	f.to = to.node
	n.forwards = append(n.forwards, f)
	out.Ask(to.node, n.onward(f.msg, to), tag(askForward, f.number), patience(to))
}

// onward is m as the next node gets it: messages are not changed once they are sent.
func (n *Node) onward(m *routeMessage, to entry) *routeMessage {
	c := *m
	c.path = append(slices.Clip(m.path), step{to.node, to.rtt})
	if m.purpose == toJoin {
		c.nodes = n.rowsFor(m)
	}
	return &c
}

// arrived ends the way of a message that this node holds.
func (n *Node) arrived(now overlay.Time, m *routeMessage, out *overlay.Actions) {
	if m.origin == n.self {
		n.onAnswer(now, n.answer(now, m), out)
		return
	}
	n.giveAnswer(now, m, out)
}

func (n *Node) takeForward(number uint64) *forward {
	i := slices.IndexFunc(n.forwards, func(f *forward) bool { return f.number == number })
	if i < 0 {
		return nil
	}
	f := n.forwards[i]
	n.forwards = slices.Delete(n.forwards, i, i+1)
	return f
}

// onForwarded hears from the next node that it has the message.
func (n *Node) onForwarded(now overlay.Time, number uint64, m overlay.Message, out *overlay.Actions) {
	switch m := m.(type) {
	case *ackMessage:
		if m.taken {
			n.takeForward(number)
			return
		}
	case *answerMessage:
		if f := n.takeForward(number); f != nil && f.mine {
			n.onAnswer(now, m, out)
		}
		return
	}
	n.onNotForwarded(now, number, false, out)
}

// onNotForwarded tries the next best node.
func (n *Node) onNotForwarded(now overlay.Time, number uint64, late bool, out *overlay.Actions) {
	f := n.takeForward(number)
	if f == nil {
		return
	}
	f.failed = append(f.failed, f.to)
	if late {
		m := *f.msg
		m.timeouts = min(m.timeouts+1, 1<<16-1)
		f.msg = &m
	}
	n.pass(now, f, out)
}

// A pending is an answer that its receiver has not acknowledged.
type pending struct {
	number uint64
	msg    *answerMessage
	relay  overlay.Ref // who passed the message on to us first, and so has talked to the origin
}

const maxPending = 256

// answer makes the answer to a message whose way ends here.
func (n *Node) answer(now overlay.Time, m *routeMessage) *answerMessage {
	key := idOf(m.key)
	a := &answerMessage{number: m.number, origin: m.origin, timeouts: m.timeouts}
	switch m.purpose {
	case toJoin:
		a.near, a.nodes = n.closest(n.id, 2*n.rules.half+1), n.rowsFor(m)
		return a
	case toFind:
		a.records = overlay.Fit(n.shelf.Get(now, m.key), maxBytes)
	}
	a.near, a.path = n.closest(key, replicas), m.path
	return a
}

// giveAnswer sends the answer to the origin.
func (n *Node) giveAnswer(now overlay.Time, m *routeMessage, out *overlay.Actions) {
	out.Trace("answer", m.key, m.origin)
	p := &pending{n.next(), n.answer(now, m), m.path[0].node}
	if len(n.answers) < maxPending {
		n.answers = append(n.answers, p)
	}
	out.Ask(m.origin, p.msg, tag(askAnswer, p.number), maxPatience)
}

func (n *Node) dropPending(number uint64) *pending {
	i := slices.IndexFunc(n.answers, func(p *pending) bool { return p.number == number })
	if i < 0 {
		return nil
	}
	p := n.answers[i]
	n.answers = slices.Delete(n.answers, i, i+1)
	return p
}

// onNotAnswered has an answer go by the node that passed the message on first: it has a connection to an origin that
// cannot be dialled.
func (n *Node) onNotAnswered(number uint64, out *overlay.Actions) {
	p := n.dropPending(number)
	if p == nil || p.relay == n.self {
		return
	}
	out.Ask(p.relay, p.msg, tag(askRelay, 0), maxPatience)
}

// onAnswer takes an answer: to an operation or to the join of this node, or to pass on. It is passed on once only, since
// whoever it is for does not pass it on; and it costs a liar a message to have us send one.
func (n *Node) onAnswer(now overlay.Time, m *answerMessage, out *overlay.Actions) {
	if m.origin != n.self {
		out.Send(m.origin, m)
		return
	}
	if n.join != nil && n.join.number == m.number {
		n.onJoinAnswer(now, m, out)
		return
	}
	if o := n.opOfTry(m.number); o != nil {
		n.onOpAnswer(now, o, m, out)
	}
}
