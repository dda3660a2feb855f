package unixfs

import (
	"crypto/sha256"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/fault"
)

// A Profile is a set of import parameters: two imports of the same bytes under the same profile have
// the same CID, whoever makes them. It is a plain value; its zero value is not usable.
type Profile struct {
	Name      string
	Chunk     int  // bytes of file in a leaf
	MaxLinks  int  // links of an inner file node
	RawLeaves bool // leaves are raw blocks; otherwise dag-pb (see LeafFrame)
	Version   int  // of CIDs: 0 or 1
	// A folder is sharded when its size is more than ShardOver bytes. BlockBytes says whether the size
	// is that of the encoded plain folder, or the sum of its entries' names and CIDs.
	ShardOver  int
	BlockBytes bool
}

// Names of the profiles, which are Kubo's (`ipfs config profile apply NAME`).
const (
	UnixFSv1 = "unixfs-v1-2025" // IPIP-499
	UnixFSv0 = "unixfs-v0-2015"
)

// DefaultProfile returns the profile unixfs-v1-2025.
func DefaultProfile() Profile {
	return Profile{
		Name: UnixFSv1, Chunk: 1 << 20, MaxLinks: 1024, RawLeaves: true, Version: 1,
		ShardOver: 256 << 10, BlockBytes: true,
	}
}

// ParseProfile returns the profile of that name; "" names the default one. Another name is a
// fault.BadInput.
func ParseProfile(name string) (Profile, error) {
	switch name {
	case "", UnixFSv1:
		return DefaultProfile(), nil
	case UnixFSv0:
		return Profile{Name: UnixFSv0, Chunk: 256 << 10, MaxLinks: 174, ShardOver: 256 << 10}, nil
	}
	return Profile{}, fault.New(fault.BadInput, "no profile %q: there are %s (the default) and %s", name, UnixFSv1, UnixFSv0)
}

// LeafCID returns the CID of a leaf whose block has that SHA-256.
func (p Profile) LeafCID(sum [sha256.Size]byte) cid.Cid {
	if p.RawLeaves {
		return cidOf(1, cid.Raw, sum)
	}
	return cidOf(p.Version, cid.DagProtobuf, sum)
}

// nodeCID returns the CID of a dag-pb block.
func (p Profile) nodeCID(block []byte) cid.Cid {
	return cidOf(p.Version, cid.DagProtobuf, sha256.Sum256(block))
}

// cidOf returns the CID of that SHA-256. Codecs are below 128, so that each is one byte.
func cidOf(version int, codec byte, sum [sha256.Size]byte) cid.Cid {
	if version == 0 {
		return cid.NewCidV0(append([]byte{0x12, sha256.Size}, sum[:]...))
	}
	_, c, _ := cid.CidFromBytes(append([]byte{1, codec, 0x12, sha256.Size}, sum[:]...)) // cannot fail: well formed
	return c
}
