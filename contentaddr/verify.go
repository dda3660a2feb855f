package contentaddr

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"golang.org/x/crypto/blake2b"
	"lukechampine.com/blake3"

	"github.com/seed4134be55/peer/fault"
)

// Verify returns nil if block is what c names: c passes CheckCID, block has at most MaxBlock bytes,
// and it hashes to c. Every error is a fault.Corrupt. It allocates nothing for sha2-256.
func Verify(c cid.Cid, block []byte) error {
	if len(block) > MaxBlock {
		return fault.New(fault.Corrupt, "block %s has %d bytes: at most %d are accepted", c, len(block), MaxBlock)
	}
	if s := c.KeyString(); isSHA256(s) {
		if sum := sha256.Sum256(block); string(sum[:]) == s[len(s)-sha256.Size:] {
			return nil
		}
		return mismatch(c, block)
	}
	p, err := dissect(c)
	if err != nil {
		return fault.Mark(fault.Corrupt, err)
	}
	if !p.matches(block) {
		return mismatch(c, block)
	}
	return nil
}

func mismatch(c cid.Cid, block []byte) error {
	return fault.New(fault.Corrupt, "block of %d bytes does not hash to %s", len(block), c)
}

// matches hashes block with p's function, which dissect has checked.
func (p parts) matches(block []byte) bool {
	switch p.hash {
	case multihash.IDENTITY:
		return bytes.Equal(block, p.digest)
	case multihash.SHA2_256:
		sum := sha256.Sum256(block)
		return bytes.Equal(sum[:], p.digest)
	case multihash.SHA2_512:
		sum := sha512.Sum512(block)
		return bytes.Equal(sum[:], p.digest)
	case multihash.BLAKE2B_MIN + 31:
		sum := blake2b.Sum256(block)
		return bytes.Equal(sum[:], p.digest)
	case multihash.BLAKE3:
		sum := blake3.Sum256(block)
		return bytes.Equal(sum[:], p.digest)
	}
	return false
}
