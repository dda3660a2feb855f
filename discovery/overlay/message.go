package overlay

import (
	"bytes"
	"fmt"

	"github.com/fxamacker/cbor/v2"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/fault"
)

// MaxMessage bounds an encoded message, in bytes. A machine's lists are bounded so that it is never reached.
const MaxMessage = 64 << 10

// A Message is what one node says to another.
type Message interface {
	// Kind is the message's number on the wire, different for each type of message of an overlay.
	Kind() Kind
	// Fields tells c of each field, in the order in which they stand on the wire, with its bounds.
	Fields(c *Coder)
}

// A Kind says what a message is. Kinds are numbered from 1.
type Kind uint8

// ErrMalformed is what is wrong with a message that cannot be decoded.
var ErrMalformed = fault.New(fault.Corrupt, "malformed message")

// A Book is a driver's table of nodes, by which a Coder turns handles into what means something to others.
type Book interface {
	// Contact returns what is said of a node on the wire. The handle is not zero.
	Contact(Handle) Contact
	// ContactSize returns the encoded size of that, in bytes.
	ContactSize(Handle) int
	// Learn returns the Ref of a node that a message tells of. It makes a new one if there was none.
	Learn(Contact) (Ref, error)
	// Verify checks that a record was signed by its publisher.
	Verify(*Record) error
}

// A Contact is a node on the wire: from its peer's id follows its own, and where to find it are hints.
type Contact struct {
	Peer    peer.ID
	Virtual uint8    // which of the peer's nodes
	Addrs   [][]byte // binary multiaddrs, up to MaxAddrs of MaxAddr bytes
}

// Bounds of contacts.
const (
	MaxPeerID = 64  // bytes
	MaxAddrs  = 4   // of one contact
	MaxAddr   = 128 // bytes
)

// Size returns the encoded size of a contact.
func (ct Contact) Size() int {
	n := bytesSize(len(ct.Peer)) + uintSize(uint64(ct.Virtual)) + uintSize(uint64(len(ct.Addrs)))
	for _, a := range ct.Addrs {
		n += bytesSize(len(a))
	}
	return n
}

// Encode appends m to b: a CBOR sequence (RFC 8742) of its kind and its fields.
func Encode(b []byte, m Message, book Book) ([]byte, error) {
	c := Coder{mode: encoding, book: book}
	c.out.Write(b)
	kind := uint64(m.Kind())
	c.Uint(&kind, 255)
	m.Fields(&c)
	if c.err == nil && c.out.Len()-len(b) > MaxMessage {
		c.fail("%d bytes, at most %d", c.out.Len()-len(b), MaxMessage)
	}
	return c.out.Bytes(), c.err
}

// Size returns how long Encode's result is, without making it.
func Size(m Message, book Book) int {
	c := Coder{mode: sizing, book: book, size: uintSize(uint64(m.Kind()))}
	m.Fields(&c)
	return c.size
}

// Decode returns the message in b. make returns an empty message of a kind, or nil. The error wraps ErrMalformed.
func Decode(b []byte, make func(Kind) Message, book Book) (Message, error) {
	if len(b) > MaxMessage {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrMalformed, len(b), MaxMessage)
	}
	c := Coder{mode: decoding, book: book, in: b}
	var kind uint64
	c.Uint(&kind, 255)
	if c.err != nil {
		return nil, c.err
	}
	m := make(Kind(kind))
	if m == nil {
		return nil, fmt.Errorf("%w: no message of kind %d", ErrMalformed, kind)
	}
	m.Fields(&c)
	if c.err == nil && len(c.in) > 0 {
		c.fail("%d bytes after its end", len(c.in))
	}
	if c.err != nil {
		return nil, c.err
	}
	return m, nil
}

// A Look is at what is in a message: for what stands between machines, such as a test's peer that lies.
type Look struct { // what is nil is not looked at
	Key     func(*Key)       // each key in it
	Ref     func(*Ref)       // each node, or nobody
	Records func(*[]*Record) // each list of records
}

// At looks at m.
func (l Look) At(m Message) { m.Fields(&Coder{mode: looking, look: &l}) }

// A Coder encodes, decodes or measures a message, by what the message says of its fields. Only the shortest form of each
// item is decoded. After a failure its methods do nothing.
type Coder struct {
	mode coderMode
	book Book
	out  bytes.Buffer // encoding
	in   []byte       // decoding: what is left
	size int          // sizing
	look *Look        // looking
	err  error
}

type coderMode uint8

const (
	encoding coderMode = iota
	decoding
	sizing
	looking
)

// Decoding reports whether fields are being filled, for a message with a rule of its own to check (see Reject).
func (c *Coder) Decoding() bool { return c.mode == decoding && c.err == nil }

// Reject makes the message malformed.
func (c *Coder) Reject(why string) { c.fail("%s", why) }

func (c *Coder) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
	}
}

// Uint is a number up to max.
func (c *Coder) Uint(v *uint64, max uint64) {
	c.item(v, uintSize(*v))
	if c.Decoding() && *v > max {
		c.fail("%d, at most %d", *v, max)
	}
}

// Number is a number up to max of any integer type.
func Number[T ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~int64 | ~int](c *Coder, v *T, max uint64) {
	n := uint64(*v)
	c.Uint(&n, max)
	if c.Decoding() { // what is encoded is shared, and read by others meanwhile
		*v = T(n)
	}
}

// Bool is yes or no.
func (c *Coder) Bool(v *bool) { c.item(v, 1) }

// Bytes is a string of up to max bytes.
func (c *Coder) Bytes(v *[]byte, max int) {
	c.item(v, bytesSize(len(*v)))
	if c.Decoding() && len(*v) > max {
		c.fail("%d bytes, at most %d", len(*v), max)
	}
}

// Key is a key.
func (c *Coder) Key(k *Key) {
	switch c.mode {
	case sizing:
		c.size += bytesSize(len(k))
		return
	case looking:
		if c.look.Key != nil {
			c.look.Key(k)
		}
		return
	}
	b := k[:]
	if c.mode == decoding {
		b = nil
	}
	c.Bytes(&b, len(k))
	if c.Decoding() && copy(k[:], b) < len(k) {
		c.fail("a key of %d bytes", len(b))
	}
}

// Ref is a node, or nobody: an empty string.
func (c *Coder) Ref(r *Ref) {
	switch {
	case c.mode == looking:
		if c.look.Ref != nil {
			c.look.Ref(r)
		}
		return
	case c.mode == sizing && r.IsZero():
		c.size++
		return
	case c.mode == sizing:
		c.size += c.book.ContactSize(r.Handle)
		return
	}
	var contact Contact
	if c.mode == encoding && !r.IsZero() {
		contact = c.book.Contact(r.Handle)
	}
	id := []byte(contact.Peer)
	c.Bytes(&id, MaxPeerID)
	if c.err != nil || len(id) == 0 {
		return
	}
	contact.Peer = peer.ID(id)
	Number(c, &contact.Virtual, 255)
	List(c, &contact.Addrs, MaxAddrs, func(c *Coder, a *[]byte) { c.Bytes(a, MaxAddr) })
	if c.Decoding() {
		var err error
		if *r, err = c.book.Learn(contact); err != nil {
			c.fail("%v", err)
		}
	}
}

// Refs is up to max nodes, none of them nobody.
func (c *Coder) Refs(rs *[]Ref, max int) {
	List(c, rs, max, func(c *Coder, r *Ref) {
		c.Ref(r)
		if c.Decoding() && r.IsZero() {
			c.fail("a list with nobody in it")
		}
	})
}

// Records is up to max records, each signed by its publisher.
func (c *Coder) Records(rs *[]*Record, max int) {
	if c.mode == looking {
		if c.look.Records != nil {
			c.look.Records(rs)
		}
		return
	}
	List(c, rs, max, (*Coder).Record)
}

// Record is one record, signed by its publisher.
func (c *Coder) Record(r **Record) {
	switch c.mode {
	case looking:
		return
	case decoding:
		*r = new(Record)
	}
	(*r).fields(c)
	if c.Decoding() {
		if err := c.book.Verify(*r); err != nil {
			c.fail("%v", err)
		}
	}
}

// List is up to max items, each described by item.
func List[T any](c *Coder, list *[]T, max int, item func(*Coder, *T)) {
	n := uint64(len(*list))
	c.Uint(&n, uint64(max))
	if c.Decoding() {
		if n > uint64(len(c.in)) { // each item is a byte at least
			c.fail("a list of %d items in %d bytes", n, len(c.in))
			return
		}
		*list = make([]T, n)
	}
	for i := range *list {
		if c.err != nil {
			return
		}
		item(c, &(*list)[i])
	}
}

// item encodes, decodes or measures one item of CBOR. size is its size if v is what it will be.
func (c *Coder) item(v any, size int) {
	switch {
	case c.err != nil || c.mode == looking:
	case c.mode == sizing:
		c.size += size
	case c.mode == encoding:
		if err := encoder.MarshalToBuffer(v, &c.out); err != nil {
			c.fail("%v", err)
		}
	default:
		c.decode(v)
	}
}

func (c *Coder) decode(v any) {
	rest, err := decoder.UnmarshalFirst(c.in, v)
	if err != nil {
		c.fail("%v", err)
		return
	}
	var fits bool // of the type that it is to be (RFC 8949, §3.1), as the library converts others
	var shortest int
	switch v := v.(type) {
	case *uint64:
		fits, shortest = c.in[0]>>5 == 0, uintSize(*v)
	case *[]byte:
		fits, shortest = c.in[0]>>5 == 2, bytesSize(len(*v))
	case *bool:
		fits, shortest = c.in[0]&^1 == 0xf4, 1
	}
	if taken := len(c.in) - len(rest); !fits || taken != shortest {
		c.fail("an item that begins with %#x in %d bytes", c.in[0], taken)
		return
	}
	c.in = rest
}

var (
	encoder = must(cbor.EncOptions{NilContainers: cbor.NilContainerAsEmpty}.UserBufferEncMode())
	decoder = must(cbor.DecOptions{
		IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden, MaxNestedLevels: 4, MaxArrayElements: 16, MaxMapPairs: 16,
	}.DecMode())
)

func must[T any](t T, err error) T {
	if err != nil {
		panic(err) // the options contradict each other
	}
	return t
}

// uintSize is the size of an unsigned integer in CBOR (RFC 8949, §3.1).
func uintSize(n uint64) int {
	switch {
	case n < 24:
		return 1
	case n < 1<<8:
		return 2
	case n < 1<<16:
		return 3
	case n < 1<<32:
		return 5
	}
	return 9
}

func bytesSize(n int) int { return uintSize(uint64(n)) + n }
