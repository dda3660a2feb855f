package wire

import (
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"
)

// ExtensionPeers is the extension by which peers tell each other who else has a root open: Peers and GetPeers are for
// those that both have it in their Hello. Its value is empty.
const ExtensionPeers = "pex"

// A Contact is a peer that is connected to the sender for a root, and where it may be reached.
type Contact struct {
	ID    peer.ID
	Addrs [][]byte // multiaddrs as bytes, 1 to MaxContactAddrs, without the peer's id
}

// Peers says who has come and who has gone among those that the sender is connected to for the channel's root.
type Peers struct {
	Channel uint32
	Added   []Contact // at most MaxPeers
	Dropped []peer.ID // of those added before; at most MaxPeers
}

// GetPeers asks for Peers now.
type GetPeers struct{ Channel uint32 }

// Type is TypePeers.
func (Peers) Type() Type { return TypePeers }

// Type is TypeGetPeers.
func (GetPeers) Type() Type { return TypeGetPeers }

func (m Peers) appendBody(dst []byte) []byte {
	dst = appendUint(appendUint(dst, m.Channel), uint32(len(m.Added)))
	for _, c := range m.Added {
		dst = appendUint(appendBytes(dst, string(c.ID)), uint32(len(c.Addrs)))
		for _, a := range c.Addrs {
			dst = appendBytes(dst, a)
		}
	}
	dst = appendUint(dst, uint32(len(m.Dropped)))
	for _, id := range m.Dropped {
		dst = appendBytes(dst, string(id))
	}
	return dst
}

func (m GetPeers) appendBody(dst []byte) []byte { return appendUint(dst, m.Channel) }

func (c *cursor) peers() Message {
	m := Peers{Channel: c.channel()}
	for range c.uvarint("added", MaxPeers) {
		if c.err != nil {
			break
		}
		m.Added = append(m.Added, c.contact())
	}
	for range c.uvarint("dropped", MaxPeers) {
		if c.err != nil {
			break
		}
		m.Dropped = append(m.Dropped, c.peerID())
	}
	return m
}

func (c *cursor) contact() Contact {
	k := Contact{ID: c.peerID()}
	n := c.uvarint("addresses", MaxContactAddrs)
	if n == 0 {
		c.fail("a contact without address")
	}
	for range n {
		if c.err != nil {
			break
		}
		a := c.bytes("address", MaxAddr)
		if len(a) == 0 {
			c.fail("an empty address")
		}
		k.Addrs = append(k.Addrs, append([]byte(nil), a...))
	}
	return k
}

// peerID reads the id of a libp2p peer: the SHA-256 of its public key, or a public key of at most maxInlineKey bytes
// itself (libp2p specifications, peer-ids, "Peer Ids").
func (c *cursor) peerID() peer.ID {
	raw := c.bytes("peer id", MaxPeerID)
	if c.err != nil {
		return ""
	}
	sum, err := multihash.Decode(raw)
	switch {
	case err != nil:
		c.fail("peer id: %v", err)
	case sum.Code == multihash.SHA2_256 && sum.Length == 32:
	case sum.Code == multihash.IDENTITY && sum.Length > 0 && sum.Length <= maxInlineKey:
	default:
		c.fail("peer id: hash %d of %d bytes", sum.Code, sum.Length)
	}
	return peer.ID(raw)
}

const maxInlineKey = 42 // bytes
