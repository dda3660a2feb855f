package pastry

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A shelfOfPeers is a book in which a node's peer is named by its handle, in so many bytes, at so many addresses.
type shelfOfPeers struct{ name, addrs int }

func (b shelfOfPeers) Contact(h overlay.Handle) overlay.Contact {
	ct := overlay.Contact{Peer: peer.ID(binary.BigEndian.AppendUint32(make([]byte, b.name-4), uint32(h)))}
	for range b.addrs {
		ct.Addrs = append(ct.Addrs, make([]byte, overlay.MaxAddr))
	}
	return ct
}

func (b shelfOfPeers) ContactSize(h overlay.Handle) int { return b.Contact(h).Size() }

func (b shelfOfPeers) Learn(ct overlay.Contact) (overlay.Ref, error) {
	if len(ct.Peer) < 4 {
		return overlay.Ref{}, errors.New("no such peer")
	}
	h := binary.BigEndian.Uint32([]byte(ct.Peer[len(ct.Peer)-4:]))
	if h == 0 {
		return overlay.Ref{}, errors.New("nobody")
	}
	return overlay.Ref{ID: overlay.PeerKey(ct.Peer, ct.Virtual), Handle: overlay.Handle(h)}, nil
}

func (b shelfOfPeers) Verify(*overlay.Record) error { return nil }

// full returns messages of each kind with as much in them as a node puts there at most.
func full() []overlay.Message {
	return messages(maxRows, maxPath, maxRecords, overlay.MaxPayload, maxItems)
}

func messages(nodeCount, hops, recordCount, payload, items int) []overlay.Message {
	nodes := make([]overlay.Ref, nodeCount)
	path := make([]step, hops)
	for i := range nodes {
		nodes[i].Handle = overlay.Handle(i + 1)
	}
	for i := range path {
		path[i] = step{nodes[i], maxTook - 1}
	}
	var records []*overlay.Record
	for range recordCount {
		records = append(records, &overlay.Record{
			Kind: overlay.Value, Publisher: peer.ID(make([]byte, overlay.MaxPeerID)),
			Payload: make([]byte, payload), Signature: make([]byte, overlay.MaxSignature),
		})
	}
	records = overlay.Fit(records, maxBytes)
	return []overlay.Message{
		&routeMessage{purpose: toJoin, number: 1 << 63, want: 64, origin: nodes[0], timeouts: 1 << 15, path: path, nodes: nodes},
		&answerMessage{number: 1, origin: nodes[0], path: path, near: nodes[:min(replicas, nodeCount)], records: records},
		&answerMessage{number: 1, origin: nodes[0], near: nodes[:min(maxLeaves+1, nodeCount)], nodes: nodes},
		&ackMessage{true},
		&exchangeMessage{set: theNeighbours, row: 31, nodes: nodes[:min(neighbourhood, nodeCount)]},
		&leaveMessage{nodes[:min(maxLeaves, nodeCount)]},
		&fetchMessage{},
		&recordsMessage{records},
		&storeMessage{records},
		&holdsMessage{make([]item, items)},
		&wantsMessage{make([]overlay.Key, items)},
	}
}

// The longest messages fit, and come out as they went in.
func TestMessages(t *testing.T) {
	book := shelfOfPeers{overlay.MaxPeerID, overlay.MaxAddrs}
	for _, m := range full() {
		wire, err := overlay.Encode(nil, m, book)
		if err != nil {
			t.Errorf("%T: %v", m, err)
			continue
		}
		if got := overlay.Size(m, book); got != len(wire) {
			t.Errorf("%T: measured as %d bytes, has %d", m, got, len(wire))
		}
		back, err := overlay.Decode(wire, newMessage, book)
		if err != nil {
			t.Errorf("%T: %v", m, err)
			continue
		}
		if again, err := overlay.Encode(nil, back, book); err != nil || !bytes.Equal(again, wire) {
			t.Errorf("%T: comes out otherwise: %v", m, err)
		}
	}
}

// Whatever arrives is decoded or malformed, and a node takes what was decoded.
func FuzzDecode(f *testing.F) {
	book := shelfOfPeers{8, 1}
	for _, m := range messages(2, 2, 1, 4, 2) {
		wire, err := overlay.Encode(nil, m, book)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		m, err := overlay.Decode(wire, newMessage, book)
		if err != nil {
			if !errors.Is(err, overlay.ErrMalformed) {
				t.Fatalf("%v is not said to be malformed", err)
			}
			return
		}
		n := newNode(&rules{b: 4, half: 8}, ref("80"), source(1))
		n.ready = true
		out := new(overlay.Actions)
		n.Step(0, overlay.Received{From: ref("90"), Msg: m, Reply: 1}, out)
	})
}
