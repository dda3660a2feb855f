package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/contentaddr/importer"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/fault"
)

var errFull = &fsError{syscall.ENOSPC}

type fsError struct{ error }

func (e *fsError) Unwrap() error { return e.error }

// A cargo is a root with all its blocks in memory, to be downloaded again and again.
type cargo struct {
	m      *manifest.Manifest
	nodes  dag
	leaves [][]byte
}

// load shares a tree of several kinds of files and reads all of it.
func load(t *testing.T, files map[string][]byte, single bool) *cargo {
	t.Helper()
	src := tree(t, t.TempDir(), files)
	if single {
		src = filepath.Join(src, "f")
	}
	s := openStore(t, t.TempDir())
	// Small leaves, so that a root of many is quick to write.
	root, err := s.Root(t.Context(), share(t, s, src, importer.Options{Profile: oldProfile(t)}))
	must(t, err)
	c := &cargo{m: root.Manifest(), nodes: dag{}}
	for i := range c.m.Len() {
		if e := c.m.Entry(i); !e.Leaf {
			c.nodes[e.Cid], err = s.Block(t.Context(), e.Cid, nil)
			must(t, err)
		}
	}
	for i := range c.m.Leaves() {
		block, err := root.ReadLeaf(t.Context(), i, nil)
		must(t, err)
		c.leaves = append(c.leaves, block)
	}
	return c
}

// open opens a store on a file system in memory, and the download of the cargo in it.
func (c *cargo) open(t *testing.T, mem *vfs.MemFS, boot string) (*Store, *Download, error) {
	t.Helper()
	must(t, mem.MkdirAll("/home", 0o777))
	must(t, mem.MkdirAll("/get", 0o777))
	for _, dir := range []string{"/home", "/get", "/"} { // they were there long before
		f, err := mem.OpenDir(dir)
		must(t, err)
		must(t, f.Sync())
		must(t, f.Close())
	}
	s, err := open(Config{Dir: "/home"}, mem, newMemDisk(mem, boot))
	must(t, err)
	d, err := s.Download(t.Context(), DownloadSpec{Root: c.m.Root(), Dest: "/get/dest"})
	must(t, err)
	for cid, block := range c.nodes {
		must(t, d.PutNode(cid, block))
	}
	l, err := manifest.NewLayout(t.Context(), c.m, d.Node, manifest.DefaultLimits())
	must(t, err)
	return s, d, d.SetManifest(t.Context(), c.m, l)
}

// verifyJournal checks that the bytes of every leaf that the journal names are in place.
func (c *cargo) verifyJournal(t *testing.T, mem *vfs.MemFS) (named int) {
	t.Helper()
	s, err := open(Config{Dir: "/home"}, mem, newMemDisk(mem, ""))
	must(t, err)
	defer s.Close()
	d := &Download{s: s, root: c.m.Root(), dest: "/get/dest", part: "/get/dest.part"}
	must(t, s.eachOf(d.root, func(owner uint64, _ *rootRecord) error {
		d.owner = owner
		return nil
	}))
	if d.owner == 0 {
		return 0
	}
	l, err := manifest.NewLayout(t.Context(), c.m, c.nodes.get, manifest.DefaultLimits())
	must(t, err)
	logged := bitfield.New(c.m.Leaves())
	must(t, d.readJournal(logged))
	p := &plan{c.m, l}
	for i := range logged.All() {
		for place := range l.Places(i) {
			f, err := newMemDisk(mem, "").Open(join(d.part, l.FilePath(place.File)))
			if err != nil {
				t.Fatalf("leaf %d is in the journal, its file is not there: %v", i, err)
			}
			block, err := d.readPlace(p, f, i, place.Offset, place.Size, nil)
			f.Close()
			if err != nil || contentaddr.Verify(c.m.Leaf(i).Cid, block) != nil {
				t.Fatalf("leaf %d is in the journal, its bytes at %+v are not there: %v", i, place, err)
			}
		}
	}
	return logged.Count()
}

func cargos(t *testing.T) map[string]*cargo {
	many := make(map[string][]byte)
	for i := range 60 {
		many[fmt.Sprintf("d%d/f%d", i%3, i)] = random(uint64(i), 300+i*31)
	}
	many["big"], many["copy"] = random(200, 3<<20+11), random(200, 3<<20+11)
	return map[string]*cargo{
		"file":   load(t, map[string][]byte{"f": random(100, 6<<20+5)}, true),
		"folder": load(t, many, false),
	}
}

// TestPowerCut cuts the power at random moments of a download, again and again, on a disk that keeps
// what was synced and any part of the rest. Whatever the journal names must be there.
func TestPowerCut(t *testing.T) {
	seeds := 25 // of two downloads, each with four power cuts
	if testing.Short() {
		seeds = 3
	}
	named := 0
	for name, c := range cargos(t) {
		for seed := range uint64(seeds) {
			t.Run(fmt.Sprintf("%s/seed=%d", name, seed), func(t *testing.T) { named += c.powerCut(t, seed) })
			if t.Failed() {
				return
			}
		}
	}
	if named == 0 {
		t.Error("no journal ever named a leaf: nothing was shown")
	}
	t.Logf("%d leaves named by journals after %d power cuts", named, seeds*2*4)
}

// powerCut downloads with a few power cuts, the last of them after Finish.
func (c *cargo) powerCut(t *testing.T, seed uint64) (named int) {
	r := rand.New(rand.NewPCG(seed, 1))
	mem := vfs.NewCrashableMem()
	for life := range 3 {
		s, d, err := c.open(t, mem, fmt.Sprint(life))
		must(t, err)
		after := c.run(t, d, r, mem)
		must(t, s.Close()) // ends its goroutines; the clone knows nothing of it
		mem = after
		named += c.verifyJournal(t, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: r}))
	}
	s, d, err := c.open(t, mem, "last")
	must(t, err)
	for i, block := range c.leaves {
		must(t, d.Put(i, block))
	}
	_, err = d.Finish(t.Context())
	must(t, err)
	after := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.IntN(101), RNG: r})
	must(t, s.Close())
	c.neverWrong(t, after)
	return named
}

// run puts leaves in random order from two goroutines while the journal is flushed now and then, and
// cuts the power in the midst of it: it returns what the disk has then.
func (c *cargo) run(t *testing.T, d *Download, r *rand.Rand, mem *vfs.MemFS) *vfs.MemFS {
	order := r.Perm(len(c.leaves))
	cut := r.IntN(len(order) + 1)
	flushes := map[int]bool{r.IntN(len(order)): true, r.IntN(len(order)): true, cut: r.IntN(2) == 0}
	percent := []int{0, 0, 50, 90}[r.IntN(4)]
	var work sync.WaitGroup
	defer work.Wait()
	for n, i := range order {
		if flushes[n] {
			signal(d.full) // the flush runs beside what follows, or is awaited
			signal(d.dirty)
			if r.IntN(2) == 0 {
				work.Wait()
				waitFor(t, func() bool { return flushed(d) })
			}
		}
		if n == cut {
			break
		}
		work.Go(func() {
			if err := d.Put(i, c.leaves[i]); err != nil {
				t.Error(err)
			}
		})
	}
	return mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: r})
}

// flushed tells whether all that was put is in the journal.
func flushed(d *Download) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	signal(d.full)
	return d.logged.Count() == d.have.Count()
}

// neverWrong checks that a store sends no wrong byte, whatever a power cut has left of its files.
func (c *cargo) neverWrong(t *testing.T, mem *vfs.MemFS) {
	t.Helper()
	s, err := open(Config{Dir: "/home"}, mem, newMemDisk(mem, "after"))
	must(t, err)
	defer s.Close()
	for i := range c.leaves {
		leaf := c.m.Leaf(i).Cid
		if block, err := s.Block(t.Context(), leaf, nil); err == nil && contentaddr.Verify(leaf, block) != nil {
			t.Fatalf("leaf %d is sent wrong", i)
		}
	}
}

// TestPowerCutLosesLittle shows that what was flushed is still held after a power cut.
func TestPowerCutLosesLittle(t *testing.T) {
	c := load(t, map[string][]byte{"f": random(1, 4<<20), "g/h": random(2, 100)}, false)
	mem := vfs.NewCrashableMem()
	s, d, err := c.open(t, mem, "1")
	must(t, err)
	for i, block := range c.leaves[:len(c.leaves)-1] {
		must(t, d.Put(i, block))
	}
	waitFor(t, func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.logged.Count() == len(c.leaves)-1
	})
	waitFor(t, func() bool { return c.verifyJournal(t, mem.CrashClone(vfs.CrashCloneCfg{})) == len(c.leaves)-1 })
	waitFor(t, func() bool { return c.beats(t, s) })
	after := mem.CrashClone(vfs.CrashCloneCfg{})
	must(t, s.Close())
	s, d, err = c.open(t, after, "2")
	must(t, err)
	defer s.Close()
	if have := d.Have(); have.Count() != len(c.leaves)-1 {
		t.Errorf("%d of %d leaves are left", have.Count(), len(c.leaves)-1)
	}
}

// After kill -9 everything that was put is still there: what the journal lacks is hashed and taken over.
func TestKilled(t *testing.T) {
	for name, c := range cargos(t) {
		t.Run(name, func(t *testing.T) {
			mem := vfs.NewCrashableMem()
			s, d, err := c.open(t, mem, "1")
			must(t, err)
			n := len(c.leaves) / 2
			for i, block := range c.leaves[:n] {
				must(t, d.Put(i, block))
			}
			after := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
			must(t, s.Close())
			s, d, err = c.open(t, after, "1")
			must(t, err)
			defer s.Close()
			if got := d.Have().Count(); got != n {
				t.Errorf("%d of %d leaves are left", got, n)
			}
		})
	}
}

// beats tells whether the record has a heartbeat.
func (c *cargo) beats(t *testing.T, s *Store) (beats bool) {
	must(t, s.eachOf(c.m.Root(), func(_ uint64, r *rootRecord) error {
		beats = r.Part != nil && r.Part.Beat > 0
		return nil
	}))
	return beats
}

// A disk that fills up is no_space; what is there already stays, and the rest follows later.
func TestDiskFull(t *testing.T) {
	c := load(t, map[string][]byte{"f": random(1, 4<<20)}, false)
	s, d, err := c.open(t, vfs.NewCrashableMem(), "")
	must(t, err)
	defer s.Close()
	disk := s.disk.(*memDisk)
	disk.full.Store(4)
	put := 0
	for i, block := range c.leaves {
		if err := d.Put(i, block); err == nil {
			put++
		} else if fault.KindOf(err) != fault.NoSpace {
			t.Fatal(err)
		}
	}
	if have := d.Have().Count(); put != 4 || have != put {
		t.Errorf("put %d, have %d", put, have)
	}
	disk.full.Store(-1)
	for i, block := range c.leaves {
		must(t, d.Put(i, block))
	}
	_, err = d.Finish(t.Context())
	must(t, err)
}

// What does not fit is refused before anything is written.
func TestNoSpace(t *testing.T) {
	c := load(t, map[string][]byte{"f": random(1, 4<<20)}, false)
	mem := vfs.NewCrashableMem()
	must(t, mem.MkdirAll("/get", 0o777))
	disk := newMemDisk(mem, "")
	disk.free = 4 << 20 // but some is left alone
	s, err := open(Config{Dir: "/home"}, mem, disk)
	must(t, err)
	defer s.Close()
	d, err := s.Download(context.Background(), DownloadSpec{Root: c.m.Root(), Dest: "/get/dest"})
	must(t, err)
	l, err := manifest.NewLayout(t.Context(), c.m, c.nodes.get, manifest.DefaultLimits())
	must(t, err)
	if err := d.SetManifest(t.Context(), c.m, l); fault.KindOf(err) != fault.NoSpace {
		t.Errorf("not refused: %v", err)
	}
	if _, err := mem.Stat(path.Join("/get", "dest.part")); err == nil {
		t.Error("something was written")
	}
}
