// Package unixfs turns dag-pb and UnixFS bytes into nodes and back, and builds files and folders
// out of nodes as Kubo does, so that the CIDs are equal.
//
// It is pure: it reads no disk and knows no store; who needs a child block hands in a function that
// gets it. It does not verify hashes (contentaddr.Verify does) nor judge names (contentaddr/names
// does). Start reading at Node and Parse; file.go and folder.go build, entries.go walks.
//
// The format is https://specs.ipfs.tech/unixfs/ over https://ipld.io/specs/codecs/dag-pb/spec/.
package unixfs

import (
	"time"

	"github.com/ipfs/go-cid"
)

// Kind is what a node is. The numbers are those of the UnixFS specification's DataType.
type Kind uint8

// The kinds.
const (
	Raw       Kind = 0 // file bytes: a raw block, or an old kind of dag-pb leaf
	Directory Kind = 1 // a folder whose links are its entries
	File      Kind = 2 // a file, or a part of one
	Metadata  Kind = 3 // historic; nothing writes it
	Symlink   Kind = 4 // Data is the target
	HAMTShard Kind = 5 // a folder, or a part of one, spread over a hash trie
)

// kindNames is indexed by Kind.
var kindNames = [...]string{"raw", "directory", "file", "metadata", "symlink", "hamt shard"}

// String returns the kind in words.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// A Link is one edge of the DAG. Its Name is empty below a file.
type Link struct {
	Name string
	Cid  cid.Cid
	// Tsize is the sum in bytes of all blocks under the link, the linked one included, each counted
	// as often as it is linked. It is its writer's claim, is never checked and may be any number.
	Tsize uint64
}

// A Node is one parsed block. Parse makes only nodes that keep the invariants below.
type Node struct {
	Kind  Kind
	Links []Link
	// BlockSizes are the payload bytes under each link of a File or Raw node: as many as Links. Other
	// kinds have none. Their sum does not overflow, but each is a claim about another block.
	BlockSizes []uint64
	// Data is the inline payload of a File or Raw node, the target of a symlink, or the bitfield of a
	// shard. It may alias the block parsed.
	Data []byte
	// FileSize is the payload in bytes at and under a File or Raw node: Data and BlockSizes added up,
	// whether the block says so itself (HasFileSize) or not. Below 1<<63.
	FileSize    uint64
	HasFileSize bool
	// HashType and Fanout are those of a shard: HashMurmur3 and a power of two from 8 to 1024.
	HashType, Fanout uint64
	// Mode holds POSIX permission bits (07777) and ModTime the time of change, where the node has them.
	Mode       uint32
	HasMode    bool
	ModTime    time.Time // UTC
	HasModTime bool
}

// IsLeaf reports whether n is a leaf of a manifest: it holds file content and no links. Folders,
// symlinks, shards and file nodes with links are inner, even when they are empty.
func (n *Node) IsLeaf() bool {
	return len(n.Links) == 0 && (n.Kind == Raw || n.Kind == File)
}

// IsFolder reports whether n is a folder or a shard of one.
func (n *Node) IsFolder() bool {
	return n.Kind == Directory || n.Kind == HAMTShard
}
