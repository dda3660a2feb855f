package pastry

import (
	"math/rand/v2"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A Node is one node's view of Pastry. It is an overlay.Machine; its driver owns it.
type Node struct {
	rules *rules
	self  overlay.Ref
	id    id
	rand  *rand.Rand
	ready bool // it has joined, or is the first: it takes part in routing

	leaves     leafSet
	table      table
	neighbours neighbours
	shelf      overlay.Shelf

	seq      uint64        // numbers operations, forwards and offers
	probes   []probe       // under way
	dead     []deadNode    // not to be probed again so soon
	lost     overlay.Lost  // may come back
	join     *join         // under way
	boot     []overlay.Ref // to join through
	met      []overlay.Ref // perhaps of another network
	forwards []*forward    // passed on and not acknowledged yet
	answers  []*pending    // given and not acknowledged yet
	ops      []*op         // of this node's user
	offers   []offer       // to other replicas, not answered yet
	merged   overlay.Time  // when another network was last looked for
	keepAt   overlay.Time  // when records are next compared with the other replicas
	keepFrom overlay.Key   // where to go on with that
	checked  int           // maintenance: turns so far
}

func newNode(r *rules, self overlay.Ref, rand *rand.Rand) *Node {
	return &Node{rules: r, self: self, id: idOf(self.ID), rand: rand}
}

// Timers.
const (
	timeLeaves uint8 = iota // compare leaf sets with two leaves
	timeTable               // compare a row with the next entry of the table
	timeKeep                // compare records with the other replicas
	timeJoin                // a step of joining takes too long, or it is to be tried again
	timeOp                  // Arg's try takes too long
)

// Tags of questions: one of these in the highest byte, and a number.
const (
	askForward  uint64 = iota + 1 // forward number
	askAnswer                     // pending number
	askRelay                      // passed on for another: nothing depends on it
	askExchange                   // nothing depends on it
	askJoin                       // number of the join
	askFetch                      // number of the op
	askStore                      // number of the op
	askOffer                      // number of the offer
)

func tag(kind, n uint64) overlay.Tag { return overlay.Tag(kind<<56 | n) }

func untag(t overlay.Tag) (kind, n uint64) { return uint64(t) >> 56, uint64(t) & (1<<56 - 1) }

func (n *Node) next() uint64 {
	n.seq++
	return n.seq
}

// Step applies an event.
func (n *Node) Step(now overlay.Time, ev overlay.Event, out *overlay.Actions) {
	switch ev := ev.(type) {
	case overlay.Start:
		n.onStart(now, ev.Known, out)
	case overlay.Met:
		n.onMet(now, ev.Node, out)
	case overlay.Call:
		n.onCall(now, ev.ID, ev.Op, out)
	case overlay.Received:
		n.onReceived(now, ev, out)
	case overlay.Answered:
		n.onAnswered(now, ev, out)
	case overlay.Unreachable:
		n.onUnreachable(now, ev, out)
	case overlay.Fired:
		n.onFired(now, ev.Timer, out)
	case overlay.RoundTrip:
		n.onRoundTrip(now, ev.Node, ev.Took, out)
	case overlay.Stop:
		n.onStop(now, out)
	}
}

func (n *Node) onReceived(now overlay.Time, ev overlay.Received, out *overlay.Actions) {
	n.heard(ev.From)
	switch m := ev.Msg.(type) {
	case *routeMessage:
		n.onRoute(now, ev.From, m, ev.Reply, out)
	case *answerMessage:
		n.ack(ev.Reply, true, out)
		n.onAnswer(now, m, out)
	case *exchangeMessage:
		n.onExchange(now, ev.From, m, ev.Reply, out)
	case *leaveMessage:
		n.onLeave(now, ev.From, m, out)
	case *fetchMessage:
		n.onFetch(now, m, ev.Reply, out)
	case *storeMessage:
		n.onStore(now, m, ev.Reply, out)
	case *holdsMessage:
		n.onHolds(now, m, ev.Reply, out)
	}
}

func (n *Node) ack(to overlay.ReplyTo, taken bool, out *overlay.Actions) {
	if to != 0 {
		out.Reply(to, &ackMessage{taken})
	}
}

// onAnswered takes an answer. Whoever gave it is alive, and its round trip is known.
func (n *Node) onAnswered(now overlay.Time, ev overlay.Answered, out *overlay.Actions) {
	kind, number := untag(ev.Tag)
	if kind != askAnswer && kind != askRelay { // who is answered may be no member yet
		n.alive(now, ev.From, ev.Took, out)
	}
	ack, _ := ev.Msg.(*ackMessage)
	taken := ack != nil && ack.taken
	switch kind {
	case askForward:
		n.onForwarded(now, number, ev.Msg, out)
	case askAnswer:
		n.dropPending(number)
	case askExchange:
		if m, ok := ev.Msg.(*exchangeMessage); ok {
			n.considerAnswer(now, ev.From, m, out)
		}
	case askJoin:
		n.onJoinAsked(now, number, ev.Msg, out)
	case askFetch:
		n.onFetched(now, number, ev.From, ev.Msg, out)
	case askStore:
		n.onStored(now, number, ev.From, taken, out)
	case askOffer:
		n.onOffered(now, number, ev.From, ev.Msg, out)
	}
}

func (n *Node) onUnreachable(now overlay.Time, ev overlay.Unreachable, out *overlay.Actions) {
	if ev.Tag == 0 {
		n.onNoRoundTrip(now, ev.Node, out)
		return
	}
	n.suspect(now, ev.Node, out)
	kind, number := untag(ev.Tag)
	switch kind {
	case askForward:
		n.onNotForwarded(now, number, true, out)
	case askAnswer:
		n.onNotAnswered(number, out)
	case askJoin:
		n.onJoinRefused(now, number, out)
	case askFetch:
		n.onFetched(now, number, ev.Node, nil, out)
	case askStore:
		n.onStored(now, number, ev.Node, false, out)
	case askOffer:
		n.dropOffer(number)
	}
}

func (n *Node) onFired(now overlay.Time, t overlay.Timer, out *overlay.Actions) {
	switch t.Kind {
	case timeLeaves:
		n.onTimeLeaves(now, out)
	case timeTable:
		n.onTimeTable(out)
	case timeKeep:
		n.onTimeKeep(now, out)
	case timeJoin:
		n.onTimeJoin(now, out)
	case timeOp:
		n.onTimeOp(now, t.Arg, out)
	}
}

// patience is how long to wait for an acknowledgement: until the node is surely late, since a message that is given up
// too early is passed on twice.
func patience(e entry) time.Duration {
	if e.rtt == 0 {
		return maxPatience
	}
	return min(time.Second+4*e.roundTrip(), maxPatience)
}

const maxPatience = 4 * time.Second
