package overlay

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

// sample has a field of each sort.
type sample struct {
	count    uint64
	small    uint8
	yes      bool
	key      Key
	note     []byte
	one, no  Ref
	many     []Ref
	records  []*Record
	numbered []numbered
}

type numbered struct {
	node Ref
	age  uint32
}

func (*sample) Kind() Kind { return 7 }

func (m *sample) Fields(c *Coder) {
	c.Uint(&m.count, 1<<40)
	Number(c, &m.small, 9)
	c.Bool(&m.yes)
	c.Key(&m.key)
	c.Bytes(&m.note, 30)
	c.Ref(&m.one)
	c.Ref(&m.no)
	c.Refs(&m.many, 3)
	c.Records(&m.records, 2)
	List(c, &m.numbered, 2, func(c *Coder, n *numbered) { c.Ref(&n.node); Number(c, &n.age, 1<<20) })
}

func makeSample(k Kind) Message {
	if k == 7 {
		return new(sample)
	}
	return nil
}

// book is a table of nodes in the order in which they were learned. A record whose signature is "forged" is.
type book []Contact

func (b *book) Contact(h Handle) Contact { return (*b)[h-1] }
func (b *book) ContactSize(h Handle) int { return (*b)[h-1].Size() }
func (b *book) ref(id string, v uint8) Ref {
	r, _ := b.Learn(Contact{Peer: peer.ID(id), Virtual: v})
	return r
}

func (b *book) Learn(c Contact) (Ref, error) {
	if c.Peer == "nobody" {
		return Ref{}, errors.New("a peer id that is none")
	}
	for i, have := range *b {
		if have.Peer == c.Peer && have.Virtual == c.Virtual {
			return Ref{PeerKey(c.Peer, c.Virtual), Handle(i + 1)}, nil
		}
	}
	*b = append(*b, c)
	return Ref{PeerKey(c.Peer, c.Virtual), Handle(len(*b))}, nil
}

func (b *book) Verify(r *Record) error {
	if string(r.Signature) == "forged" {
		return errors.New("a signature that is not its publisher's")
	}
	return nil
}

func full(b *book) *sample {
	far, _ := b.Learn(Contact{Peer: "far away", Virtual: 200, Addrs: [][]byte{bytes.Repeat([]byte{1}, MaxAddr), {2}}})
	near := b.ref("near", 0)
	r := &Record{Key: NameKey("k"), Kind: Value, Publisher: "near", Sequence: 1 << 50, Expiry: 1e15, Payload: []byte("v"), Signature: []byte("s")}
	return &sample{1 << 33, 9, true, NameKey("x"), []byte("a note of thirty bytes or less"), near, Ref{}, []Ref{far, near, far},
		[]*Record{r, r}, []numbered{{far, 1 << 20}, {near, 0}}}
}

// What is encoded is decoded as it was, and is as long as Size says.
func TestMessagesComeBack(t *testing.T) {
	b := new(book)
	for _, m := range []*sample{full(b), {note: []byte{}, many: []Ref{}, records: []*Record{}, numbered: []numbered{}}} {
		wire, err := Encode([]byte("before"), m, b)
		if err != nil {
			t.Fatal(err)
		}
		wire = bytes.TrimPrefix(wire, []byte("before"))
		if len(wire) != Size(m, b) {
			t.Errorf("%d bytes, and Size says %d", len(wire), Size(m, b))
		}
		got, err := Decode(wire, makeSample, b)
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, m)
		}
	}
}

// Every beginning of a message, and a message with more behind it, is refused.
func TestCutMessages(t *testing.T) {
	b := new(book)
	wire, err := Encode(nil, full(b), b)
	if err != nil {
		t.Fatal(err)
	}
	for n := range wire {
		if _, err := Decode(wire[:n], makeSample, b); !errors.Is(err, ErrMalformed) {
			t.Fatalf("the first %d bytes: %v", n, err)
		}
	}
	if _, err := Decode(append(wire, 0), makeSample, b); !errors.Is(err, ErrMalformed) {
		t.Errorf("a byte too many: %v", err)
	}
}

// one is a message of one field, so that a table can say its bytes.
type one struct{ fields func(*Coder) }

func (one) Kind() Kind        { return 1 }
func (o one) Fields(c *Coder) { o.fields(c) }

func TestMalformedItems(t *testing.T) {
	var (
		n    uint64
		yes  bool
		b    []byte
		k    Key
		r    Ref
		refs []Ref
		rs   []*Record
	)
	for _, c := range []struct {
		what   string
		fields func(*Coder)
		wire   string
	}{
		{"a number beyond its bound", func(c *Coder) { c.Uint(&n, 5) }, "\x06"},
		{"a number in two bytes that takes one", func(c *Coder) { c.Uint(&n, 50) }, "\x18\x05"},
		{"null for a number", func(c *Coder) { c.Uint(&n, 50) }, "\xf6"},
		{"a negative number", func(c *Coder) { c.Uint(&n, 50) }, "\x20"},
		{"a fraction", func(c *Coder) { c.Uint(&n, 50) }, "\xf9\x3c\x00"},
		{"a tagged number", func(c *Coder) { c.Uint(&n, 50) }, "\xc2\x41\x01"},
		{"null for yes or no", func(c *Coder) { c.Bool(&yes) }, "\xf6"},
		{"bytes beyond their bound", func(c *Coder) { c.Bytes(&b, 2) }, "\x43abc"},
		{"an array of numbers for bytes", func(c *Coder) { c.Bytes(&b, 9) }, "\x83\x01\x02\x03"},
		{"a text for bytes", func(c *Coder) { c.Bytes(&b, 9) }, "\x63abc"},
		{"bytes of no stated length", func(c *Coder) { c.Bytes(&b, 9) }, "\x5f\x41a\xff"},
		{"bytes longer than the message", func(c *Coder) { c.Bytes(&b, 1<<30) }, "\x5a\x3f\xff\xff\xff"},
		{"a short key", func(c *Coder) { c.Key(&k) }, "\x43abc"},
		{"a peer id that is none", func(c *Coder) { c.Ref(&r) }, "\x46nobody\x00\x00"},
		{"too many addresses", func(c *Coder) { c.Ref(&r) }, "\x44near\x00\x05\x41a\x41a\x41a\x41a\x41a"},
		{"nobody in a list", func(c *Coder) { c.Refs(&refs, 3) }, "\x01\x40"},
		{"a list beyond its bound", func(c *Coder) { c.Refs(&refs, 1) }, "\x02\x44near\x00\x00\x44near\x00\x00"},
		{"a list longer than the message", func(c *Coder) { c.Refs(&refs, 1<<30) }, "\x1a\x3f\xff\xff\xff"},
		{"a record of no kind", func(c *Coder) { c.Records(&rs, 1) },
			"\x01\x54aaaaaaaaaaaaaaaaaaaa\x00\x44near\x01\x1a\x3f\xff\xff\xff\x41v\x41s"},
		{"a forged record", func(c *Coder) { c.Records(&rs, 1) },
			"\x01\x54aaaaaaaaaaaaaaaaaaaa\x01\x44near\x01\x1a\x3f\xff\xff\xff\x41v\x46forged"},
	} {
		_, err := Decode([]byte("\x01"+c.wire), func(Kind) Message { return one{c.fields} }, new(book))
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	if _, err := Decode([]byte{8}, makeSample, new(book)); !errors.Is(err, ErrMalformed) {
		t.Errorf("an unknown kind: %v", err)
	}
}

// What is decoded is encoded to the same bytes, as there is one form of each message.
func FuzzDecode(f *testing.F) {
	b := new(book)
	wire, err := Encode(nil, full(b), b)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire)
	f.Fuzz(func(t *testing.T, wire []byte) {
		b := &everybody{}
		m, err := Decode(wire, makeSample, b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%v", err)
			}
			return
		}
		again, err := Encode(nil, m, b)
		if err != nil || !bytes.Equal(again, wire) || Size(m, b) != len(wire) {
			t.Errorf("%x\nis encoded as\n%x, %v, and Size says %d", wire, again, err, Size(m, b))
		}
	})
}

// everybody makes a new node of each contact, so that one with other addresses keeps its own.
type everybody struct{ book }

func (b *everybody) Learn(c Contact) (Ref, error) {
	b.book = append(b.book, c)
	return Ref{PeerKey(c.Peer, c.Virtual), Handle(len(b.book))}, nil
}
