// Package manifest sees the DAG of one root in two ways: as a list of distinct blocks, which two
// peers number alike (Manifest, Builder, pages), and as files made of leaves (Layout, Reader).
//
// It knows no network and no disk: blocks come from a function that the caller hands in. DAGs come
// from strangers, so every count is bounded by Limits before anything is allocated for it. It does
// not look at names: whoever writes files checks them with contentaddr/names. Start reading at
// Manifest, then Builder, then Layout.
package manifest

import (
	"context"

	"github.com/ipfs/go-cid"
)

// Get returns the verified block of c. The slice stays as it is after Get has returned: Reader
// keeps some of them.
type Get func(ctx context.Context, c cid.Cid) ([]byte, error)

// Stat tells what is known of a block without reading it: whether it is a leaf, and its bytes.
// When ok is false, Build reads the block to find out.
type Stat func(c cid.Cid) (leaf bool, size int, ok bool)

// Entry is one distinct block of a DAG.
type Entry struct {
	Cid  cid.Cid
	Leaf bool   // holds file content and no links
	Size uint32 // bytes of the block
}

// Manifest lists the blocks of a root depth first (a node before its links, links in order), each
// distinct CID once; identity CIDs are left out, as they carry their own block. It takes less than
// 50 bytes an entry. It may still be growing: entries below a Len once read never change. Safe for
// concurrent use.
type Manifest struct{}

// Root returns the CID whose DAG this is.
func (m *Manifest) Root() cid.Cid { panic("soon") }

// Len returns the number of entries known so far.
func (m *Manifest) Len() int { panic("soon") }

// Entry returns entry i, 0 <= i < Len.
func (m *Manifest) Entry(i int) Entry { panic("soon") }

// Leaves returns the number of leaves known so far.
func (m *Manifest) Leaves() int { panic("soon") }

// Leaf returns leaf i, 0 <= i < Leaves.
func (m *Manifest) Leaf(i int) Entry { panic("soon") }

// LeafIndex returns the index of leaf c among the leaves.
func (m *Manifest) LeafIndex(c cid.Cid) (int, bool) { panic("soon") }

// Complete reports whether every block of the DAG is listed.
func (m *Manifest) Complete() bool { panic("soon") }

// Bytes returns the sum of the sizes of the distinct leaves known so far.
func (m *Manifest) Bytes() uint64 { panic("soon") }

// Digest returns the SHA-256 over all entries (a page's kind and size, then the CID): two peers
// with equal digests number the leaves alike.
func (m *Manifest) Digest() [32]byte { panic("soon") }
