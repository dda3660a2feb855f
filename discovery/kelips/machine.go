package kelips

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	"unsafe"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A Node is one node of Kelips. It implements overlay.Machine.
type Node struct {
	config *Config // shared by all nodes of a driver
	self   overlay.Ref
	group  int
	rand   *rand.Rand
	epoch  overlay.Time

	// table holds view and contacts, and who may become one, in the order of their ids: so each group's are together.
	table []entry
	mates int // met nodes of our group
	loose int // entries that are hearsay or dead
	news  []news

	round     uint32 // counts rounds
	challenge uint32 // the round from which on a contact may be challenged
	introduce uint32 // the round from which on a node that we only came across is asked

	seeds   []overlay.Ref // known at the start
	seed    int           // the next to try
	joining bool
	idle    bool           // before Start and after Stop
	waiting []overlay.Call // operations that wait for the end of joining

	shelf    overlay.Shelf
	fresh    []rumour      // records that are new here
	turn     []overlay.Key // keys whose records are still to be passed on in this turn
	nextTurn uint32        // the round from which on another may begin
	bare     bool          // our group's records have not been pulled
	pulling  bool
	strays   []overlay.Key // keys that are not ours to keep
	moving   bool          // the records of one of them, moved, are on their way
	moved    overlay.Key

	searches []*search
	serial   uint64
	lost     overlay.Lost

	now overlay.Time // during a step
	out *overlay.Actions
}

// What a Tag is about is in its top byte; the rest of a search's is its serial number.
const (
	tagGossip overlay.Tag = (iota + 1) << 56
	tagJoin
	tagMates // join, of a node of our group
	tagPull
	tagMove
	tagSearch

	tagKind overlay.Tag = 0xff << 56
)

// patience is how long a question waits for its answer. Dialling a peer that is far away takes a few round trips.
const patience = 2 * time.Second

// timerRound is the one timer: the next round.
var timerRound = overlay.Timer{Kind: 1}

func newNode(c *Config, self overlay.Ref, r *rand.Rand) *Node {
	return &Node{config: c, self: self, group: c.group(self.ID), rand: r, idle: true}
}

// Step implements overlay.Machine.
func (n *Node) Step(now overlay.Time, ev overlay.Event, out *overlay.Actions) {
	n.now, n.out = now, out
	switch ev := ev.(type) {
	case overlay.Start:
		n.onStart(ev)
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
	if n.idle {
		return
	}
	if _, leaving := ev.Msg.(*leave); leaving {
		n.onLeave(ev.From)
		return
	}
	n.spoke(ev.From, 0)
	switch m := ev.Msg.(type) {
	case *gossip:
		n.onGossip(m)
		n.answer(ev.Reply, n.telling(ev.From))
	case *join:
		n.answer(ev.Reply, n.welcoming(ev.From))
	case *lookup:
		n.answer(ev.Reply, n.finding(m))
	case *store:
		n.answer(ev.Reply, n.storing(m))
	case *pull:
		n.answer(ev.Reply, n.paging(ev.From, m.from))
	}
}

func (n *Node) answer(to overlay.ReplyTo, m overlay.Message) {
	if to != 0 {
		n.out.Reply(to, m)
	}
}

func (n *Node) onAnswered(ev overlay.Answered) {
	if n.idle {
		return
	}
	n.spoke(ev.From, ev.Took)
	switch m := ev.Msg.(type) {
	case *gossip:
		n.onGossip(m)
	case *welcome:
		n.onWelcome(ev.From, ev.Tag, m)
	case *found:
		n.onFound(ev, m)
	case *stored:
		n.onStored(ev, m)
	case *page:
		n.onPage(ev.From, m)
	default:
		n.onUnreachable(overlay.Unreachable{Node: ev.From, Tag: ev.Tag})
	}
}

func (n *Node) onUnreachable(ev overlay.Unreachable) {
	if n.idle {
		return
	}
	n.silent(ev.Node)
	switch ev.Tag & tagKind {
	case tagJoin:
		n.joinNext()
	case tagPull:
		n.pulling = false
	case tagMove:
		n.moving = false
	case tagSearch:
		n.onNoAnswer(ev)
	}
}

// Refs implements overlay.Machine.
func (n *Node) Refs(yield func(overlay.Ref) bool) {
	for i := range n.table {
		if !yield(n.table[i].ref) {
			return
		}
	}
	for _, r := range n.seeds {
		if !yield(r) {
			return
		}
	}
	done := false
	n.lost.Refs(func(r overlay.Ref) bool { done = !yield(r); return !done })
	for i := 0; i < len(n.searches) && !done; i++ {
		done = !n.searches[i].refs(yield)
	}
}

// Keeps implements overlay.Machine.
func (n *Node) Keeps(key overlay.Key) bool { return n.shelf.Keeps(key) }

// Census implements overlay.Machine.
func (n *Node) Census() overlay.Census {
	var c overlay.Census
	for i := range n.table {
		if n.table[i].state != dead {
			c.Peers++
		}
	}
	c.Keys, c.Records = n.shelf.Len()
	c.Bytes = int(unsafe.Sizeof(*n)) + cap(n.table)*int(unsafe.Sizeof(entry{})) + n.shelf.Bytes()
	return c
}

// String implements overlay.Machine: the view, the contacts by group and the keys. Hearsay has a question mark, the dead
// are left out.
func (n *Node) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "group %d of %d, view:", n.group, n.config.Groups)
	lo, hi := n.bounds(n.group)
	list := func(es []entry) {
		for i := range es {
			switch e := &es[i]; e.state {
			case met:
				fmt.Fprintf(&b, " %v", e.ref)
			case hearsay:
				fmt.Fprintf(&b, " %v?", e.ref)
			}
		}
	}
	list(n.table[lo:hi])
	b.WriteString("\ncontacts:")
	for g := range n.config.Groups {
		if lo, hi := n.bounds(g); g != n.group && lo < hi {
			fmt.Fprintf(&b, " %d:", g)
			list(n.table[lo:hi])
		}
	}
	b.WriteString("\nkeys:")
	for _, k := range n.shelf.Keys() {
		fmt.Fprintf(&b, " %s", k.Short())
	}
	return b.String() + "\n"
}
