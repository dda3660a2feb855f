package sim

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

var errTooLong = fault.New(fault.BadInput, "a message longer than %d bytes", overlay.MaxMessage)

// A book describes the sim's peers as they would be on the wire: with ids like those of Ed25519 keys and one address, of
// IPv4 and TCP, each. It holds nothing while messages are not decoded.
type book struct {
	sim    *Sim
	peers  map[peer.ID]int // with Check
	buffer []byte
}

func (b *book) added(p int, id peer.ID) {
	if !b.sim.cfg.Check {
		return
	}
	if b.peers == nil {
		b.peers = make(map[peer.ID]int)
	}
	b.peers[id] = p
}

// peerID returns a peer's id: a multihash of the identity function of a public key of libp2p, whose 32 bytes follow from
// the seed.
func (s *Sim) peerID(p int) peer.ID {
	if p < len(s.cfg.IDs) {
		return s.cfg.IDs[p]
	}
	id := [38]byte{0x00, 0x24, 0x08, 0x01, 0x12, 0x20}
	var from [16]byte
	binary.LittleEndian.PutUint64(from[:], s.cfg.Seed)
	binary.LittleEndian.PutUint64(from[8:], uint64(p))
	key := sha256.Sum256(from[:])
	copy(id[6:], key[:])
	return peer.ID(id[:])
}

// ID returns a peer's id.
func (s *Sim) ID(peer int) peer.ID { return s.peerID(peer) }

// Contact implements overlay.Book.
func (b *book) Contact(h overlay.Handle) overlay.Contact {
	n := int(h) - 1
	p := n / b.sim.virtual
	address := binary.BigEndian.AppendUint32([]byte{4}, 10<<24|uint32(p)&(1<<24-1)) // /ip4/10.…
	address = append(address, 6, 0x10, 0x01)                                        // /tcp/4097
	return overlay.Contact{Peer: b.sim.peerID(p), Virtual: uint8(n % b.sim.virtual), Addrs: [][]byte{address}}
}

// contactSize is the size of the contact of a made-up peer's first nodes.
var contactSize = overlay.Contact{Peer: peer.ID(make([]byte, 38)), Addrs: [][]byte{make([]byte, 8)}}.Size()

// ContactSize implements overlay.Book.
func (b *book) ContactSize(h overlay.Handle) int {
	n := int(h) - 1
	if n/b.sim.virtual < len(b.sim.cfg.IDs) {
		return b.Contact(h).Size()
	}
	if n%b.sim.virtual >= 24 { // CBOR's next longer form
		return contactSize + 1
	}
	return contactSize
}

// Learn implements overlay.Book. There are no peers but those of the sim.
func (b *book) Learn(c overlay.Contact) (overlay.Ref, error) {
	p, ok := b.peers[c.Peer]
	if !ok || int(c.Virtual) >= b.sim.virtual {
		return overlay.Ref{}, fmt.Errorf("no node %d of peer %v", c.Virtual, c.Peer)
	}
	return b.sim.refs[p*b.sim.virtual+int(c.Virtual)], nil
}

// Verify implements overlay.Book.
func (b *book) Verify(r *overlay.Record) error {
	if !hmac.Equal(r.Signature, b.sim.sign(r)) {
		return fmt.Errorf("record of %v: the signature is not its publisher's", r.Publisher)
	}
	return nil
}

// sign returns a record's signature: as long as one of Ed25519, and made with a secret that no machine has.
func (s *Sim) sign(r *overlay.Record) []byte {
	mac := hmac.New(sha512.New, s.secret[:])
	mac.Write(r.Signed("sim"))
	return mac.Sum(nil)
}

// transcribe encodes and decodes a message whose size was found to be n.
func (s *Sim) transcribe(m overlay.Message, n int) (overlay.Message, error) {
	wire, err := overlay.Encode(s.book.buffer[:0], m, &s.book)
	if err != nil {
		return nil, err
	}
	s.book.buffer = wire
	if len(wire) != n {
		return nil, fmt.Errorf("a message of kind %d is %d bytes, and was measured as %d", m.Kind(), len(wire), n)
	}
	return overlay.Decode(wire, s.cfg.Protocol.NewMessage, &s.book)
}
