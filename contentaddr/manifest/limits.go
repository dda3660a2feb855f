package manifest

import (
	"math"

	"github.com/seed4134be55/peer/fault"
)

// Limits bound what a DAG from a stranger may cost. What a limit refuses is fault.Corrupt, and the
// error names the limit.
//
// A small DAG can expand into a huge tree, as one block can be linked from many places. That is
// honest of large files with much repetition (a sparse disk image) and of copied folders, so the
// expansion is bounded in two ways: what it costs in memory (names and extents) by Expand and the
// bytes that were really sent, and what it costs in time (Occurrences) by the payload it stands for.
type Limits struct {
	Depth       int   // nodes on the longest path from the root
	FileDepth   int   // of those, nodes of one file
	Entries     int   // distinct blocks; no more than 1<<24 - 1 whatever it says
	Pending     int   // bytes of links that are known but not listed yet
	Bytes       int64 // payload bytes of all files, each occurrence counted
	Occurrences int64 // places of leaves
	Expand      int64 // names, and extents, that any DAG may have; one more for each 32 bytes of its inner blocks
	LeafBytes   int64 // places of leaves beyond Expand must have this many payload bytes on average
	Literals    int64 // payload bytes that inner nodes and identity CIDs carry, each distinct one counted once
}

// DefaultLimits returns limits that honest DAGs pass with room: 1,024 folders deep (each a hash trie),
// trickle layouts, chunks of 4 KiB, 40 GB and more in 16 million blocks, a million copies of one file.
func DefaultLimits() Limits {
	return Limits{
		Depth:       4096,
		FileDepth:   64,
		Entries:     maxEntries,
		Pending:     32 << 20,
		Bytes:       1 << 47, // 128 TiB: Occurrences leaves of 2 MiB
		Occurrences: 1 << 26,
		Expand:      1 << 20,
		LeafBytes:   4 << 10,
		Literals:    32 << 20,
	}
}

// inflation is how many bytes of inner blocks allow one name or extent more. A link takes more than
// that, so what is linked once always passes.
const inflation = 32

// allowance returns how many names and extents a DAG with so many bytes of inner blocks may have. It
// stays far inside an int32, which counts them.
func (lim Limits) allowance(innerBytes uint64) int64 {
	return min(addSat(lim.Expand, int64(innerBytes/inflation)), 1<<28)
}

func exceeds(what string, got, most int64) error {
	if got == math.MaxInt64 {
		return fault.New(fault.Corrupt, "limit: %s: at most %d are accepted, this has far more", what, most)
	}
	return fault.New(fault.Corrupt, "limit: %s: at most %d are accepted, this has %d", what, most, got)
}

// addSat adds two counts; what does not fit stays at the largest.
func addSat(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
