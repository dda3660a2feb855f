package kelips

import "github.com/seed4134be55/peer/discovery/overlay"

// The kinds of messages.
const (
	kindGossip overlay.Kind = iota + 1
	kindJoin
	kindWelcome
	kindLookup
	kindFound
	kindStore
	kindStored
	kindPull
	kindPage
	kindLeave
)

// Bounds of messages. The largest contact takes 590 bytes on the wire and the largest record 1,270, so that no message
// comes near overlay.MaxMessage.
const (
	maxTold    = 16 // nodes in gossip
	maxWelcome = 96 // nodes in a welcome
	maxNamed   = 4  // nodes in an answer to a lookup
	maxTuples  = 8  // records in gossip
	maxRecords = 72 // records in an answer: as many as are kept of a key; and no more than overlay.MaxAnswer bytes
	maxPage    = 400
	maxAge     = 1 << 20
)

// told is a node that the sender has heard from itself, and how long ago it lived for certain.
type told struct {
	node overlay.Ref
	age  uint32 // of its youngest heartbeat that the sender knows of, in ticks
}

// gossip is what two nodes tell each other in a round, both as question and as answer. The sender's own heartbeat, with
// age 0, is that it sends.
type gossip struct {
	nodes  []told
	tuples []*overlay.Record
}

func (*gossip) Kind() overlay.Kind { return kindGossip }
func (m *gossip) Fields(c *overlay.Coder) {
	overlay.List(c, &m.nodes, maxTold, toldFields)
	c.Records(&m.tuples, maxTuples)
}

func toldFields(c *overlay.Coder, t *told) {
	c.Ref(&t.node)
	overlay.Number(c, &t.age, maxAge)
	if c.Decoding() && t.node.IsZero() {
		c.Reject("news of nobody")
	}
}

// join asks for nodes to begin with: those of the sender's group first.
type join struct{}

func (*join) Kind() overlay.Kind    { return kindJoin }
func (*join) Fields(*overlay.Coder) {}

// welcome answers join.
type welcome struct{ nodes []told }

func (*welcome) Kind() overlay.Kind { return kindWelcome }
func (m *welcome) Fields(c *overlay.Coder) {
	overlay.List(c, &m.nodes, maxWelcome, toldFields)
}

// lookup asks who keeps key, and for its records.
type lookup struct {
	key     overlay.Key
	records bool
}

func (*lookup) Kind() overlay.Kind { return kindLookup }
func (m *lookup) Fields(c *overlay.Coder) {
	c.Key(&m.key)
	c.Bool(&m.records)
}

// found answers lookup: whether the sender keeps the key, others who do, and the records.
type found struct {
	home    bool
	nodes   []overlay.Ref
	records []*overlay.Record
}

func (*found) Kind() overlay.Kind { return kindFound }
func (m *found) Fields(c *overlay.Coder) {
	c.Bool(&m.home)
	c.Refs(&m.nodes, maxNamed)
	c.Records(&m.records, maxRecords)
}

// store hands over records of one key.
type store struct{ records []*overlay.Record }

func (*store) Kind() overlay.Kind        { return kindStore }
func (m *store) Fields(c *overlay.Coder) { c.Records(&m.records, maxRecords) }

// stored answers store: how many of the records the sender keeps now, and who else keeps the key.
type stored struct {
	kept  uint8
	nodes []overlay.Ref
}

func (*stored) Kind() overlay.Kind { return kindStored }
func (m *stored) Fields(c *overlay.Coder) {
	overlay.Number(c, &m.kept, maxRecords)
	c.Refs(&m.nodes, maxNamed)
}

// pull asks for the records whose keys the sender of pull is to keep, from a key on.
type pull struct{ from overlay.Key }

func (*pull) Kind() overlay.Kind        { return kindPull }
func (m *pull) Fields(c *overlay.Coder) { c.Key(&m.from) }

// page answers pull, in the order of the keys. If there are more, next is where to go on.
type page struct {
	records []*overlay.Record
	more    bool
	next    overlay.Key
}

func (*page) Kind() overlay.Kind { return kindPage }
func (m *page) Fields(c *overlay.Coder) {
	c.Records(&m.records, maxPage)
	c.Bool(&m.more)
	c.Key(&m.next)
}

// leave says goodbye.
type leave struct{}

func (*leave) Kind() overlay.Kind    { return kindLeave }
func (*leave) Fields(*overlay.Coder) {}

func newMessage(k overlay.Kind) overlay.Message {
	switch k {
	case kindGossip:
		return new(gossip)
	case kindJoin:
		return new(join)
	case kindWelcome:
		return new(welcome)
	case kindLookup:
		return new(lookup)
	case kindFound:
		return new(found)
	case kindStore:
		return new(store)
	case kindStored:
		return new(stored)
	case kindPull:
		return new(pull)
	case kindPage:
		return new(page)
	case kindLeave:
		return new(leave)
	}
	return nil
}
