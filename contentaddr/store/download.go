package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/contentaddr/importer"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/fault"
)

// DownloadSpec says what to download and where to.
type DownloadSpec struct {
	Root cid.Cid
	// Dest is the path of the file or folder that the root will be. The caller has checked a name that
	// is not the user's own. Until the download is whole it is written to Dest + ".part".
	Dest      string
	Name      string // "": the last element of Dest
	Link      string // what was asked for, to show and to resume
	Unlisted  bool
	Public    bool
	Overwrite bool // replace what is at Dest
}

// partSuffix is what the path of an unfinished download ends with.
const partSuffix = ".part"

// Download is a root on its way here. PutNode, Node and, after SetManifest, Put, Have, ReadLeaf and
// Recheck are safe for concurrent use; SetManifest, Adopt, CopyLocal and Finish are called one after
// another, Finish when no Put is under way.
type Download struct {
	s     *Store
	root  cid.Cid
	owner uint64
	dest  string
	part  string
	over  bool // Overwrite

	plan atomic.Pointer[plan]
	told atomic.Int64 // bytes of files whose size only their leaf told
	out  output
	feed feed

	// journal (journal.go)
	dirty chan struct{} // something was put since the last flush
	full  chan struct{} // so much that the flush does not wait
	quit  chan struct{}
	work  sync.WaitGroup

	moving sync.RWMutex // held for writing while files move to their destination

	mu       sync.Mutex
	have     *bitfield.Bitfield // verified and written
	logged   *bitfield.Bitfield // in the journal
	left     []int32            // a file: places of leaves still missing
	stats    map[int]importer.Stat
	pending  unsynced
	failed   error // of the journal: nothing more can be kept
	skipped  []importer.Skip
	finished bool
	closed   bool
}

// A plan is what a download is once its manifest is whole. It does not change.
type plan struct {
	m *manifest.Manifest
	l *manifest.Layout
}

// Download begins to download a root, or goes on with what was left at the same Dest. While one is
// open, another for the same Dest is refused.
func (s *Store) Download(ctx context.Context, spec DownloadSpec) (*Download, error) {
	if err := contentaddr.CheckCID(spec.Root); err != nil {
		return nil, fmt.Errorf("get %s: %w", spec.Root, err)
	}
	if !filepath.IsAbs(spec.Dest) {
		return nil, fault.New(fault.BadInput, "get %s: the destination %s is not an absolute path", spec.Root, spec.Dest)
	}
	spec.Dest = filepath.Clean(spec.Dest)
	if spec.Name == "" {
		spec.Name = filepath.Base(spec.Dest)
	}
	d := &Download{
		s: s, root: spec.Root, dest: spec.Dest, part: spec.Dest + partSuffix, over: spec.Overwrite,
		dirty: make(chan struct{}, 1), full: make(chan struct{}, 1), quit: make(chan struct{}),
		stats: make(map[int]importer.Stat),
	}
	d.out.init(d)
	if err := errors.Join(ctx.Err(), s.register(d, spec)); err != nil {
		return nil, fmt.Errorf("get %s: %w", spec.Root, err)
	}
	return d, nil
}

// register finds or makes the record of d, and makes d the one that is open.
func (s *Store) register(d *Download, spec DownloadSpec) error {
	s.live.Lock()
	defer s.live.Unlock()
	if s.live.closed {
		return fault.New(fault.Failed, "the store is closed")
	}
	for _, other := range s.live.downloads {
		if other.dest == d.dest {
			return fault.New(fault.Refused, "%s is being downloaded already", d.dest)
		}
	}
	err := s.eachOf(d.root, func(owner uint64, r *rootRecord) error {
		if !r.Complete && r.Path == d.dest {
			d.owner = owner
		}
		return nil
	})
	if err == nil && d.owner == 0 {
		err = s.newDownload(d, spec)
	}
	if err == nil {
		s.live.downloads[d.owner] = d
		s.live.roots.forgetPaused(d.root)
	}
	return err
}

func (s *Store) newDownload(d *Download, spec DownloadSpec) (err error) {
	b := s.db.NewBatch()
	defer b.Close()
	if d.owner, err = s.newOwner(b, d.root.Bytes()); err != nil {
		return err
	}
	rec := newRootRecord(RootInfo{
		Name: spec.Name, Path: d.dest, Link: spec.Link, Unlisted: spec.Unlisted, Public: spec.Public,
		Kind: Fetched, Added: time.Now(),
	})
	rec.Part = &partInfo{}
	b.Set(rootKey(d.root, d.owner), encode(&rec), nil)
	return b.Commit(pebble.NoSync)
}

// active returns the downloads that are open.
func (s *Store) active() []*Download {
	s.live.Lock()
	defer s.live.Unlock()
	if len(s.live.downloads) == 0 {
		return nil
	}
	open := make([]*Download, 0, len(s.live.downloads))
	for _, d := range s.live.downloads {
		open = append(open, d)
	}
	return open
}

func (s *Store) activeOf(owner uint64) *Download {
	s.live.Lock()
	defer s.live.Unlock()
	return s.live.downloads[owner]
}

// Root returns the CID.
func (d *Download) Root() cid.Cid { return d.root }

// Path returns where the root will be when it is whole.
func (d *Download) Path() string { return d.dest }

// Manifest returns the list of blocks, nil before SetManifest.
func (d *Download) Manifest() *manifest.Manifest {
	if p := d.plan.Load(); p != nil {
		return p.m
	}
	return nil
}

// Layout returns the files, nil before SetManifest.
func (d *Download) Layout() *manifest.Layout {
	if p := d.plan.Load(); p != nil {
		return p.l
	}
	return nil
}

// Bytes returns the bytes of all files: 0 before SetManifest, and before Finish without the files whose size
// only their one leaf tells.
func (d *Download) Bytes() int64 {
	if p := d.plan.Load(); p != nil {
		return p.l.Bytes + d.told.Load()
	}
	return 0
}

// Files returns how many files the root has, 0 before SetManifest.
func (d *Download) Files() int {
	if p := d.plan.Load(); p != nil {
		return len(p.l.Files)
	}
	return 0
}

// PutNode verifies and keeps an inner block.
func (d *Download) PutNode(c cid.Cid, block []byte) error {
	if err := contentaddr.Verify(c, block); err != nil {
		return err
	}
	d.s.gc.RLock()
	defer d.s.gc.RUnlock()
	b := d.s.db.NewBatch()
	defer b.Close()
	addBlock(b, d.owner, c, block)
	if err := b.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("keep block %s: %w", c, err)
	}
	return nil
}

// Node returns an inner block that is held; it is a manifest.Get.
func (d *Download) Node(ctx context.Context, c cid.Cid) ([]byte, error) {
	return d.s.Block(ctx, c, nil)
}

// Have returns a copy of the set of leaves that are verified and written. Before SetManifest it is
// empty.
func (d *Download) Have() *bitfield.Bitfield {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.have == nil {
		return new(bitfield.Bitfield)
	}
	return d.have.Clone()
}

func (d *Download) holds(i int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.have != nil && d.have.Has(i)
}

func (d *Download) leafIndex(c cid.Cid) (int, bool) {
	if p := d.plan.Load(); p != nil {
		return p.m.LeafIndex(c)
	}
	return 0, false
}

// Changes returns the leaves put, and those withdrawn, from now on.
func (d *Download) Changes() (<-chan Change, func()) { return d.feed.subscribe() }

// Close ends the download, or, after Finish, lets go of it. What is verified is synced and journaled,
// and the .part stays, so that the same Download goes on later.
func (d *Download) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	d.mu.Unlock()
	close(d.quit)
	d.work.Wait()
	err := d.out.seal()
	d.s.live.Lock()
	delete(d.s.live.downloads, d.owner)
	d.s.live.Unlock()
	if err != nil {
		return fmt.Errorf("close %s: %w", d.part, err)
	}
	return nil
}

// Discard ends the download and removes its .part. After Finish it is Close.
func (d *Download) Discard() error {
	err := d.Close()
	d.mu.Lock()
	finished := d.finished
	d.mu.Unlock()
	if finished {
		return err
	}
	err = errors.Join(err, d.s.disown(d.root, []uint64{d.owner}))
	if removed := d.s.disk.RemoveAll(d.part); !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	if err != nil {
		return fmt.Errorf("discard %s: %w", d.part, err)
	}
	return nil
}
