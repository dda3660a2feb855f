package swarm

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/swarm/wire"
)

// moreMemory is what an attack may cost, in bytes.
const moreMemory = 64 << 20

// A keeper is a Sink that keeps blocks by CID, and so whatever manifest it is told.
type keeper struct {
	most uint64 // bytes that it has room for; 0: any

	lock   sync.Mutex
	m      *manifest.Manifest
	blocks map[cid.Cid][]byte
	bad    int
}

func (k *keeper) PutNode(c cid.Cid, block []byte) error { return contentaddr.Verify(c, block) }

func (k *keeper) Plan(_ context.Context, m *manifest.Manifest) (have, want *bitfield.Bitfield, err error) {
	k.lock.Lock()
	defer k.lock.Unlock()
	if k.most > 0 && m.Bytes() > k.most {
		return nil, nil, fault.New(fault.NoSpace, "it would not fit")
	}
	k.m = m
	have = bitfield.New(m.Leaves())
	for i := range m.Leaves() {
		if k.blocks[m.Leaf(i).Cid] != nil {
			have.Set(i)
		}
	}
	return have, nil, nil
}

func (k *keeper) Put(i int, block []byte) error {
	k.lock.Lock()
	defer k.lock.Unlock()
	e := k.m.Leaf(i)
	if err := contentaddr.Verify(e.Cid, block); err != nil {
		k.bad++
		return err
	}
	if err := manifest.CheckLeaf(e, block); err != nil {
		return err
	}
	if k.blocks == nil {
		k.blocks = make(map[cid.Cid][]byte)
	}
	k.blocks[e.Cid] = append([]byte(nil), block...)
	return nil
}

// check fails unless k has every leaf of f.
func (k *keeper) check(t *testing.T, f *file) {
	t.Helper()
	for i := range f.m.Leaves() {
		if string(k.blocks[f.m.Leaf(i).Cid]) != string(f.block(i)) {
			t.Fatalf("leaf %d is missing or wrong", i)
		}
	}
}

// A logbook remembers whom a session cut off, and why.
type logbook struct {
	lock sync.Mutex
	cut  map[peer.ID]string
}

func (l *logbook) Enabled(context.Context, slog.Level) bool { return true }
func (l *logbook) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logbook) WithGroup(string) slog.Handler            { return l }

func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "source cut off" {
		return nil
	}
	var id peer.ID
	var why string
	r.Attrs(func(a slog.Attr) bool {
		switch v := a.Value.Any().(type) {
		case peer.ID:
			id = v
		case error:
			why = v.Error()
		}
		return true
	})
	l.lock.Lock()
	defer l.lock.Unlock()
	l.cut[id] = why
	return nil
}

// why returns why a peer was cut off, "" if it was not.
func (l *logbook) why(id peer.ID) string {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.cut[id]
}

// A victim is a session under way.
type victim struct {
	*Session
	*keeper
	log  *logbook
	ends chan error
}

// attack starts a session that knows the peers given.
func attack(t *testing.T, f *file, k *keeper, from ...peer.AddrInfo) *victim {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	leech := join(t, newHeld(f, false))
	v := &victim{keeper: k, log: &logbook{cut: make(map[peer.ID]string)}, ends: make(chan error, 1)}
	v.Session = leech.swarm.Session(SessionConfig{
		Root: f.root, Sink: k, Rand: rand.New(rand.NewPCG(seed, 0)), Log: slog.New(v.log), Timeout: 30 * time.Second,
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	go func() { v.ends <- v.Run(ctx) }()
	for i, p := range from {
		v.AddPeer(p, fmt.Sprint("peer ", i))
	}
	return v
}

// unchoked tells whether a source may be asked for leaves.
func (v *victim) unchoked(id peer.ID) bool {
	return slices.ContainsFunc(v.Status().Sources, func(s SourceStatus) bool { return s.ID == id && !s.Choked })
}

// end waits for the session to have everything of f.
func (v *victim) end(t *testing.T, f *file) {
	t.Helper()
	if err := <-v.ends; err != nil {
		t.Fatal(err)
	}
	v.check(t, f)
}

// waitFor waits until ok.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	clock := time.NewTicker(time.Millisecond)
	defer clock.Stop()
	for end := time.Now().Add(30 * time.Second); !ok(); <-clock.C {
		if time.Now().After(end) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// measure watches the live heap until what it returns is called, which fails if it grew too much.
func measure(t *testing.T) (done func()) {
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
	return func() {
		t.Helper()
		close(stop)
		<-ended
		debug.SetGCPercent(old)
		more := max(peak, before) - before
		t.Logf("%d KiB more memory", more>>10)
		if more > moreMemory {
			t.Errorf("%d MiB more memory", more>>20)
		}
	}
}

// One of four sources sends wrong bytes for a tenth of its leaves. Somebody else downloads from the one that it
// lies to.
func TestTenthOfTheBlocksWrong(t *testing.T) {
	f := newFile(t, 20, 300, 8<<10)
	for range 100 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			liar := newVillain(t, f, func(v *villain) {
				v.leaf = func(t *talk, i int) {
					block := t.block(i)
					if random.IntN(10) == 0 {
						block = bent(block)
					}
					t.sendLeaf(i, block)
				}
			})
			v := attack(t, f, new(keeper), liar.info())
			waitFor(t, "the liar is asked", func() bool { return liar.asked.Load() > 0 })
			var honest []*member
			for range 3 {
				m := join(t, newHeld(f, true))
				honest = append(honest, m)
				v.AddPeer(m.info(), "honest")
			}
			v.end(t, f)
			if src := v.sources[liar.host.ID()]; src != nil && src.suspect.IsZero() {
				t.Error("the liar is believed")
			}
			for _, m := range honest {
				if why := v.log.why(m.host.ID()); why != "" {
					t.Errorf("an honest source was cut off: %s", why)
				}
			}
			// Those that other workers are at when one is found bad are looked at to the end.
			if most := maxBad + workersPerCore*runtime.GOMAXPROCS(0) - 1; v.bad > most {
				t.Errorf("%d bad blocks were looked at", v.bad)
			}
			if n := liar.opens.Load(); n != 1 {
				t.Errorf("the liar was dialled %d times", n)
			}
		})
	}
}

// A liar that withdraws whatever it is caught at has three attempts too.
func TestWithdrawingForEver(t *testing.T) {
	f := newFile(t, 21, 50, 1000)
	liar := newVillain(t, f, func(v *villain) {
		lied := false
		v.leaf = func(t *talk, i int) {
			if !lied {
				lied = true
				t.sendLeaf(i, bent(t.block(i)))
			}
		}
		v.complaint = func(t *talk, m wire.Complaint) {
			lied = false
			t.say(wire.Withdrawn{Channel: m.Channel, Leaves: []wire.Range{{First: m.Leaf, Count: 1}}})
		}
	})
	v := attack(t, f, new(keeper), liar.info())
	waitFor(t, "it is cut off", func() bool { return v.log.why(liar.host.ID()) != "" })
	v.AddPeer(join(t, newHeld(f, true)).info(), "honest")
	v.end(t, f)
}

// newTree is a folder with a file of two levels, one that is a dag-pb leaf, and raw leaves.
func newTree(t *testing.T) *file {
	t.Helper()
	f := newFile(t, 22, 6, 500)
	top := &unixfs.Node{
		Kind: unixfs.File, Links: []unixfs.Link{{Cid: f.root}}, BlockSizes: []uint64{3000}, FileSize: 3000, HasFileSize: true,
	}
	dagLeaf := &unixfs.Node{Kind: unixfs.File, Data: []byte("a leaf in a frame"), FileSize: 17, HasFileSize: true}
	folder := &unixfs.Node{Kind: unixfs.Directory, Links: []unixfs.Link{
		{Name: "a", Cid: f.add(t, cid.Raw, []byte("a raw leaf"))},
		{Name: "b", Cid: f.add(t, cid.DagProtobuf, top.Encode())},
		{Name: "c", Cid: f.add(t, cid.DagProtobuf, dagLeaf.Encode())},
		{Name: "d", Cid: f.add(t, cid.Raw, []byte("another raw leaf"))},
	}}
	f.root = f.add(t, cid.DagProtobuf, folder.Encode())
	m, err := manifest.Build(t.Context(), f.root, f.get, nil, manifest.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	f.m = m
	return f
}

// entry returns entry i as in a page.
func (f *file) entry(i int) []byte {
	e := f.m.Entry(i)
	if e.Leaf {
		return leafEntry(int(e.Size))
	}
	return innerEntry(f.blocks[e.Cid])
}

// find returns the first entry, from one on, that is a leaf or not, dag-pb or not.
func (f *file) find(from int, leaf bool, codec uint64) int {
	for i := from; ; i++ {
		if e := f.m.Entry(i); e.Leaf == leaf && e.Cid.Type() == codec {
			return i
		}
	}
}

// What a source can say of a manifest that is not so, and what becomes of it. The honest source, which is met
// later and must go on with or begin again, is never cut off.
func TestManifestLies(t *testing.T) {
	f := newTree(t)
	upTo := func(n int) (page []byte) {
		for i := range n {
			page = append(page, f.entry(i)...)
		}
		return page
	}
	inner, leaf, raw := f.find(2, false, cid.DagProtobuf), f.find(0, true, cid.DagProtobuf), f.find(0, true, cid.Raw)
	for name, c := range map[string]struct {
		page   []byte
		silent bool // sends one page and leaves
		most   uint64
		cut    bool
	}{
		"a leaf as an inner node":      {page: append(upTo(leaf), innerEntry(f.blocks[f.m.Entry(leaf).Cid])...), cut: true},
		"a raw leaf as an inner node":  {page: append(upTo(raw), innerEntry(f.blocks[f.m.Entry(raw).Cid])...), cut: true},
		"another block":                {page: innerEntry(bent(f.blocks[f.root])), cut: true},
		"an empty page":                {cut: true},
		"an entry cut short":           {page: upTo(1)[:20], cut: true},
		"an entry of unknown kind":     {page: []byte{3, 1}, cut: true},
		"a size that no block has":     {page: append(upTo(1), leafEntry(3<<20)...), cut: true},
		"more than there is":           {page: append(upTo(f.m.Len()), leafEntry(1)...), cut: true},
		"an inner node as a leaf":      {page: append(upTo(inner), lies(f, inner, 9000)...), cut: true},
		"a leaf of another size":       {page: append(append(upTo(raw), leafEntry(11)...), tail(f, raw+1)...), cut: true},
		"it lies and leaves":           {page: append(upTo(inner), leafEntry(9000)...), silent: true},
		"it lies of a size and leaves": {page: append(upTo(raw), leafEntry(2<<20)...), silent: true, cut: true},
		"sizes that do not fit":        {page: append(append(upTo(raw), leafEntry(2<<20)...), tail(f, raw+1)...), most: 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			honest, known := join(t, newHeld(f, true)), make(chan struct{})
			liar := newVillain(t, f, func(v *villain) {
				v.opened = func(t *talk) {
					t.say(wire.Opened{Channel: t.channel, Complete: true, Entries: wire.MaxLeaves, Leaves: 1, Digest: [32]byte{1}})
				}
				v.page = func(t *talk, m wire.GetManifest) {
					if c.most > 0 {
						<-known // or nobody could say otherwise when the plan fails
					}
					if m.From == 0 {
						t.sendPage(0, c.page)
					}
					if c.silent {
						t.out()
						t.stream.CloseWrite()
					}
				}
			})
			v := attack(t, f, &keeper{most: c.most}, liar.info())
			waitFor(t, "it is asked", func() bool { return liar.pages.Load() > 0 })
			v.AddPeer(honest.info(), "honest")
			waitFor(t, "the honest one is known", func() bool { return v.unchoked(honest.host.ID()) || len(v.ends) > 0 })
			close(known)
			v.end(t, f)
			if why := v.log.why(honest.host.ID()); why != "" {
				t.Errorf("the honest source was cut off: %s", why)
			}
			if why := v.log.why(liar.host.ID()); (why != "") != c.cut {
				t.Errorf("the liar was cut off for %q", why)
			}
		})
	}
}

// lies returns entry i as a leaf of size, and after it what is not below it.
func lies(f *file, i, size int) []byte {
	page := leafEntry(size)
	return append(page, tail(f, f.m.Len()-2)...)
}

// tail returns the entries from one on.
func tail(f *file, from int) (page []byte) {
	for i := from; i < f.m.Len(); i++ {
		page = append(page, f.entry(i)...)
	}
	return page
}

// quick bounds a download that begins at a source of no use and then meets a good one. It takes some six seconds, five
// of which are the patience with the first; a busy machine under the race detector takes longer, and what must not
// be is that it never ends.
const quick = 55 * time.Second

// Sources that promise and do not deliver, beside a good one that is met when they have been asked. None holds a
// piece for long, whatever it says in between.
func TestUselessSources(t *testing.T) {
	f := newFile(t, 23, 40, 20<<10)
	reject := func(reason wire.Rejection) func(v *villain) {
		return func(v *villain) {
			v.leaf = func(t *talk, i int) {
				t.say(wire.Reject{Channel: t.channel, Leaves: []wire.Range{{First: uint32(i), Count: 1}}, Reason: reason})
			}
		}
	}
	for name, c := range map[string]struct {
		do   func(*villain)
		asks int64 // leaves it is asked for, at most
	}{
		"has nothing":           {reject(wire.RejectedNotHere), 40},
		"is overloaded":         {reject(wire.RejectedOverloaded), 400},
		"silent":                {func(v *villain) { v.leaf = func(*talk, int) {} }, 400},
		"silent from the start": {func(v *villain) { v.page = func(*talk, wire.GetManifest) {} }, 0},
		"suggests all, alone, and is silent": {func(v *villain) {
			v.page = func(t *talk, m wire.GetManifest) {
				t.sendPage(int(m.From), t.entries(int(m.From)))
				t.suggest(true, wire.Range{First: 0, Count: 40})
			}
			v.leaf = func(*talk, int) {}
		}, 400},
		"suggests again whatever is asked": {func(v *villain) {
			v.leaf = func(t *talk, i int) {
				t.suggest(true, wire.Range{First: 0, Count: 40})
				t.say(wire.Reject{Channel: t.channel, Leaves: []wire.Range{{First: uint32(i), Count: 1}}, Reason: wire.RejectedElsewhere})
			}
		}, 1 << 20},
		"suggests what it has not": {func(v *villain) {
			v.opened = func(t *talk) {
				t.open(wire.HaveSome)
				t.say(wire.HaveLeaves{Channel: t.channel, Leaves: []wire.Range{{First: 0, Count: 2}}})
				t.suggest(true, wire.Range{First: 0, Count: 40})
			}
			v.leaf = func(*talk, int) {}
		}, 400},
		"opens again and again": {func(v *villain) {
			v.leaf = func(t *talk, i int) {
				if i%8 == 0 {
					t.open(wire.HaveAll)
				}
			}
		}, 20_000},
		"a byte a second": {func(v *villain) {
			v.leaf = func(t *talk, i int) {
				t.frame(frameHeader(wire.FrameLeaf, uint64(t.channel), uint64(i), 20<<10), nil)
				for _, b := range t.block(i) {
					<-time.After(time.Second)
					if !t.frame(nil, []byte{b}) {
						return
					}
				}
			}
		}, 400},
		"a page at a byte a second": {func(v *villain) {
			v.page = func(t *talk, m wire.GetManifest) {
				page := t.entries(int(m.From))
				t.frame(frameHeader(wire.FramePage, uint64(t.channel), uint64(m.From), 1, uint64(len(page))), nil)
				for _, b := range page {
					<-time.After(time.Second)
					if !t.frame(nil, []byte{b}) {
						return
					}
				}
			}
		}, 0},
		"a page from elsewhere": {func(v *villain) {
			v.page = func(t *talk, m wire.GetManifest) { t.sendPage(int(m.From)+1, t.entries(1)) }
		}, 0},
		"chokes and unchokes": {func(v *villain) {
			v.leaf = func(t *talk, i int) { t.say(wire.Choke{Channel: t.channel}, wire.Unchoke{Channel: t.channel}) }
		}, 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			useless := newVillain(t, f, c.do)
			v := attack(t, f, new(keeper), useless.info())
			waitFor(t, "it is asked", func() bool {
				return useless.asked.Load()+useless.pages.Load() > 1 || c.asks == 0 && useless.pages.Load() > 0
			})
			honest := join(t, newHeld(f, true))
			start := time.Now()
			v.AddPeer(honest.info(), "honest")
			v.end(t, f)
			if took := time.Since(start); took > quick {
				t.Errorf("it took %v", took)
			}
			if n := useless.asked.Load(); n > c.asks {
				t.Errorf("it was asked %d times", n)
			}
			if why := v.log.why(honest.host.ID()); why != "" {
				t.Errorf("the honest source was cut off: %s", why)
			}
		})
	}
}

// A source that only promises does not keep a search alive for ever.
func TestPromisesDoNotLast(t *testing.T) {
	f := newFile(t, 24, 4, 1000)
	useless := newVillain(t, f, func(v *villain) { v.leaf = func(t *talk, i int) { t.open(wire.HaveAll) } })
	leech := join(t, newHeld(f, false))
	s := leech.swarm.Session(SessionConfig{Root: f.root, Sink: new(keeper), Timeout: 2 * time.Second})
	s.AddPeer(useless.info(), "")
	if err := s.Run(t.Context()); fault.KindOf(err) != fault.NotFound {
		t.Errorf("%v, want not found", err)
	}
}

// What breaks the protocol ends in being cut off, and not dialled again; what is only too much is slowed down.
// Neither takes memory or keeps a good source from being heard.
func TestFloods(t *testing.T) {
	f := newFile(t, 25, 200, 64<<10)
	block := make([]byte, contentaddr.MaxBlock)
	all := []wire.Range{{First: 0, Count: 200}}
	// forever sends what it is told until nobody listens.
	forever := func(send func(t *talk) bool) func(*villain) {
		return func(v *villain) {
			v.page = func(t *talk, m wire.GetManifest) {
				t.began.Store(true)
				for send(t) {
				}
			}
		}
	}
	// later sends it once leaves are asked for.
	later := func(send func(t *talk) bool) func(*villain) {
		return func(v *villain) {
			v.leaf = func(t *talk, i int) {
				t.began.Store(true)
				for send(t) {
				}
			}
		}
	}
	once := func(send func(t *talk)) func(*villain) {
		return later(func(t *talk) bool { send(t); return false })
	}
	for name, c := range map[string]struct {
		do  func(*villain)
		cut bool
	}{
		"leaves":       {forever(func(t *talk) bool { return t.sendLeaf(1, block) }), true},
		"empty leaves": {forever(func(t *talk) bool { return t.frame(manyEmpty(t), nil) }), true},
		"blocks":       {forever(func(t *talk) bool { return t.sendBlock(1, block) }), true},
		"blocks of other channels": {forever(func(t *talk) bool {
			return t.frame(frameHeader(wire.FrameBlock, 77, 1, uint64(len(block))), block)
		}), true},
		"pages":                {forever(func(t *talk) bool { return t.sendPage(5, block) }), true},
		"pages asked for once": {forever(func(t *talk) bool { return t.sendPage(0, append(t.entries(0), 0)) }), true},
		"a length of 2^62": {once(func(t *talk) {
			t.frame(frameHeader(wire.FrameLeaf, uint64(t.channel), 1, 1<<62), block)
		}), true},
		"a page of 2^31 bytes": {once(func(t *talk) {
			t.frame(frameHeader(wire.FramePage, uint64(t.channel), 0, 1, 1<<31), block)
		}), true},
		"another length":   {once(func(t *talk) { t.sendLeaf(0, block); t.sendLeaf(1, block) }), true},
		"an unknown frame": {once(func(t *talk) { t.frame([]byte{9}, block) }), true},
		"has leaves beyond the manifest": {once(func(t *talk) {
			t.say(wire.HaveLeaves{Channel: t.channel, Leaves: []wire.Range{{First: 1 << 30, Count: 1<<30 - 1}}})
		}), true},
		"bits beyond the manifest": {once(func(t *talk) {
			t.say(wire.HaveBits{Channel: t.channel, First: 192, Bits: []byte{255, 255}})
		}), true},
		"withdraws beyond the manifest": {once(func(t *talk) {
			t.say(wire.Withdrawn{Channel: t.channel, Leaves: []wire.Range{{First: 199, Count: 2}}})
		}), true},
		"rejects beyond the manifest": {once(func(t *talk) {
			t.say(wire.Reject{Channel: t.channel, Leaves: []wire.Range{{First: 200, Count: 1}}, Reason: 1})
		}), true},
		"suggests beyond the manifest": {once(func(t *talk) { t.suggest(false, wire.Range{First: 199, Count: 2}) }), true},
		"suggests all for ever":        {later(func(t *talk) bool { return t.suggest(true, all...) }), false},
		"suggests all for ever, of which some are here": {func(v *villain) {
			v.leaf = func(t *talk, i int) {
				t.sendLeaf(i, t.block(i))
				if t.asked.Load() == 20 {
					t.began.Store(true)
					for t.suggest(false, all...) {
					}
				}
			}
		}, false},
		"suggests before the manifest": {forever(func(t *talk) bool { return t.suggest(true, all...) }), false},
		"a message of 2^40 bytes":      {once(func(t *talk) { t.raw([]byte{255, 255, 255, 255, 255, 31}) }), true},
		"bits before the manifest": {forever(func(t *talk) bool {
			return t.say(wire.HaveBits{Channel: t.channel, Bits: block[:25]})
		}), false},
		"opened with other digests": {later(func(t *talk) bool {
			return t.say(wire.Opened{Channel: t.channel, Complete: true, Entries: 1<<31 - 1, Leaves: 1<<31 - 1, Digest: [32]byte{byte(rand.Int())}, Have: wire.HaveSome})
		}), false},
		"has and withdraws": {later(func(t *talk) bool {
			return t.say(wire.HaveLeaves{Channel: t.channel, Leaves: all}, wire.Withdrawn{Channel: t.channel, Leaves: all})
		}), false},
		"chokes and unchokes": {later(func(t *talk) bool {
			return t.say(wire.Choke{Channel: t.channel}, wire.Unchoke{Channel: t.channel})
		}), false},
		"tells of peers": {forever(func(t *talk) bool { return t.say(strangers(t.channel, wire.MaxPeers)) }), true},
		"tells of more peers than a message holds": {once(func(t *talk) {
			t.raw(encoded(strangers(t.channel, wire.MaxPeers+1)))
		}), true},
		"tells of nonsense": {once(func(t *talk) {
			t.raw(encoded(wire.Peers{Channel: t.channel, Dropped: []peer.ID{"nobody"}}))
		}), true},
		"tells of fifty strangers": {func(v *villain) {
			v.opened = func(t *talk) {
				t.open(wire.HaveAll)
				t.say(strangers(t.channel, wire.MaxPeers))
				t.began.Store(true)
			}
		}, false},
		"tells of peers on no channel": {later(func(t *talk) bool { return t.say(strangers(77, 1)) }), false},
		"what only a wanter says":      {later(func(t *talk) bool { return t.say(wire.Interested{Channel: t.channel}) }), false},
	} {
		t.Run(name, func(t *testing.T) {
			villain := newVillain(t, f, c.do)
			honest := join(t, newHeld(f, true))
			v := attack(t, f, new(keeper))
			enough := measure(t)
			v.AddPeer(villain.info(), "")
			waitFor(t, "it begins", villain.began.Load)
			if c.cut {
				waitFor(t, "it is cut off", func() bool { return v.log.why(villain.host.ID()) != "" })
			}
			start := time.Now()
			v.AddPeer(honest.info(), "honest")
			v.end(t, f)
			enough()
			t.Logf("%v beside it", time.Since(start))
			if took := time.Since(start); took > quick {
				t.Errorf("it took %v", took)
			}
			if n := villain.opens.Load(); c.cut && n != 1 {
				t.Errorf("it was dialled %d times", n)
			}
			if why := v.log.why(villain.host.ID()); (why != "") != c.cut {
				t.Errorf("cut off for %q", why)
			}
			if why := v.log.why(honest.host.ID()); why != "" {
				t.Errorf("the honest source was cut off: %s", why)
			}
		})
	}
}

// manyEmpty is a write full of empty leaves.
func manyEmpty(t *talk) (frames []byte) {
	for len(frames) < 64<<10 {
		frames = append(frames, frameHeader(wire.FrameLeaf, uint64(t.channel), 1, 0)...)
	}
	return frames
}

// A counter is a Receiver that counts what it is told of chokes.
type counter struct {
	*blockSource
	chokes atomic.Int64
}

func (c *counter) Opened(Offer)                     {}
func (c *counter) Choked(bool)                      { c.chokes.Add(1) }
func (c *counter) Peers([]peer.AddrInfo, []peer.ID) {}
func (c *counter) Gone(error)                       {}

// A holder is heard at a pace, whatever it says.
func TestHoldersAreHeardAtAPace(t *testing.T) {
	f := newFile(t, 28, 1, 100)
	flooder := newVillain(t, f, func(v *villain) {
		v.opened = func(t *talk) {
			for t.say(wire.Choke{Channel: t.channel}) {
			}
		}
	})
	c := new(counter)
	start := time.Now()
	source, err := join(t, newHeld(f, false)).swarm.dial(t.Context(), flooder.info(), f.root, c)
	if err != nil {
		t.Fatal(err)
	}
	const beyond = 1000
	waitFor(t, "it is heard", func() bool { return c.chokes.Load() >= messageBurst+beyond })
	source.Close()
	if took := time.Since(start); took < beyond*time.Second/messageRate/2 {
		t.Errorf("%d messages were heard in %v", messageBurst+beyond, took)
	}
	for leaves, want := range map[uint32]int{1: 1, 8 * leavesPerEffort: 9, wire.MaxLeaves: messageBurst} {
		if got := effort(wire.HaveLeaves{Leaves: []wire.Range{{Count: leaves}}}); got != want {
			t.Errorf("to name %d leaves is the effort of %d messages, not of %d", leaves, got, want)
		}
	}
	some := []wire.Range{{Count: 8 * leavesPerEffort}}
	if s, r, c := effort(wire.Suggest{Leaves: some}), effort(wire.Request{Leaves: some}), effort(wire.Cancel{Leaves: some}); s != 129 || r != 9 || c != 9 {
		t.Errorf("to suggest, request and cancel 32768 leaves is the effort of %d, %d and %d messages", s, r, c)
	}
}

// What a source says before the manifest is known is kept within bounds, and one that says too much is asked like
// one of which nothing is known.
func TestSaysTooMuchTooSoon(t *testing.T) {
	s := NewSession(SessionConfig{})
	src := &source{session: s, offer: Offer{Have: wire.HaveSome}}
	s.learn(src, wireHave{bits: []byte{1}})
	if len(src.said) != 1 || src.offer.Have != wire.HaveSome {
		t.Fatal("what it says is not kept")
	}
	enough := measure(t)
	for range 10_000 {
		s.learn(src, wireHave{bits: make([]byte, wire.MaxBits)})
	}
	enough()
	if len(src.said) != 0 || src.offer.Have != wire.HaveUnknown {
		t.Errorf("%d messages are kept", len(src.said))
	}
}

// greedy is what a wanter may do to a server, and whether it is cut off for it.
var greedy = map[string]struct {
	do  func(w *wanter, m *member) // returns when it is done or cut off
	cut bool
}{
	"a million leaves": {func(w *wanter, m *member) {
		for range 1000 {
			w.say(wire.Request{Channel: 1, Leaves: []wire.Range{{First: 0, Count: 1000}}})
		}
	}, true},
	"as many leaves as it may, unread": {func(w *wanter, m *member) {
		for range maxQueued / 64 {
			w.say(wire.Request{Channel: 1, Leaves: []wire.Range{{First: 0, Count: 64}}})
		}
	}, false},
	"pages, unread": {func(w *wanter, m *member) {
		for range 7000 {
			w.say(wire.GetManifest{Channel: 1, MaxBytes: wire.MaxPage})
		}
	}, false},
	"a thousand roots": {func(w *wanter, m *member) {
		refused := 0
		for i := range uint32(1000) {
			w.say(wire.Open{Channel: 2 + i, Root: m.root})
			if r, ok := w.answer().(wire.Refused); ok && r.Reason == wire.RefusedTooMany {
				refused++
			}
		}
		if refused != 1000-maxChannels+1 {
			w.t.Errorf("%d were refused", refused)
		}
	}, false},
	"a thousand roots that are not here": {func(w *wanter, m *member) {
		for i := range uint32(1000) {
			w.say(wire.Open{Channel: 2 + i, Root: m.m.Leaf(0).Cid})
			if r, ok := w.answer().(wire.Refused); !ok || r.Reason != wire.RefusedRoot {
				w.t.Fatalf("%v", r)
			}
		}
	}, false},
	"a channel twice": {func(w *wanter, m *member) { w.say(wire.Open{Channel: 1, Root: m.root}) }, true},
	"opens and closes": {func(w *wanter, m *member) {
		for i := uint32(2); w.say(wire.Open{Channel: i, Root: m.root}, wire.Close{Channel: i}); i++ {
		}
	}, true},
	"a flood of words": {func(w *wanter, m *member) {
		for w.say(wire.Interested{Channel: 1}) {
		}
	}, true},
	"a flood of words without meaning": {func(w *wanter, m *member) {
		for {
			if _, err := w.control.Write(bytes.Repeat([]byte{1, 200}, 500)); err != nil {
				return
			}
		}
	}, true},
	"cancels a long queue for ever": {func(w *wanter, m *member) {
		for range maxQueued / 512 {
			w.say(wire.Request{Channel: 1, Leaves: scattered(1)})
		}
		for w.say(wire.Cancel{Channel: 1, Leaves: scattered(0)}) {
		}
	}, true},
	"complains for ever": {func(w *wanter, m *member) {
		for w.say(wire.Complaint{Channel: 1, Leaf: 1}) {
		}
	}, true},
	"complains for ever on new channels": {func(w *wanter, m *member) {
		for i := uint32(2); w.say(wire.Open{Channel: i, Root: m.root}, wire.Complaint{Channel: i, Leaf: 1}, wire.Close{Channel: i}); i++ {
		}
	}, true},
	"tells of peers for ever": {func(w *wanter, m *member) {
		for w.say(strangers(1, wire.MaxPeers)) {
		}
	}, true},
	"tells of fifty strangers": {func(w *wanter, m *member) { w.say(strangers(1, wire.MaxPeers)) }, false},
	"tells of more peers than a message holds": {func(w *wanter, m *member) {
		w.control.Write(encoded(strangers(1, wire.MaxPeers+1)))
	}, true},
	"tells of peers for ever on new channels": {func(w *wanter, m *member) {
		for i := uint32(2); w.say(wire.Open{Channel: i, Root: m.root}, strangers(i, wire.MaxPeers), wire.Close{Channel: i}); i++ {
		}
	}, true},
	"asks for peers for ever": {func(w *wanter, m *member) {
		for w.say(wire.GetPeers{Channel: 1}) {
		}
	}, true},
	"asks for peers twice": {func(w *wanter, m *member) { w.say(wire.GetPeers{Channel: 1}, wire.GetPeers{Channel: 1}) }, false},
	"complains of no leaf": {func(w *wanter, m *member) { w.say(wire.Complaint{Channel: 1, Leaf: 1 << 20}) }, true},
	"a leaf beyond the manifest": {func(w *wanter, m *member) {
		w.say(wire.Request{Channel: 1, Leaves: []wire.Range{{First: 1 << 30, Count: 1}}})
	}, true},
	"a page beyond the manifest": {func(w *wanter, m *member) {
		w.say(wire.GetManifest{Channel: 1, From: 1 << 30})
	}, true},
	"a message of 2^40 bytes": {func(w *wanter, m *member) { w.control.Write([]byte{255, 255, 255, 255, 255, 31}) }, true},
	"claims to hold everything for ever": {func(w *wanter, m *member) {
		for w.say(wire.HaveLeaves{Channel: 1, Leaves: []wire.Range{{First: 0, Count: wholeLeaves}}}) {
		}
	}, true},
	"holds leaves that do not exist": {func(w *wanter, m *member) {
		w.say(wire.HaveLeaves{Channel: 1, Leaves: []wire.Range{{First: wholeLeaves - 1, Count: 2}}})
	}, true},
	"holds bits that do not exist": {func(w *wanter, m *member) {
		w.say(wire.HaveBits{Channel: 1, First: wholeLeaves, Bits: []byte{128}})
	}, true},
	"changes its mind for ever": {func(w *wanter, m *member) {
		for w.say(wire.Interested{Channel: 1}, wire.NotInterested{Channel: 1}) {
		}
	}, true},
	"takes back everything for ever": {func(w *wanter, m *member) {
		w.say(wire.Interested{Channel: 1})
		for w.say(wire.Cancel{Channel: 1, Leaves: []wire.Range{{First: 0, Count: wire.MaxRequest}}}) {
		}
	}, true},
	"the data stream of another": {func(w *wanter, m *member) {
		other := want(w.t, newHost(w.t), m, 200)
		thief := w.stream(m, wire.Data)
		thief.Write(other.session[:])
		if _, err := thief.Read(make([]byte, 1)); err == nil {
			w.t.Error("a stranger got the data")
		}
	}, false},
	"many clients": {func(w *wanter, m *member) {
		for i := range byte(20) {
			s := w.stream(m, wire.Control)
			in := wire.NewReader(s)
			wire.NewWriter(s).Write(hello(wire.SessionID{i, 1}))
			if _, err := in.Next(); (err == nil) != (i < maxClientsPerPeer-1) {
				w.t.Errorf("client %d: %v", i, err)
			}
		}
	}, false},
	"the blocks of another root": {func(w *wanter, m *member) {
		for tag, c := range []cid.Cid{w.other.root, w.other.m.Leaf(0).Cid} {
			w.say(wire.RequestBlock{Channel: 1, Tag: uint64(tag), Block: c})
			if r, ok := w.answer().(wire.RejectBlock); !ok || r.Reason != wire.RejectedNotHere {
				w.t.Errorf("%v", r)
			}
		}
	}, false},
}

// scattered are 512 leaves of 1024, every second one.
func scattered(first uint32) (rs []wire.Range) {
	for i := range uint32(512) {
		rs = append(rs, wire.Range{First: first + 2*i, Count: 1})
	}
	return rs
}

// Of the root that greedy wanters open: so many leaves, and what its holder sends in a second.
const wholeLeaves, wholeRate = 1200, 16 << 20

// together lets three peers download from server and from each other, and returns how long the last one took.
func together(t *testing.T, f *file, server *member) time.Duration {
	t.Helper()
	var all []*member
	for range 3 {
		all = append(all, join(t, newHeld(f, false)))
	}
	start := time.Now()
	var g errgroup.Group
	for _, m := range all {
		g.Go(func() error {
			_, err := m.download(t, 0, append([]*member{server}, all...)...)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return time.Since(start)
}

// A greedy or malicious wanter costs a server little memory, is cut off where it breaks a rule, and does not keep
// honest ones from their download: they take at most half as long again, and as long
// as a flood takes until it ends.
func TestGreedyWanters(t *testing.T) {
	f, other := newFile(t, 26, wholeLeaves, 8<<10), newFile(t, 27, 2, 100)
	for c, b := range other.blocks {
		f.blocks[c] = b // the server has them, but not of this root
	}
	alone := together(t, f, joinLimited(t, newHeld(f, true), wholeRate))
	for name, c := range greedy {
		t.Run(name, func(t *testing.T) {
			server := joinLimited(t, newHeld(f, true), wholeRate)
			enough := measure(t)
			w := want(t, newHost(t), server, 1)
			w.other = other
			if o, ok := w.open(1, f.root).(wire.Opened); !ok || o.Have != wire.HaveAll {
				t.Fatalf("%v", o)
			}
			w.hear() // unchoke
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				c.do(w, server)
				if c.cut {
					w.ended()
				}
			}()
			took := together(t, f, server)
			t.Logf("the honest ones took %.2f times what they take alone", took.Seconds()/alone.Seconds())
			// In the end those who take nothing are waited for some seconds, however short the download is.
			if took > alone*3/2+4*time.Second {
				t.Errorf("the honest ones took %v, and %v alone", took, alone)
			}
			<-ended
			enough()
			if !c.cut && !w.say(wire.Interested{Channel: 1}) {
				t.Error("it was cut off")
			}
			if n := server.rechecks; n > maxRechecks {
				t.Errorf("leaves were read again %d times", n)
			}
		})
	}
}
