package overlay

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	mh "github.com/multiformats/go-multihash"

	"github.com/seed4134be55/peer/contentaddr"
)

// KeyBits is the length of a Key. Pastry uses the first 128 of them.
const KeyBits = 160

// A Key is a place in the identifier space of an overlay, most significant byte first: the first 160 bits of a SHA-256.
// It is not SHA-1, which the papers use, since two inputs with the same SHA-1 can be made; the lengths are theirs.
type Key [KeyBits / 8]byte

// The keys of peers, content and names are hashes of different things, so that none can be chosen to equal another.
const (
	prefixContent = "peer content "
	prefixName    = "peer name "
)

// PeerKey returns the key of a peer: derived from its id, so that nobody chooses a place in an overlay. A peer that runs
// several virtual nodes (Chord, ToN 2003, §IV-B) has a key for each; the first, 0, has none in its hash.
func PeerKey(id peer.ID, virtual uint8) Key {
	if virtual == 0 {
		return hash("", []byte(id))
	}
	return hash("", []byte(id), []byte{virtual})
}

// ContentKey returns the key under which the providers of the content with this multihash are kept: of a CID the
// multihash alone, as in Kademlia, so that its version and codec do not matter.
func ContentKey(h mh.Multihash) Key { return hash(prefixContent, h) }

// NameKey returns the key of what a user calls name.
func NameKey(name string) Key { return hash(prefixName, []byte(name)) }

// KeyOf returns the key of what a user typed: of a CID that peer deals in its content's, of any other word a name's.
func KeyOf(word string) Key {
	if c, err := cid.Decode(word); err == nil && contentaddr.CheckCID(c) == nil {
		return ContentKey(c.Hash())
	}
	return NameKey(word)
}

func hash(prefix string, parts ...[]byte) (k Key) {
	h := sha256.New()
	h.Write([]byte(prefix))
	for _, p := range parts {
		h.Write(p)
	}
	copy(k[:], h.Sum(nil))
	return k
}

// Compare orders keys as numbers.
func (k Key) Compare(o Key) int { return bytes.Compare(k[:], o[:]) }

// Add returns k + o modulo 2^160.
func (k Key) Add(o Key) (sum Key) {
	carry := uint16(0)
	for i := len(k) - 1; i >= 0; i-- {
		carry += uint16(k[i]) + uint16(o[i])
		sum[i] = byte(carry)
		carry >>= 8
	}
	return sum
}

// Sub returns k - o modulo 2^160: how far k is from o, clockwise.
func (k Key) Sub(o Key) (diff Key) {
	a0, a1, a2 := k.words()
	b0, b1, b2 := o.words()
	c2, borrow := bits.Sub32(a2, b2, 0)
	c1, borrow64 := bits.Sub64(a1, b1, uint64(borrow))
	c0, _ := bits.Sub64(a0, b0, borrow64)
	binary.BigEndian.PutUint64(diff[:], c0)
	binary.BigEndian.PutUint64(diff[8:], c1)
	binary.BigEndian.PutUint32(diff[16:], c2)
	return diff
}

// Xor returns the distance of k and o in Kademlia's metric.
func (k Key) Xor(o Key) (x Key) {
	for i := range k {
		x[i] = k[i] ^ o[i]
	}
	return x
}

// LeadingZeros returns the number of zero bits before the first one: 160 for zero.
func (k Key) LeadingZeros() int {
	a0, a1, a2 := k.words()
	switch {
	case a0 != 0:
		return bits.LeadingZeros64(a0)
	case a1 != 0:
		return 64 + bits.LeadingZeros64(a1)
	}
	return 128 + bits.LeadingZeros32(a2)
}

func (k Key) words() (uint64, uint64, uint32) {
	return binary.BigEndian.Uint64(k[:]), binary.BigEndian.Uint64(k[8:]), binary.BigEndian.Uint32(k[16:])
}

// String returns the key in hexadecimal.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// Short returns the first eight digits of String: enough to tell peers apart for people.
func (k Key) Short() string { return hex.EncodeToString(k[:4]) }
