package swarm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	mh "github.com/multiformats/go-multihash"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/contentaddr/store"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/reach"
)

// A file is a small DAG: one inner node over leaves of random bytes.
type file struct {
	root   cid.Cid
	blocks map[cid.Cid][]byte
	m      *manifest.Manifest
}

func newFile(t *testing.T, seed uint64, leaves, size int) *file {
	t.Helper()
	f := &file{blocks: make(map[cid.Cid][]byte)}
	n := &unixfs.Node{Kind: unixfs.File, FileSize: uint64(leaves * size), HasFileSize: true}
	for i := range leaves {
		block := make([]byte, 0, size)
		for at := 0; len(block) < size; at++ {
			sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, seed<<40|uint64(i)<<20|uint64(at)))
			block = append(block, sum[:min(32, size-len(block))]...)
		}
		n.Links = append(n.Links, unixfs.Link{Cid: f.add(t, cid.Raw, block), Tsize: uint64(size)})
		n.BlockSizes = append(n.BlockSizes, uint64(size))
	}
	f.root = f.add(t, cid.DagProtobuf, n.Encode())
	m, err := manifest.Build(t.Context(), f.root, f.get, nil, manifest.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	f.m = m
	return f
}

func (f *file) add(t testing.TB, codec uint64, block []byte) cid.Cid {
	t.Helper()
	sum, err := mh.Sum(block, mh.SHA2_256, -1)
	if err != nil {
		t.Fatal(err)
	}
	c := cid.NewCidV1(codec, sum)
	f.blocks[c] = block
	return c
}

func (f *file) get(_ context.Context, c cid.Cid) ([]byte, error) {
	if b, ok := f.blocks[c]; ok {
		return b, nil
	}
	return nil, fault.New(fault.NotFound, "no block %s", c)
}

// held is a Content and a Sink in memory: what one peer has of a file.
type held struct {
	*file
	lock     sync.Mutex
	have     *bitfield.Bitfield
	planned  bool
	spoil    func(i int, block []byte) []byte // what it sends instead
	honest   bool                             // withdraws all that it spoiled when somebody complains
	rechecks int
	failPut  error
	changes  map[chan store.Change]bool
}

func newHeld(f *file, whole bool) *held {
	h := &held{file: f, have: bitfield.New(f.m.Leaves()), planned: whole, changes: make(map[chan store.Change]bool)}
	if whole {
		h.have = bitfield.Full(f.m.Leaves())
	}
	return h
}

func (h *held) Open(_ context.Context, root cid.Cid, _ peer.ID, _ []byte) (Content, error) {
	if !root.Equals(h.root) {
		return nil, fault.New(fault.NotFound, "not here")
	}
	return h, nil
}

func (h *held) Manifest() *manifest.Manifest {
	h.lock.Lock()
	defer h.lock.Unlock()
	if h.planned {
		return h.m
	}
	return manifest.NewBuilder(h.root, manifest.DefaultLimits()).Manifest()
}

func (h *held) Have() *bitfield.Bitfield {
	h.lock.Lock()
	defer h.lock.Unlock()
	return h.have.Clone()
}

func (h *held) ReadLeaf(ctx context.Context, i int, buf []byte) ([]byte, error) {
	h.lock.Lock()
	defer h.lock.Unlock()
	if !h.have.Has(i) {
		return nil, store.ErrWithdrawn
	}
	block, err := h.get(ctx, h.m.Leaf(i).Cid)
	if err == nil && h.spoil != nil {
		block = h.spoil(i, block)
	}
	return append(buf[:0], block...), err
}

func (h *held) Recheck(ctx context.Context, _ int) bool {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.rechecks++
	if !h.honest {
		return false
	}
	for i := range h.m.Leaves() {
		block, _ := h.get(ctx, h.m.Leaf(i).Cid)
		if h.have.Has(i) && !bytes.Equal(block, h.spoil(i, block)) {
			h.have.Clear(i)
			h.tell(store.Change{First: i, Count: 1, Withdrawn: true})
		}
	}
	return true
}

func (h *held) Changes() (<-chan store.Change, func()) {
	ch := make(chan store.Change, 4096)
	h.lock.Lock()
	defer h.lock.Unlock()
	h.changes[ch] = true
	return ch, func() {
		h.lock.Lock()
		defer h.lock.Unlock()
		delete(h.changes, ch)
	}
}

// tell is called with the lock held.
func (h *held) tell(c store.Change) {
	for ch := range h.changes {
		ch <- c
	}
}

func (h *held) Plan(context.Context, *manifest.Manifest) (have, want *bitfield.Bitfield, err error) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.planned = true
	h.tell(store.Change{Lost: true})
	return h.have.Clone(), nil, nil
}

func (h *held) Put(i int, block []byte) error {
	if err := contentaddr.Verify(h.m.Leaf(i).Cid, block); err != nil {
		return err
	}
	h.lock.Lock()
	defer h.lock.Unlock()
	if h.failPut != nil {
		return h.failPut
	}
	h.have.Set(i)
	h.tell(store.Change{First: i, Count: 1})
	return nil
}

func (h *held) Node(ctx context.Context, c cid.Cid) ([]byte, error) { return h.get(ctx, c) }

func (h *held) PutNode(cid.Cid, []byte) error { return nil }

// A member is one peer of a test's swarm.
type member struct {
	*held
	swarm *Swarm
	host  host.Host
}

func (m *member) info() peer.AddrInfo {
	return peer.AddrInfo{ID: m.host.ID(), Addrs: m.host.Addrs()}
}

// joinLimited is join for a peer that sends no more than so many bytes a second.
func joinLimited(t *testing.T, h *held, up int64) *member {
	t.Helper()
	return join(t, h, func(c *Config) { c.LimitUp = up })
}

// join starts a peer that holds h; with changes its Config.
func join(t *testing.T, h *held, with ...func(*Config)) *member {
	t.Helper()
	hst, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.EnableRelay(), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Host: hst, Library: h, Exchanges: reach.Loopback.Exchanges}
	for _, w := range with {
		w(&cfg)
	}
	m := &member{held: h, host: cfg.Host, swarm: New(cfg)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		m.swarm.Run(ctx)
		close(done)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		hst.Close()
	})
	return m
}

// download fetches the file from the members given and returns the session and its error.
func (m *member) download(t *testing.T, timeout time.Duration, from ...*member) (*Session, error) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	s := m.swarm.Session(SessionConfig{Root: m.root, Sink: m.held, Timeout: timeout, Rand: rand.New(rand.NewPCG(seed, 0))})
	for i, f := range from {
		s.AddPeer(f.info(), fmt.Sprint("member ", i))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return s, s.Run(ctx)
}
