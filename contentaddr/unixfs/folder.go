package unixfs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed4134be55/peer/fault"
)

// Folder emits the nodes of a folder with these entries, in any order, and returns the link to it. It
// is one plain node, or a trie of shards when the profile's limit is exceeded; which of them depends
// on the entries alone, not on the way the folder grew. It sorts entries. Two entries of one name are
// an error.
func (p Profile) Folder(entries []Link, attr Attr, emit Emit) (Link, error) {
	slices.SortFunc(entries, func(a, b Link) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(entries); i++ {
		if entries[i].Name == entries[i-1].Name {
			return Link{}, fmt.Errorf("folder with two entries %q", entries[i].Name)
		}
	}
	n := &Node{Kind: Directory, Links: entries}
	attr.set(n)
	if p.folderSize(n) <= p.ShardOver {
		return p.emitNode(n, emit)
	}
	return p.shard(hashed(entries), 0, attr, emit)
}

// folderSize measures a plain folder as the profile does.
func (p Profile) folderSize(n *Node) int {
	size := 0
	if p.BlockBytes {
		size = bytesLen(n.dataLen())
	}
	for i := range n.Links {
		if p.BlockBytes {
			size += bytesLen(n.Links[i].encodedLen())
		} else {
			size += len(n.Links[i].Name) + n.Links[i].Cid.ByteLen()
		}
	}
	return size
}

// fanout is that of the shards that are built; others are read.
const fanout = 256

// A hashedLink is an entry with the hash that is its place in the trie.
type hashedLink struct {
	Link
	hash uint64
}

// hashed returns the entries in the order of their hashes, which is that of the trie.
func hashed(entries []Link) []hashedLink {
	h := make([]hashedLink, len(entries))
	for i, l := range entries {
		h[i] = hashedLink{l, hashOf(l.Name)}
	}
	slices.SortFunc(h, func(a, b hashedLink) int { return cmp.Compare(a.hash, b.hash) })
	return h
}

// shard emits the shard of the entries that share the hash bits above depth, and returns its link.
// An entry alone in its slot is linked from it; several get a shard of their own. Only the root of a
// trie has attributes.
func (p Profile) shard(entries []hashedLink, depth int, attr Attr, emit Emit) (Link, error) {
	if depth == maxDepth(fanout) {
		return Link{}, fault.New(fault.Failed, "folder entries %q and %q have the same hash", entries[0].Name, entries[1].Name)
	}
	n := &Node{Kind: HAMTShard, HashType: HashMurmur3, Fanout: fanout}
	var field [fanout / 8]byte
	for len(entries) > 0 {
		at := slot(entries[0].hash, depth, fanout)
		field[len(field)-1-at/8] |= 1 << (at % 8)
		size := 1
		for size < len(entries) && slot(entries[size].hash, depth, fanout) == at {
			size++
		}
		l, err := entries[0].Link, error(nil)
		if size > 1 {
			if l, err = p.shard(entries[:size], depth+1, Attr{}, emit); err != nil {
				return Link{}, err
			}
		}
		l.Name = fmt.Sprintf("%02X", at) + l.Name
		n.Links = append(n.Links, l)
		entries = entries[size:]
	}
	n.Data = trimZeros(field[:])
	attr.set(n)
	return p.emitNode(n, emit)
}

// trimZeros cuts leading zero bytes off: a bitfield is a big-endian number.
func trimZeros(b []byte) []byte {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return b
}
