// Package manifest sees the DAG of one root in two ways: as a list of distinct blocks, which two
// peers number alike (Manifest, Builder, pages), and as files made of leaves (Layout, Reader).
//
// It knows no network and no disk: blocks come from a function that the caller hands in. DAGs come
// from strangers, so every count is bounded by Limits before anything is allocated for it. It does
// not look at names: whoever writes files checks them with contentaddr/names. Start reading at
// Manifest, then Builder, then Layout.
package manifest

import (
	"crypto/sha256"
	"encoding/binary"
	"sort"
	"sync"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/unixfs"
)

// Get returns the verified block of c, which is never an identity CID. The slice stays as it is
// after Get has returned: Reader keeps some of them.
type Get = unixfs.Get

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
// distinct CID once; identity CIDs are left out, as they carry their own block. It takes about 50
// bytes an entry. It may still be growing: entries below a Len once read never change. Safe for
// concurrent use.
type Manifest struct {
	root cid.Cid

	mu       sync.RWMutex
	list     list
	leaves   []uint32 // leaf index -> entry index
	bytes    uint64
	inner    uint64 // bytes of the inner blocks
	complete bool
	digest   *[32]byte // once complete and asked for
}

// Root returns the CID whose DAG this is.
func (m *Manifest) Root() cid.Cid { return m.root }

// Len returns the number of entries known so far.
func (m *Manifest) Len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.list.len()
}

// Entry returns entry i, 0 <= i < Len.
func (m *Manifest) Entry(i int) Entry {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.list.entry(i)
}

// Leaves returns the number of leaves known so far.
func (m *Manifest) Leaves() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.leaves)
}

// Leaf returns leaf i, 0 <= i < Leaves.
func (m *Manifest) Leaf(i int) Entry {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.list.entry(int(m.leaves[i]))
}

// LeafIndex returns the index of leaf c among the leaves.
func (m *Manifest) LeafIndex(c cid.Cid) (int, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	at, ok := m.list.find(c)
	if !ok || !m.list.at(at).leaf() {
		return 0, false
	}
	return m.leafRank(at), true
}

// leafRank returns how many leaves come before entry at.
func (m *Manifest) leafRank(at int) int {
	return sort.Search(len(m.leaves), func(i int) bool { return int(m.leaves[i]) >= at })
}

// Complete reports whether every block of the DAG is listed.
func (m *Manifest) Complete() bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.complete
}

// Bytes returns the sum of the sizes of the distinct leaves known so far.
func (m *Manifest) Bytes() uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.bytes
}

// Digest returns the SHA-256 over all entries known so far (each the kind and size as in a page,
// then the CID): two peers with equal digests number the leaves alike.
func (m *Manifest) Digest() [32]byte {
	m.mu.RLock()
	known := m.digest
	m.mu.RUnlock()
	if known != nil {
		return *known
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := m.sum()
	if m.complete {
		m.digest = &sum
	}
	return sum
}

func (m *Manifest) sum() (sum [32]byte) {
	h := sha256.New()
	var b []byte
	for i := range m.list.len() {
		meta := m.list.at(i)
		b = appendHead(b[:0], meta.leaf(), meta.size())
		b = m.list.appendCID(b, i)
		h.Write(b)
	}
	h.Sum(sum[:0])
	return sum
}

// appendHead appends what a page and a digest have in common of an entry.
func appendHead(b []byte, leaf bool, size uint32) []byte {
	kind := byte(kindInner)
	if leaf {
		kind = kindLeaf
	}
	return binary.AppendUvarint(append(b, kind), uint64(size))
}

// find returns the entry of c.
func (m *Manifest) find(c cid.Cid) (at int, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.list.find(c)
}

// add lists c, which is not listed yet.
func (m *Manifest) add(c cid.Cid, leaf bool, size uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if leaf {
		m.leaves = append(m.leaves, uint32(m.list.len()))
		m.bytes += uint64(size)
	} else {
		m.inner += uint64(size)
	}
	m.list.add(c, leaf, size)
}

func (m *Manifest) finish() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.complete = true
}
