// Package contentaddr says which content identifiers peer deals in, and whether a block is what its
// CID says.
//
// It is the root of the rooms that turn bytes into CIDs and back: unixfs (the node format), importer
// (a path on disk to a DAG), manifest, names, link and store. None of them knows a network. Start
// reading at CheckCID, which is the whole of what peer accepts, and Verify, through which every block
// from outside passes before anybody looks into it.
package contentaddr

import (
	"encoding/binary"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/seed4134be55/peer/fault"
)

const (
	// MaxBlock is the largest block in bytes that is made, accepted or parsed: Bitswap's limit, so
	// that every block of ours can travel over it.
	MaxBlock = 2 << 20
	// MaxIdentity is how many bytes an identity CID may carry inline. Kubo inlines up to 32 when it is
	// asked to and reads up to 128.
	MaxIdentity = 128
)

// digestSizes holds the hashes accepted and the one digest size in bytes each may have: a truncated
// digest is a weaker hash under a strong one's name.
var digestSizes = map[uint64]int{
	multihash.SHA2_256:         32,
	multihash.SHA2_512:         64,
	multihash.BLAKE2B_MIN + 31: 32, // blake2b-256
	multihash.BLAKE3:           32,
}

// CheckCID returns nil if c is one that peer deals in: version 0 or 1, codec raw or dag-pb, and
// sha2-256, sha2-512, blake2b-256 or blake3 with its full digest, or the identity hash with at most
// MaxIdentity bytes. Otherwise the error is a fault.BadInput that names what is not accepted.
func CheckCID(c cid.Cid) error {
	if isSHA256(c.KeyString()) {
		return nil
	}
	_, err := dissect(c)
	return err
}

// Identity returns the bytes that an identity CID carries inline, and whether c is one that CheckCID
// accepts. Such a block needs no store and no peer.
func Identity(c cid.Cid) ([]byte, bool) {
	if isSHA256(c.KeyString()) {
		return nil, false
	}
	p, err := dissect(c)
	if err != nil || p.hash != multihash.IDENTITY {
		return nil, false
	}
	return p.digest, true
}

// isSHA256 knows the two shapes that nearly all CIDs have, without allocating: CIDv0, and CIDv1 of
// raw or dag-pb with sha2-256.
func isSHA256(s string) bool {
	switch len(s) {
	case 34:
		return s[0] == multihash.SHA2_256 && s[1] == 32
	case 36:
		return s[0] == 1 && (s[1] == cid.Raw || s[1] == cid.DagProtobuf) && s[2] == multihash.SHA2_256 && s[3] == 32
	}
	return false
}

// parts is a CID taken apart.
type parts struct {
	codec, hash uint64
	digest      []byte
}

// dissect takes c apart and checks each part.
func dissect(c cid.Cid) (parts, error) {
	if !c.Defined() {
		return parts{}, fault.New(fault.BadInput, "no CID")
	}
	b := c.Bytes()
	p := parts{codec: cid.DagProtobuf}
	if len(b) != 34 || b[0] != multihash.SHA2_256 || b[1] != 32 { // not version 0
		var version uint64
		var ok bool
		if version, b, ok = uvarint(b); !ok || version != 1 {
			return p, fault.New(fault.BadInput, "CID %s: version %d is not 0 or 1", c, version)
		}
		if p.codec, b, ok = uvarint(b); !ok || p.codec != cid.Raw && p.codec != cid.DagProtobuf {
			return p, fault.New(fault.BadInput, "CID %s: codec %#x is neither raw nor dag-pb", c, p.codec)
		}
	}
	return p, p.readHash(c, b)
}

// readHash checks the multihash b of c and keeps its parts.
func (p *parts) readHash(c cid.Cid, b []byte) error {
	var size uint64
	var ok bool
	if p.hash, b, ok = uvarint(b); !ok {
		return fault.New(fault.BadInput, "CID %s: no hash function", c)
	}
	if size, b, ok = uvarint(b); !ok || size != uint64(len(b)) {
		return fault.New(fault.BadInput, "CID %s: digest of %d bytes says it has %d", c, len(b), size)
	}
	p.digest = b
	if p.hash == multihash.IDENTITY {
		if len(b) > MaxIdentity {
			return fault.New(fault.BadInput, "identity CID with %d bytes inline: at most %d are accepted", len(b), MaxIdentity)
		}
		return nil
	}
	want, known := digestSizes[p.hash]
	if !known {
		return fault.New(fault.BadInput, "CID %s: hash function %#x is not accepted", c, p.hash)
	}
	if len(b) != want {
		return fault.New(fault.BadInput, "CID %s: digest of %d bytes is not the full %d", c, len(b), want)
	}
	return nil
}

// uvarint reads one varint off the front of b.
func uvarint(b []byte) (v uint64, rest []byte, ok bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, b, false
	}
	return v, b[n:], true
}
