package manifest

import (
	"context"
	"crypto/sha256"
	"math/rand/v2"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

// blocks is a store for tests.
type blocks map[cid.Cid][]byte

func (b blocks) get(_ context.Context, c cid.Cid) ([]byte, error) {
	block, ok := b[c]
	if !ok {
		return nil, fault.New(fault.NotFound, "no block %s", c)
	}
	return block, contentaddr.Verify(c, block)
}

func (b blocks) block(c cid.Cid) ([]byte, error) { return b.get(context.Background(), c) }

func (b blocks) emit(c cid.Cid, block []byte) error {
	b[c] = block
	return nil
}

// put stores a block under a CIDv1 and returns the CID.
func (b blocks) put(codec uint64, block []byte) cid.Cid {
	sum := sha256.Sum256(block)
	hash, err := multihash.Encode(sum[:], multihash.SHA2_256)
	if err != nil {
		panic(err)
	}
	c := cid.NewCidV1(codec, hash)
	b[c] = block
	return c
}

func (b blocks) raw(data []byte) cid.Cid     { return b.put(cid.Raw, data) }
func (b blocks) node(n *unixfs.Node) cid.Cid { return b.put(cid.DagProtobuf, n.Encode()) }

// file stores a file node over links, each with its payload.
func (b blocks) file(data []byte, parts ...part) cid.Cid {
	n := &unixfs.Node{Kind: unixfs.File, Data: data, FileSize: uint64(len(data)), HasFileSize: true}
	for _, p := range parts {
		n.Links = append(n.Links, unixfs.Link{Cid: p.cid})
		n.BlockSizes = append(n.BlockSizes, p.size)
		n.FileSize += p.size
	}
	return b.node(n)
}

type part struct {
	cid  cid.Cid
	size uint64
}

// folder stores a plain folder.
func (b blocks) folder(entries ...unixfs.Link) cid.Cid {
	return b.node(&unixfs.Node{Kind: unixfs.Directory, Links: entries})
}

func identity(codec uint64, data []byte) cid.Cid {
	hash, err := multihash.Encode(data, multihash.IDENTITY)
	if err != nil {
		panic(err)
	}
	return cid.NewCidV1(codec, hash)
}

func (b blocks) build(t testing.TB, root cid.Cid) *Manifest {
	t.Helper()
	m, err := Build(t.Context(), root, b.get, nil, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (b blocks) layout(t testing.TB, m *Manifest) *Layout {
	t.Helper()
	l, err := NewLayout(t.Context(), m, b.get, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// pages streams m to a new builder in pages of at most size bytes.
func (b blocks) pages(m *Manifest, size int) (*Manifest, blocks, error) {
	to, kept := NewBuilder(m.Root(), DefaultLimits()), blocks{}
	for from := 0; from < m.Len(); {
		page, n, err := AppendPage(nil, m, from, size, b.block)
		if err != nil {
			return nil, nil, err
		}
		err = ReadPage(page, to, func(c cid.Cid, block []byte) error {
			kept[c] = append([]byte(nil), block...)
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
		from += n
	}
	return to.Manifest(), kept, nil
}
