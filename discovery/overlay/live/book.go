package live

import (
	"errors"
	"fmt"
	"iter"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/reach"
)

// Bounds of a book. It is swept when it has doubled since.
const (
	sweepFrom = 512
	maxNodes  = 1 << 16
)

var errFull = errors.New("enough nodes are known")

// A book is the loop's table of nodes: who stands behind a handle, and where others say that it is. A node that was heard
// of keeps its handle until no machine holds it any more; handles are not used twice.
type book struct {
	host    host.Host
	reach   reach.Reach
	self    peer.ID
	virtual int            // nodes that each peer runs
	own     []ma.Multiaddr // what to tell of ourselves
	// with is where the peer is that a message goes to or comes from; nil is nobody yet.
	with   ma.Multiaddr
	nodes  map[overlay.Handle]*node
	handle map[nodeID]overlay.Handle
	last   overlay.Handle
	swept  int  // how many nodes the last sweep left
	lost   bool // a message named a node that is not known: a machine kept what it did not yield
}

// A nodeID tells nodes apart: one peer may run several.
type nodeID struct {
	peer    peer.ID
	virtual uint8
}

type node struct {
	nodeID
	ref overlay.Ref
	// Where it is by what it said itself while it was connected, and by the last word of others.
	proven, hints []ma.Multiaddr
}

func newBook(h host.Host, r reach.Reach, virtual int) *book {
	return &book{
		host: h, reach: r, self: h.ID(), virtual: virtual,
		nodes: make(map[overlay.Handle]*node), handle: make(map[nodeID]overlay.Handle),
	}
}

// ref returns the Ref of a node.
func (b *book) ref(id nodeID) (overlay.Ref, error) {
	if h := b.handle[id]; h != 0 {
		return b.nodes[h].ref, nil
	}
	if len(b.nodes) >= maxNodes {
		return overlay.Ref{}, errFull
	}
	b.last++
	n := &node{nodeID: id, ref: overlay.Ref{ID: overlay.PeerKey(id.peer, id.virtual), Handle: b.last}}
	b.nodes[b.last], b.handle[id] = n, b.last
	return n.ref, nil
}

// Learn returns the Ref of a node that a message tells of, and keeps the addresses that mean the same here as there.
func (b *book) Learn(c overlay.Contact) (overlay.Ref, error) {
	if err := checkContact(c, b.virtual); err != nil {
		return overlay.Ref{}, err
	}
	ref, err := b.ref(nodeID{c.Peer, c.Virtual})
	if err != nil || c.Peer == b.self {
		return ref, err
	}
	var hints []ma.Multiaddr
	for _, raw := range c.Addrs {
		if a, err := ma.NewMultiaddrBytes(raw); err == nil && b.exchanges(a) {
			hints = append(hints, a)
		}
	}
	if len(hints) > 0 {
		b.nodes[ref.Handle].hints = hints
	}
	return ref, nil
}

// checkContact reports what makes a message with c in it malformed. Nobody has more nodes, and so more places in the
// overlay, than the network allows.
func checkContact(c overlay.Contact, virtual int) error {
	if int(c.Virtual) >= virtual {
		return fmt.Errorf("node %d of a peer, which runs %d", c.Virtual, virtual)
	}
	_, err := peer.IDFromBytes([]byte(c.Peer))
	return err
}

func (b *book) exchanges(a ma.Multiaddr) bool { return b.with != nil && b.reach.Exchanges(a, b.with) }

// Contact returns what to tell of a node to the peer at b.with.
func (b *book) Contact(h overlay.Handle) overlay.Contact {
	n := b.nodes[h]
	if n == nil {
		b.lost = true
		return overlay.Contact{}
	}
	c := overlay.Contact{Peer: n.peer, Virtual: n.virtual}
	for _, a := range b.addrs(n) {
		if len(c.Addrs) == overlay.MaxAddrs {
			break
		}
		if raw := a.Bytes(); len(raw) <= overlay.MaxAddr && b.exchanges(a) {
			c.Addrs = append(c.Addrs, raw)
		}
	}
	return c
}

// addrs returns where a node is, as it said itself if it did.
func (b *book) addrs(n *node) []ma.Multiaddr {
	if n.peer == b.self {
		return b.own
	}
	if said := b.host.Peerstore().Addrs(n.peer); len(said) > 0 {
		return said
	}
	if len(n.proven) > 0 {
		return n.proven
	}
	return n.hints
}

// ownAddrs returns the addresses to tell of this peer: near and far ones and those by a relay in turn, as few are told.
func (b *book) ownAddrs() []ma.Multiaddr {
	var kinds [3][]ma.Multiaddr
	for _, a := range b.reach.Announce(b.host.Addrs()) {
		switch {
		case isRelayed(a):
			kinds[2] = append(kinds[2], a)
		case reach.LAN.Allows(a):
			kinds[1] = append(kinds[1], a)
		default:
			kinds[0] = append(kinds[0], a)
		}
	}
	var own []ma.Multiaddr
	for i := range len(kinds[0]) + len(kinds[1]) + len(kinds[2]) {
		for _, kind := range kinds {
			if i < len(kind) {
				own = append(own, kind[i])
			}
		}
	}
	return own
}

func isRelayed(a ma.Multiaddr) bool {
	for _, c := range a {
		if c.Code() == ma.P_CIRCUIT {
			return true
		}
	}
	return false
}

// ContactSize returns the encoded size of Contact.
func (b *book) ContactSize(h overlay.Handle) int { return b.Contact(h).Size() }

// Verify has nothing to do: a stream's goroutine checked all signatures of a message before the loop got it.
func (b *book) Verify(*overlay.Record) error { return nil }

// prove keeps where a connected peer says that it is, for when it is connected no longer.
func (b *book) prove(id peer.ID) {
	said := b.reach.Filter(b.host.Peerstore().Addrs(id))
	if len(said) > 2*overlay.MaxAddrs {
		said = said[:2*overlay.MaxAddrs]
	}
	if n := b.nodes[b.handle[nodeID{peer: id}]]; n != nil && len(said) > 0 {
		n.proven = said
	}
}

// places returns where to look for a peer.
func (b *book) places(id peer.ID) peer.AddrInfo {
	info := peer.AddrInfo{ID: id}
	if n := b.nodes[b.handle[nodeID{peer: id}]]; n != nil {
		info.Addrs = append(append(info.Addrs, n.proven...), n.hints...)
	}
	return info
}

// sweep forgets whom nobody holds, if the book has grown.
func (b *book) sweep(held iter.Seq[overlay.Ref]) {
	if len(b.nodes) < max(sweepFrom, 2*b.swept) {
		return
	}
	keep := make(map[overlay.Handle]bool)
	for ref := range held {
		keep[ref.Handle] = true
	}
	for h, n := range b.nodes {
		if !keep[h] && n.peer != b.self {
			delete(b.nodes, h)
			delete(b.handle, n.nodeID)
		}
	}
	b.swept = len(b.nodes)
}

// A checker is the book by which a stream's goroutine decodes a message, only to see whether it is well-formed.
type checker struct {
	*verifier
	virtual int
}

func (checker) Contact(overlay.Handle) overlay.Contact { return overlay.Contact{} }
func (checker) ContactSize(overlay.Handle) int         { return 0 }

func (k checker) Learn(c overlay.Contact) (overlay.Ref, error) {
	return overlay.Ref{Handle: 1}, checkContact(c, k.virtual)
}

func (k checker) Verify(r *overlay.Record) error { return k.verify(r) }
