package machine

import "github.com/seed4134be55/peer/discovery/overlay"

// Messages on the wire (§2.3). PING is a store of nothing: whoever answers lives.
const (
	kindFind overlay.Kind = iota + 1
	kindFound
	kindStore
	kindStored
)

// find asks for the k closest nodes to a key, and for the records under it: FIND_NODE and FIND_VALUE in one, as records
// are a set that is collected from several holders.
type find struct {
	key     overlay.Key
	records bool
}

// found answers find.
type found struct {
	closest []overlay.Ref
	records []*overlay.Record
}

// store asks to keep records.
type store struct{ records []*overlay.Record }

// stored answers store: how many of the records are kept now.
type stored struct{ kept uint8 }

func (*find) Kind() overlay.Kind   { return kindFind }
func (*found) Kind() overlay.Kind  { return kindFound }
func (*store) Kind() overlay.Kind  { return kindStore }
func (*stored) Kind() overlay.Kind { return kindStored }

// maxRecords bounds the records in one message.
const maxRecords = overlay.MaxProviders + overlay.MaxWriters

func (m *find) Fields(c *overlay.Coder)   { c.Key(&m.key); c.Bool(&m.records) }
func (m *found) Fields(c *overlay.Coder)  { c.Refs(&m.closest, maxK); c.Records(&m.records, maxRecords) }
func (m *store) Fields(c *overlay.Coder)  { c.Records(&m.records, maxRecords) }
func (m *stored) Fields(c *overlay.Coder) { overlay.Number(c, &m.kept, maxRecords) }

func newMessage(k overlay.Kind) overlay.Message {
	switch k {
	case kindFind:
		return new(find)
	case kindFound:
		return new(found)
	case kindStore:
		return new(store)
	case kindStored:
		return new(stored)
	}
	return nil
}
