package node

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multihash"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/link"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/node/home"
	"github.com/seed4134be55/peer/swarm/wire"
)

// A logbook keeps what a node logs.
type logbook struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.text.Write(p)
}

func (l *logbook) has(s string) bool {
	l.lock.Lock()
	defer l.lock.Unlock()
	return bytes.Contains(l.text.Bytes(), []byte(s))
}

func (l *logbook) String() string {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.text.String()
}

// start runs a peer of its own on loopback, which finds nobody by itself.
func start(t *testing.T, o api.Options) (*Node, *logbook) {
	t.Helper()
	h, err := home.Open(t.TempDir())
	must(t, err)
	o.Reach, o.Modes = "loopback", []string{"none"}
	log := new(logbook)
	n, err := New(Config{Home: h, Options: o, Version: "test", Log: slog.New(slog.NewTextHandler(log, nil))})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		must(t, <-ended)
		must(t, n.Close())
	})
	must(t, n.online(t.Context()))
	return n, log
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A dag is blocks made by hand.
type dag map[cid.Cid][]byte

func (g dag) put(codec, hash uint64, block []byte) cid.Cid {
	sum, err := multihash.Sum(block, hash, -1)
	if err != nil {
		panic(err)
	}
	c := cid.NewCidV1(codec, sum)
	g[c] = block
	return c
}

func (g dag) raw(block []byte) cid.Cid { return g.put(cid.Raw, multihash.SHA2_256, block) }
func (g dag) node(n unixfs.Node) cid.Cid {
	return g.put(cid.DagProtobuf, multihash.SHA2_256, n.Encode())
}
func (g dag) symlink(target string) cid.Cid {
	return g.node(unixfs.Node{Kind: unixfs.Symlink, Data: []byte(target)})
}

func (g dag) folder(entries ...unixfs.Link) cid.Cid {
	return g.node(unixfs.Node{Kind: unixfs.Directory, Links: entries})
}

func named(name string, c cid.Cid) unixfs.Link { return unixfs.Link{Name: name, Cid: c} }

type part struct {
	cid  cid.Cid
	size uint64
}

// file returns a file node that says it has more bytes than its parts.
func (g dag) file(more uint64, parts ...part) cid.Cid {
	n := unixfs.Node{Kind: unixfs.File, FileSize: more, HasFileSize: true}
	for _, p := range parts {
		n.Links = append(n.Links, unixfs.Link{Cid: p.cid})
		n.BlockSizes = append(n.BlockSizes, p.size)
		n.FileSize += p.size
	}
	return g.node(n)
}

// A holder serves a DAG by the protocol, and whatever DAG that is.
type holder struct {
	dag
	host    host.Host
	root    cid.Cid
	entries [][]byte // of the manifest, as in a page
	leaves  []cid.Cid
	digest  [32]byte
	spoil   func(i int, block []byte) []byte

	lock sync.Mutex
	data map[wire.SessionID]chan network.Stream
}

func (g dag) serve(t *testing.T, root cid.Cid) *holder {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay(), libp2p.DisableMetrics())
	must(t, err)
	t.Cleanup(func() { h.Close() })
	v := &holder{dag: g, host: h, root: root, data: make(map[wire.SessionID]chan network.Stream)}
	sum := sha256.New()
	v.list(root, make(map[cid.Cid]bool), func(head []byte, c cid.Cid) {
		sum.Write(head)
		sum.Write(c.Bytes())
	})
	sum.Sum(v.digest[:0])
	h.SetStreamHandler(wire.Control, v.control)
	h.SetStreamHandler(wire.Data, func(s network.Stream) {
		var id wire.SessionID
		if _, err := s.Read(id[:]); err == nil {
			v.streams(id) <- s
		}
	})
	return v
}

// list walks the DAG as a manifest lists it, without any limit.
func (v *holder) list(c cid.Cid, seen map[cid.Cid]bool, sum func(head []byte, c cid.Cid)) {
	if inline, ok := contentaddr.Identity(c); ok {
		if n, err := unixfs.Parse(c, inline); err == nil {
			v.below(n, seen, sum)
		}
		return
	}
	if seen[c] {
		return
	}
	seen[c] = true
	block := v.dag[c]
	n, err := unixfs.Parse(c, block)
	leaf := c.Type() == cid.Raw || err == nil && n.IsLeaf()
	kind := byte(2)
	if leaf {
		kind = 1
		v.leaves = append(v.leaves, c)
	}
	head := binary.AppendUvarint([]byte{kind}, uint64(len(block)))
	sum(head, c)
	if leaf {
		v.entries = append(v.entries, head)
		return
	}
	v.entries = append(v.entries, append(head, block...))
	if err == nil {
		v.below(n, seen, sum)
	}
}

func (v *holder) below(n *unixfs.Node, seen map[cid.Cid]bool, sum func([]byte, cid.Cid)) {
	for _, l := range n.Links {
		v.list(l.Cid, seen, sum)
	}
}

func (v *holder) streams(id wire.SessionID) chan network.Stream {
	v.lock.Lock()
	defer v.lock.Unlock()
	if v.data[id] == nil {
		v.data[id] = make(chan network.Stream, 1)
	}
	return v.data[id]
}

// control answers one wanter.
func (v *holder) control(s network.Stream) {
	defer s.Reset()
	in, out := wire.NewReader(s), wire.NewWriter(s)
	m, err := in.Next()
	hello, ok := m.(wire.Hello)
	if err != nil || !ok || out.Write(hello) != nil {
		return
	}
	var data network.Stream
	for err == nil {
		if m, err = in.Next(); err != nil {
			return
		}
		if data == nil {
			data = <-v.streams(hello.Session)
		}
		switch m := m.(type) {
		case wire.Open:
			err = out.Write(wire.Opened{
				Channel: m.Channel, Complete: true, Entries: uint32(len(v.entries)), Leaves: uint32(len(v.leaves)), Digest: v.digest,
				Have: wire.HaveAll,
			}, wire.Unchoke{Channel: m.Channel})
		case wire.GetManifest:
			page, n := v.page(int(m.From), int(m.MaxBytes))
			err = send(data, page, uint64(wire.FramePage), uint64(m.Channel), uint64(m.From), uint64(n))
		case wire.Request:
			for _, r := range m.Leaves {
				for i := r.First; i < r.First+r.Count && err == nil; i++ {
					err = send(data, v.leaf(int(i)), uint64(wire.FrameLeaf), uint64(m.Channel), uint64(i))
				}
			}
		case wire.RequestBlock:
			err = send(data, v.dag[m.Block], uint64(wire.FrameBlock), uint64(m.Channel), m.Tag)
		}
	}
}

func (v *holder) leaf(i int) []byte {
	block := v.dag[v.leaves[i]]
	if v.spoil != nil {
		block = v.spoil(i, block)
	}
	return block
}

func (v *holder) page(from, most int) (page []byte, n int) {
	for ; from+n < len(v.entries) && (n == 0 || len(page)+len(v.entries[from+n]) <= most); n++ {
		page = append(page, v.entries[from+n]...)
	}
	return page, n
}

func send(s network.Stream, payload []byte, fields ...uint64) error {
	var frame []byte
	for _, f := range append(fields, uint64(len(payload))) {
		frame = binary.AppendUvarint(frame, f)
	}
	_, err := s.Write(append(frame, payload...))
	return err
}

// addrs are a host's addresses as links hold them.
func addrs(h host.Host) (all []multiaddr.Multiaddr) {
	for _, a := range h.Addrs() {
		all = append(all, a.Encapsulate(multiaddr.StringCast("/p2p/"+h.ID().String())))
	}
	return all
}

// link returns the link of what v serves, to save as name.
func (v *holder) link(name string) string {
	return link.Link{Cid: v.root, Name: name, Addrs: addrs(v.host)}.String()
}

// tree tells of everything below a folder: paths, modes, contents, targets.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		what := e.Type().String()
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			all[path] = what + target
			return err
		case e.Type().IsRegular():
			content, err := os.ReadFile(path)
			all[path] = what + string(content)
			return err
		}
		all[path] = what
		return nil
	}))
	return all
}

// get runs the verb and collects its events.
func get(t *testing.T, n *Node, r api.GetRequest) (events []api.Event, err error) {
	t.Helper()
	var lock sync.Mutex
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = n.Get(ctx, r, func(e api.Event) {
		lock.Lock()
		defer lock.Unlock()
		events = append(events, e)
	})
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatal("it never ends")
	}
	return events, err
}

// measure watches the live heap and the clock until what it returns is called.
func measure() (done func() (took time.Duration, more uint64)) {
	old := debug.SetGCPercent(20) // so that the heap is what is live, and little more
	heap := func() uint64 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	debug.FreeOSMemory()
	before, peak := heap(), uint64(0)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		clock := time.NewTicker(time.Millisecond)
		defer clock.Stop()
		for {
			select {
			case <-stop:
				return
			case <-clock.C:
				peak = max(peak, heap())
			}
		}
	}()
	began := time.Now()
	return func() (time.Duration, uint64) {
		took := time.Since(began)
		close(stop)
		<-ended
		debug.SetGCPercent(old)
		return took, max(peak, before) - before
	}
}
