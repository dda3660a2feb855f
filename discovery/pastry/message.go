package pastry

import (
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// Kinds of messages.
const (
	kindRoute overlay.Kind = iota + 1
	kindAnswer
	kindAck
	kindExchange
	kindLeave
	kindFetch
	kindRecords
	kindStore
	kindHolds
	kindWants
)

// Bounds of messages. A contact is at most 589 bytes, so that 100 of them, which no message exceeds, are less than
// overlay.MaxMessage.
const (
	maxPath    = 24       // hops of one message
	maxLeaves  = 24       // leaf set: both sides
	maxRows    = 72       // nodes for a newcomer's table
	maxRecords = 72       // as many as a shelf has under one key
	maxBytes   = 40 << 10 // of records: less than overlay.MaxAnswer, as a path may be beside them
	maxItems   = 512      // keys that are compared at once
	maxTook    = 1 << 32  // microseconds
)

// Purpose says what a routed message is for.
type purpose uint8

const (
	toRoute purpose = iota // who is numerically closest to the key?
	toFind                 // what records are there?
	toJoin                 // the origin joins, and the key is its id
)

// A step is a hop on the way of a message: who it was passed on to, and the round trip that the one before it had
// measured some time ago.
type step struct {
	node overlay.Ref
	took uint32 // microseconds
}

func steps(c *overlay.Coder, path *[]step) {
	overlay.List(c, path, maxPath, func(c *overlay.Coder, s *step) {
		c.Ref(&s.node)
		overlay.Number(c, &s.took, maxTook-1)
		if c.Decoding() && s.node.IsZero() {
			c.Reject("a hop to nobody")
		}
	})
}

// routeMessage is passed on from node to node. Each acknowledges it at once; the last answers the origin.
type routeMessage struct {
	purpose  purpose
	number   uint64 // the origin's, not to be guessed
	key      overlay.Key
	want     int // toFind: a replica with so many records may answer; 0: only the closest
	origin   overlay.Ref
	named    bool   // whose leaf set covers the key names the closest and does not pass the message on to it
	timeouts int    // nodes on the way that did not answer
	path     []step // the last is the receiver
	nodes    []overlay.Ref
}

func (*routeMessage) Kind() overlay.Kind { return kindRoute }

func (m *routeMessage) Fields(c *overlay.Coder) {
	overlay.Number(c, &m.purpose, uint64(toJoin))
	c.Uint(&m.number, 1<<64-1)
	c.Key(&m.key)
	overlay.Number(c, &m.want, overlay.MaxProviders)
	c.Ref(&m.origin)
	c.Bool(&m.named)
	overlay.Number(c, &m.timeouts, 1<<16-1)
	steps(c, &m.path)
	c.Refs(&m.nodes, maxRows)
	if c.Decoding() && (m.origin.IsZero() || len(m.path) == 0) {
		c.Reject("a message from nobody or on no way")
	}
}

// answerMessage ends a routed message's way. It goes to the origin, or to somebody who passes it on to the origin.
type answerMessage struct {
	number   uint64
	origin   overlay.Ref
	timeouts int
	path     []step            // not to a newcomer, who has no use for it
	near     []overlay.Ref     // the numerically closest, this node among them; to a newcomer the whole leaf set
	nodes    []overlay.Ref     // to a newcomer: for its routing table
	records  []*overlay.Record // toFind
}

func (*answerMessage) Kind() overlay.Kind { return kindAnswer }

func (m *answerMessage) Fields(c *overlay.Coder) {
	c.Uint(&m.number, 1<<64-1)
	c.Ref(&m.origin)
	overlay.Number(c, &m.timeouts, 1<<16-1)
	steps(c, &m.path)
	c.Refs(&m.near, maxLeaves+1)
	c.Refs(&m.nodes, maxRows)
	c.Records(&m.records, maxRecords)
	if c.Decoding() && m.origin.IsZero() {
		c.Reject("an answer to nobody")
	}
}

// ackMessage says that a question arrived, and whether its receiver does what it asks for.
type ackMessage struct{ taken bool }

func (*ackMessage) Kind() overlay.Kind        { return kindAck }
func (m *ackMessage) Fields(c *overlay.Coder) { c.Bool(&m.taken) }

// exchangeMessage shows a part of the sender's state, and is answered with the receiver's.
type exchangeMessage struct {
	set   set
	row   uint8 // theRow: which
	nodes []overlay.Ref
}

// A set is a part of a node's state.
type set uint8

const (
	theLeaves set = iota
	theRow
	theNeighbours
)

func (*exchangeMessage) Kind() overlay.Kind { return kindExchange }

func (m *exchangeMessage) Fields(c *overlay.Coder) {
	overlay.Number(c, &m.set, uint64(theNeighbours))
	overlay.Number(c, &m.row, idBits-1)
	c.Refs(&m.nodes, neighbourhood)
}

// leaveMessage is a goodbye, with the leaves of who leaves.
type leaveMessage struct{ nodes []overlay.Ref }

func (*leaveMessage) Kind() overlay.Kind        { return kindLeave }
func (m *leaveMessage) Fields(c *overlay.Coder) { c.Refs(&m.nodes, maxLeaves) }

// fetchMessage asks a replica for the records under a key.
type fetchMessage struct{ key overlay.Key }

func (*fetchMessage) Kind() overlay.Kind        { return kindFetch }
func (m *fetchMessage) Fields(c *overlay.Coder) { c.Key(&m.key) }

// recordsMessage answers that.
type recordsMessage struct{ records []*overlay.Record }

func (*recordsMessage) Kind() overlay.Kind        { return kindRecords }
func (m *recordsMessage) Fields(c *overlay.Coder) { c.Records(&m.records, maxRecords) }

// storeMessage asks to keep records. The acknowledgement says whether all are kept.
type storeMessage struct{ records []*overlay.Record }

func (*storeMessage) Kind() overlay.Kind        { return kindStore }
func (m *storeMessage) Fields(c *overlay.Coder) { c.Records(&m.records, maxRecords) }

// An item is a key and a sum of the records under it.
type item struct {
	key overlay.Key
	sum uint64
}

// holdsMessage says what its sender holds. The answer is what its receiver wants of that.
type holdsMessage struct{ items []item }

func (*holdsMessage) Kind() overlay.Kind { return kindHolds }

func (m *holdsMessage) Fields(c *overlay.Coder) {
	overlay.List(c, &m.items, maxItems, func(c *overlay.Coder, i *item) {
		c.Key(&i.key)
		c.Uint(&i.sum, 1<<64-1)
	})
}

// wantsMessage names keys whose records the sender has not, or others.
type wantsMessage struct{ keys []overlay.Key }

func (*wantsMessage) Kind() overlay.Kind { return kindWants }

func (m *wantsMessage) Fields(c *overlay.Coder) {
	overlay.List(c, &m.keys, maxItems, func(c *overlay.Coder, k *overlay.Key) { c.Key(k) })
}

func newMessage(k overlay.Kind) overlay.Message {
	switch k {
	case kindRoute:
		return new(routeMessage)
	case kindAnswer:
		return new(answerMessage)
	case kindAck:
		return new(ackMessage)
	case kindExchange:
		return new(exchangeMessage)
	case kindLeave:
		return new(leaveMessage)
	case kindFetch:
		return new(fetchMessage)
	case kindRecords:
		return new(recordsMessage)
	case kindStore:
		return new(storeMessage)
	case kindHolds:
		return new(holdsMessage)
	case kindWants:
		return new(wantsMessage)
	}
	return nil
}

// hops returns a path as a result tells it.
func hops(path []step) []overlay.Hop {
	list := make([]overlay.Hop, len(path))
	for i, s := range path {
		list[i] = overlay.Hop{Node: s.node, Took: time.Duration(s.took) * time.Microsecond}
	}
	return list
}
