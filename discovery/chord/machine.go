package chord

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A Node is one node of a ring. It implements overlay.Machine.
//
// It begins as a ring of its own, which closes (whole) round an empty list. In a ring of up to r+1 nodes, r being the
// length of full lists, everyone lists everyone, and the list of r' entries protects as a base of r'+1 nodes does in
// Zave's proof; past that lists have r entries. So r grows with the ring, and no base has to be set up by hand.
type Node struct {
	config *Config // shared by all nodes of a driver
	self   overlay.Ref
	rand   *rand.Rand

	// The successor list, in order. It is never changed in place, so that those of a filled ring can share memory. Bit i of
	// unheard says that entry i is hearsay or in doubt: a ping to it is under way, and lookups leave it out.
	list    []overlay.Ref
	unheard uint64
	whole   bool // the ring closes after the list

	pred    overlay.Ref
	heir    overlay.Ref // who becomes the predecessor if pred does not answer
	asking  bool        // a ping to pred is under way
	seam    overlay.Ref // was the successor, and the one that is now does not list it
	fingers []overlay.Ref
	octave  uint8 // the finger to fix next
	fresh   bool  // fingers have not all been looked up yet

	joining bool
	idle    bool          // Stop or no Start yet
	filled  bool          // made by fill: Start joins nobody
	dirty   bool          // records must go to other replicas
	round   uint16        // counts rounds
	seeds   []overlay.Ref // known at the start, until this node has joined through one
	tries   uint8         // to do that

	lookups []*lookup
	serial  uint64
	waiting []overlay.Call // operations that wait for the end of joining
	moving  []overlay.Key  // records of these are to go to whoever is responsible
	lost    overlay.Lost
	shelf   overlay.Shelf

	now overlay.Time // during a step
	out *overlay.Actions
}

// What a Tag is about is in its top byte.
const (
	tagLookup overlay.Tag = (iota + 1) << 56
	tagStabilize
	tagBetter // neighbours, of a node that may be a better successor
	tagPing
	tagIntroduce
	tagSeam
	tagMove
	tagLost
	tagOffer
	tagDetail // and where the offer ends
)

const (
	tagKind overlay.Tag = 0xff << 56
	tagArg              = ^tagKind
)

// patience is how long a question waits for its answer. Dialling a peer that is far away takes a few round trips.
const patience = 2 * time.Second

// timerRound is the one timer: the next round of maintenance.
var timerRound = overlay.Timer{Kind: 1}

// Step implements overlay.Machine.
func (n *Node) Step(now overlay.Time, ev overlay.Event, out *overlay.Actions) {
	n.now, n.out = now, out
	switch ev := ev.(type) {
	case overlay.Start:
		n.onStart(ev.Known)
	case overlay.Met:
		n.onMet(ev.Node)
	case overlay.Call:
		n.onCall(ev)
	case overlay.Received:
		n.onReceived(ev)
	case overlay.Answered:
		n.onAnswered(ev)
	case overlay.Unreachable:
		n.onUnreachable(ev)
	case overlay.Fired:
		n.onRound()
	case overlay.Stop:
		n.onStop()
	}
	n.out = nil
}

func (n *Node) onReceived(ev overlay.Received) {
	n.heard(ev.From)
	switch m := ev.Msg.(type) {
	case *locate:
		n.onLocate(ev.From, m, ev.Reply)
	case *fetch:
		n.onFetch(m, ev.Reply)
	case *store:
		n.onStore(m, ev.Reply)
	case neighbours:
		n.onNeighbours(ev.Reply)
	case ping:
		n.out.Reply(ev.Reply, pong{})
	case *introduce:
		n.onIntroduce(ev.From, m, ev.Reply)
	case *offer:
		n.onOffer(m, ev.Reply)
	case notify:
		n.onNotify(ev.From)
	case *leave:
		n.onLeave(ev.From, m)
	}
}

// onAnswered sorts answers by what was asked. An answer of another kind than the question's is as good as silence.
func (n *Node) onAnswered(ev overlay.Answered) {
	n.heard(ev.From)
	around, _ := ev.Msg.(*neighbourhood)
	switch ev.Tag & tagKind {
	case tagLookup:
		n.onStep(ev)
	case tagStabilize:
		if around != nil {
			n.onSuccessor(ev.From, around)
		}
	case tagBetter:
		if around != nil {
			n.onBetter(ev.From, around)
		}
	case tagPing:
		n.onPong(ev.From)
	case tagSeam:
		n.seam = overlay.Ref{}
	case tagOffer:
		if m, ok := ev.Msg.(*offered); ok {
			n.onOffered(ev.From, m)
		}
	case tagDetail:
		if m, ok := ev.Msg.(*offered); ok {
			n.onDetailed(ev.From, m, ev.Tag)
		}
	}
}

// onUnreachable hears of silence. Once is doubt, except where the question was a ping.
func (n *Node) onUnreachable(ev overlay.Unreachable) {
	if ev.Tag&tagKind == tagPing {
		n.bury(ev.Node)
		return
	}
	n.doubt(ev.Node)
	switch ev.Tag & tagKind {
	case tagLookup:
		n.onSilence(ev.Node, ev.Tag)
	case tagBetter:
		n.tell(n.head()) // StabilizeFromPredecessor: that node is dead, the successor stays
	case tagMove:
		n.dirty = true
	}
}

// ask asks with the usual patience.
func (n *Node) ask(to overlay.Ref, m overlay.Message, tag overlay.Tag) {
	n.out.Ask(to, m, tag, patience)
}

// Refs implements overlay.Machine.
func (n *Node) Refs(yield func(overlay.Ref) bool) {
	for _, refs := range [][]overlay.Ref{n.list, n.fingers, n.seeds, {n.pred, n.heir, n.seam}} {
		for _, r := range refs {
			if !r.IsZero() && !yield(r) {
				return
			}
		}
	}
	for _, l := range n.lookups {
		if !l.refs(yield) {
			return
		}
	}
	n.lost.Refs(yield)
}

// Memory of a Node and of one Ref, in bytes, about.
const (
	nodeBytes = 360
	refBytes  = 24
)

// Keeps implements overlay.Machine.
func (n *Node) Keeps(key overlay.Key) bool { return n.shelf.Keeps(key) }

// Census implements overlay.Machine.
func (n *Node) Census() overlay.Census {
	c := overlay.Census{Peers: len(n.list) + len(n.fingers)}
	if !n.pred.IsZero() && n.index(n.pred) < 0 && !slices.Contains(n.fingers, n.pred) {
		c.Peers++
	}
	c.Keys, c.Records = n.shelf.Len()
	c.Bytes = nodeBytes + refBytes*(cap(n.list)+cap(n.fingers)) + n.shelf.Bytes()
	return c
}

// String implements overlay.Machine.
func (n *Node) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "predecessor %v\n  successors", n.pred)
	for i, s := range n.list {
		fmt.Fprintf(&b, " %v", s)
		if n.unheard>>i&1 != 0 {
			b.WriteByte('?')
		}
	}
	if n.whole {
		b.WriteString(" and round")
	}
	b.WriteString("\n  fingers")
	for _, f := range n.fingers {
		fmt.Fprintf(&b, " 2^%d:%v", octave(n.away(f)), f)
	}
	keys, records := n.shelf.Len()
	fmt.Fprintf(&b, "\n  %d records under %d keys", records, keys)
	return b.String()
}
