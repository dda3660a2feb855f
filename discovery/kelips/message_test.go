package kelips

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// book is a table of nodes in the order in which they were learned. All signatures are right.
type book []overlay.Contact

func (b *book) Contact(h overlay.Handle) overlay.Contact { return (*b)[h-1] }
func (b *book) ContactSize(h overlay.Handle) int         { return (*b)[h-1].Size() }
func (b *book) Verify(*overlay.Record) error             { return nil }

func (b *book) Learn(c overlay.Contact) (overlay.Ref, error) {
	for i, have := range *b {
		if have.Peer == c.Peer && have.Virtual == c.Virtual {
			return overlay.Ref{ID: overlay.PeerKey(c.Peer, c.Virtual), Handle: overlay.Handle(i + 1)}, nil
		}
	}
	*b = append(*b, c)
	return overlay.Ref{ID: overlay.PeerKey(c.Peer, c.Virtual), Handle: overlay.Handle(len(*b))}, nil
}

// large returns each message as large as it gets: lists full of the largest contacts and records, but for records in
// answers, which are fitted.
func large(b *book) []overlay.Message { return messages(b, 1000) }

// messages returns one of each, with up to most items in each list.
func messages(b *book, most int) []overlay.Message {
	addrs := make([][]byte, overlay.MaxAddrs)
	for i := range addrs {
		addrs[i] = make([]byte, overlay.MaxAddr)
	}
	ref := func(i int) overlay.Ref {
		id := make([]byte, overlay.MaxPeerID)
		id[0], id[1] = byte(i), byte(i>>8)
		r, _ := b.Learn(overlay.Contact{Peer: peer.ID(id), Virtual: 255, Addrs: addrs})
		return r
	}
	refs := func(n int) (rs []overlay.Ref) {
		for i := range min(n, most) {
			rs = append(rs, ref(i))
		}
		return rs
	}
	tell := func(n int) (ts []told) {
		for i := range min(n, most) {
			ts = append(ts, told{ref(i), maxAge})
		}
		return ts
	}
	records := func(n int) (rs []*overlay.Record) {
		for range min(n, most) {
			rs = append(rs, &overlay.Record{Key: key(n), Kind: overlay.Value, Publisher: peer.ID(make([]byte, overlay.MaxPeerID)),
				Sequence: 1 << 63, Expiry: overlay.At(time.Unix(8e9, 0)), Payload: make([]byte, overlay.MaxPayload),
				Signature: make([]byte, overlay.MaxSignature)})
		}
		return rs
	}
	answer := overlay.Fit(records(maxRecords), overlay.MaxAnswer)
	return []overlay.Message{
		&gossip{tell(maxTold), records(maxTuples)}, &join{}, &welcome{tell(maxWelcome)}, &lookup{key(1), true},
		&found{true, refs(maxNamed), answer}, &store{answer}, &stored{maxRecords, refs(maxNamed)},
		&pull{key(2)}, &page{answer, true, key(3)}, &leave{},
	}
}

// Each message comes out as it went in, and is short enough at its largest.
func TestMessages(t *testing.T) {
	var b book
	for _, m := range large(&b) {
		raw, err := overlay.Encode(nil, m, &b)
		if err != nil || len(raw) != overlay.Size(m, &b) {
			t.Errorf("%T: %d bytes, measured %d: %v", m, len(raw), overlay.Size(m, &b), err)
			continue
		}
		if got, err := overlay.Decode(raw, newMessage, &b); err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%T: %v", m, err)
		}
	}
}

// sizeOf is an upper bound, and not far off.
func TestSizeOf(t *testing.T) {
	var b book
	for _, m := range large(&b) {
		if m, ok := m.(*store); ok {
			size := overlay.Size(&store{m.records[:1]}, &b)
			if got := sizeOf(m.records[0]); got < size || got > size+20 {
				t.Errorf("%d for %d bytes", got, size)
			}
		}
	}
}

// Whatever a stranger sends, it is refused or one of the messages, and what a machine makes of those stays in its bounds.
func FuzzDecode(f *testing.F) {
	var b book
	for _, m := range messages(&b, 1) { // the fuzzer is slow with long ones
		raw, err := overlay.Encode(nil, m, &b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := make(book, 1, 8)
		b[0].Peer = "the sender"
		m, err := overlay.Decode(raw, newMessage, &b)
		if err != nil {
			if !errors.Is(err, overlay.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if again, err := overlay.Encode(nil, m, &b); err == nil && len(b) == 1 && !bytes.Equal(again, raw) {
			t.Errorf("%x became %x", raw, again)
		}
		n := lone(Config{}, 0)
		var out overlay.Actions
		from := overlay.Ref{ID: overlay.PeerKey("the sender", 0), Handle: 1}
		for tag := tagGossip; tag <= tagSearch; tag += tagGossip {
			n.Step(1, overlay.Received{From: from, Msg: m, Reply: 1}, &out)
			n.Step(1, overlay.Answered{From: from, Tag: tag, Msg: m, Took: time.Second}, &out)
			n.Step(1, overlay.Fired{Timer: timerRound}, &out)
		}
		checkTable(t, n)
	})
}

// lone returns a machine that has started and knows nobody. Its id is from the seed.
func lone(c Config, seed uint64) *Node {
	c = c.filled()
	r := rand.New(rand.NewPCG(seed, 0))
	n := newNode(&c, overlay.Ref{ID: someID(r), Handle: 1 << 30}, r)
	n.Step(0, overlay.Start{}, new(overlay.Actions))
	return n
}

func someID(r *rand.Rand) (id overlay.Key) {
	for i := range id {
		id[i] = byte(r.Uint32())
	}
	return id
}
