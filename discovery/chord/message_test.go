package chord

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// book knows every peer by its number, and takes a record's signature to be "signed".
type book struct{}

func (book) Contact(h overlay.Handle) overlay.Contact {
	return overlay.Contact{Peer: peer.ID(fmt.Sprintf("peer %d", h)), Addrs: [][]byte{{4, 127, 0, 0, 1}}}
}
func (b book) ContactSize(h overlay.Handle) int { return b.Contact(h).Size() }

func (book) Learn(c overlay.Contact) (overlay.Ref, error) {
	var n uint32
	if _, err := fmt.Sscanf(string(c.Peer), "peer %d", &n); err != nil || n == 0 {
		return overlay.Ref{}, errors.New("unknown peer")
	}
	return ref(n), nil
}

func (book) Verify(r *overlay.Record) error {
	if string(r.Signature) != "signed" {
		return errors.New("not signed")
	}
	return nil
}

func ref(n uint32) overlay.Ref {
	return overlay.Ref{ID: overlay.PeerKey(peer.ID(fmt.Sprintf("peer %d", n)), 0), Handle: overlay.Handle(n)}
}

func record(n int) *overlay.Record {
	return &overlay.Record{
		Key: keyNumber(n), Kind: overlay.Value, Publisher: "peer 1", Sequence: 1, Expiry: overlay.Time(time.Hour), Payload: []byte("v"),
		Signature: []byte("signed"),
	}
}

func refs(n int) (rs []overlay.Ref) {
	for i := range n {
		rs = append(rs, ref(uint32(i+1)))
	}
	return rs
}

// messages are one of each kind, with something in each field.
func messages() []overlay.Message {
	k, rs := keyNumber(1), []*overlay.Record{record(1), record(2)}
	return []overlay.Message{
		&locate{k, 4}, &located{true, refs(maxNamed)}, &fetch{k, maxFound}, &fetched{true, refs(3), rs}, &store{true, rs},
		&stored{true, refs(maxSuccessors), 2}, neighbours{}, &neighbourhood{ref(9), true, refs(maxSuccessors)}, ping{}, pong{},
		&introduce{ref(3), 7}, introduced{}, &offer{k, keyNumber(2), true, 5, []item{{k, 1 << 63}}}, &offered{true, []overlay.Key{k}, rs},
		notify{}, &leave{ref(2), refs(5)},
	}
}

// Every message comes back as it was sent, has a number of its own, and is as long as its size says.
func TestMessages(t *testing.T) {
	for i, m := range messages() {
		if m.Kind() != overlay.Kind(i+1) {
			t.Errorf("%T is of kind %d", m, m.Kind())
		}
		b, err := overlay.Encode(nil, m, book{})
		if err != nil || len(b) != overlay.Size(m, book{}) {
			t.Fatalf("%T: %d bytes, %d expected, %v", m, len(b), overlay.Size(m, book{}), err)
		}
		back, err := overlay.Decode(b, newMessage, book{})
		if err != nil {
			t.Fatalf("%T: %v", m, err)
		}
		if again, _ := overlay.Encode(nil, back, book{}); !bytes.Equal(again, b) {
			t.Errorf("%+v came back as %+v", m, back)
		}
		if _, err := overlay.Decode(b[:len(b)-1], newMessage, book{}); !errors.Is(err, overlay.ErrMalformed) && len(b) > 1 {
			t.Errorf("%T: cut short: %v", m, err)
		}
	}
	if newMessage(0) != nil || newMessage(kindLeave+1) != nil {
		t.Error("there are more kinds")
	}
}

// What is too much, or not signed, is malformed.
func TestMessageBounds(t *testing.T) {
	forged := *record(1)
	forged.Signature = []byte("forged")
	for _, m := range []overlay.Message{
		&locate{Skip: maxSkip + 1}, &located{Nodes: refs(maxNamed + 1)}, &fetch{Most: maxFound + 1},
		&stored{Nodes: refs(maxSuccessors + 1)}, &neighbourhood{List: refs(maxSuccessors + 1)}, &introduce{}, &introduce{ref(1), maxSteps + 1},
		&offer{Items: make([]item, maxItems+1)}, &offered{Want: make([]overlay.Key, maxItems+1)},
		&store{Records: []*overlay.Record{&forged}}, &leave{List: refs(maxSuccessors + 1)},
	} {
		b, err := overlay.Encode(nil, m, book{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := overlay.Decode(b, newMessage, book{}); !errors.Is(err, overlay.ErrMalformed) {
			t.Errorf("%T: %v", m, err)
		}
	}
}

// The longest messages are not too long: eight long addresses a node are the driver's to choose, four of 128 bytes here.
func TestLongestMessage(t *testing.T) {
	var rs []*overlay.Record
	for i := range maxFound {
		r := record(i)
		r.Payload, r.Signature = make([]byte, overlay.MaxPayload), make([]byte, overlay.MaxSignature)
		rs = append(rs, r)
	}
	for _, m := range []overlay.Message{
		&fetched{true, refs(maxNamed), fit(rs, maxFound)}, &store{true, fit(rs, maxBatch)}, &neighbourhood{ref(1), true, refs(maxSuccessors)},
		&offered{true, make([]overlay.Key, maxItems), fit(rs, maxBatch)}, &stored{true, refs(maxSuccessors), 1},
	} {
		if n := overlay.Size(m, crowded{}); n > overlay.MaxMessage {
			t.Errorf("%T: %d bytes", m, n)
		}
	}
}

// crowded has contacts as long as they may be.
type crowded struct{ book }

func (crowded) ContactSize(overlay.Handle) int {
	long := make([]byte, overlay.MaxAddr)
	return overlay.Contact{Peer: peer.ID(make([]byte, overlay.MaxPeerID)), Virtual: 255, Addrs: [][]byte{long, long, long, long}}.Size()
}

// Whatever bytes come, decoding ends; what it takes for a message can be said again; and no node minds it.
func FuzzDecode(f *testing.F) {
	for _, m := range messages() {
		b, err := overlay.Encode(nil, m, book{})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := overlay.Decode(b, newMessage, book{})
		if err != nil {
			if !errors.Is(err, overlay.ErrMalformed) {
				t.Error(err)
			}
			return
		}
		again, err := overlay.Encode(nil, m, book{}) // with the addresses that the book has
		if err != nil {
			t.Fatal(err)
		}
		back, err := overlay.Decode(again, newMessage, book{})
		if err != nil {
			t.Fatalf("%x became %x, %v", b, again, err)
		}
		if third, _ := overlay.Encode(nil, back, book{}); !bytes.Equal(third, again) {
			t.Errorf("%x became %x", again, third)
		}
		n := small(t, sha256.Sum256(b))
		var out overlay.Actions
		n.Step(1, overlay.Received{From: ref(5), Msg: m, Reply: 1}, &out)
		for kind := tagLookup >> 56; kind <= tagDetail>>56; kind++ {
			n.Step(2, overlay.Answered{From: n.head(), Tag: kind<<56 | 1, Msg: m}, &out)
		}
	})
}
