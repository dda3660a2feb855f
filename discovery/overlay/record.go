package overlay

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// A Record is what one publisher says under a key, signed. Records are immutable: machines and messages share them.
type Record struct {
	Key       Key
	Kind      RecordKind
	Publisher peer.ID
	Sequence  uint64 // of two records of one publisher, key and kind the higher counts
	Expiry    Time   // whole milliseconds
	Payload   []byte
	Signature []byte
}

// RecordKind says what a record's payload is.
type RecordKind uint8

// What a Record may be.
const (
	// Provider says that the publisher has the content. The payload is where to find it: see AppendAddrs.
	Provider RecordKind = iota + 1
	// Value is what a user stored.
	Value
)

// Bounds of records.
const (
	MaxPayload   = 1 << 10        // bytes
	MaxSignature = 128            // bytes
	MaxLifetime  = 48 * time.Hour // from when a node is told of a record to its expiry
)

const maxMillis = 1 << 43 // in the year 2248, which a Time can still hold

func (r *Record) fields(c *Coder) {
	c.Key(&r.Key)
	Number(c, &r.Kind, uint64(Value))
	publisher := []byte(r.Publisher)
	c.Bytes(&publisher, MaxPeerID)
	c.Uint(&r.Sequence, 1<<63)
	millis := uint64(time.Duration(r.Expiry) / time.Millisecond)
	c.Uint(&millis, maxMillis)
	c.Bytes(&r.Payload, MaxPayload)
	c.Bytes(&r.Signature, MaxSignature)
	if c.Decoding() {
		r.Publisher, r.Expiry = peer.ID(publisher), Time(time.Duration(millis)*time.Millisecond)
		if r.Kind == 0 || len(publisher) == 0 {
			c.Reject("a record of no kind or of nobody")
		}
	}
}

// Signed returns the bytes that a record's signature is of: a CBOR sequence of "peer record", the network's name and all
// fields before the signature. So a record counts for one key of one network.
func (r *Record) Signed(network string) []byte {
	c := Coder{mode: encoding}
	for _, word := range []string{"peer record", network} {
		b := []byte(word)
		c.Bytes(&b, len(b))
	}
	unsigned := *r
	unsigned.Signature = nil
	unsigned.fields(&c)
	return c.out.Bytes()
}

// same reports whether o is of the same publisher, about the same.
func (r *Record) same(o *Record) bool {
	return r.Kind == o.Kind && r.Publisher == o.Publisher && r.Key == o.Key
}

// Merge appends to have each record of more that is new, puts one of more in the place of an older one of the same
// publisher, and returns the result. It changes have in place.
func Merge(have, more []*Record) []*Record {
next:
	for _, r := range more {
		for i, h := range have {
			if h.same(r) {
				if r.Sequence > h.Sequence {
					have[i] = r
				}
				continue next
			}
		}
		have = append(have, r)
	}
	return have
}

// MaxAnswer bounds the records in one message, in bytes: they leave room for what else is in it.
const MaxAnswer = 48 << 10

// Fit returns the first of rs that take at most room bytes on the wire.
func Fit(rs []*Record, room int) []*Record {
	for i, r := range rs {
		c := Coder{mode: sizing}
		r.fields(&c)
		if room -= c.size; room < 0 {
			return rs[:i]
		}
	}
	return rs
}
