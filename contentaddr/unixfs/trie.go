package unixfs

import (
	"math/bits"

	"github.com/spaolacci/murmur3"
)

// hashBits is how many bits the hash of a name has: murmur3-x64-64.
const hashBits = 64

// hashOf returns the hash that is the place of name in a trie. Its first bit is the most significant.
func hashOf(name string) uint64 { return murmur3.Sum64([]byte(name)) }

// maxDepth returns how many levels of shards a hash has bits for: each takes log2(fanout) of them.
func maxDepth(fanout uint64) int { return hashBits / bits.TrailingZeros64(fanout) }

// slot returns which slot of a shard at depth (the root's is 0) an entry with that hash is in.
func slot(hash uint64, depth int, fanout uint64) int {
	width := bits.TrailingZeros64(fanout)
	return int(hash << (depth * width) >> (hashBits - width))
}

// place is the inverse of slot: the hash bits that a slot of a shard at depth stands for.
func place(at, depth int, fanout uint64) uint64 {
	width := bits.TrailingZeros64(fanout)
	return uint64(at) << (hashBits - (depth+1)*width)
}

// under reports whether the first levels' bits of hash are those of path.
func under(hash, path uint64, levels int, fanout uint64) bool {
	used := levels * bits.TrailingZeros64(fanout)
	return (hash^path)>>(hashBits-used) == 0
}
