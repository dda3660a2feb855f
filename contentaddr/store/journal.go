package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
)

// The journal says which leaves of a download are on the disk. It is a bitmap in pages. A leaf gets
// there in three steps, each done before the next begins: its bytes are written (Put), they are synced
// (flush), its page is written with a sync. So after a power cut the journal never names a leaf whose
// bytes are missing, and what it lacks is at most what was put since the last flush.
const (
	pageLeaves = 4096 // leaves of one page
	flushBytes = 64 << 20
	flushEvery = time.Second // flushes are at most this far apart while there is something to flush, …
	beatEvery  = time.Second
	fewFiles   = 16 // … and up to so many files are synced one by one
)

// unsynced is what was put since the last flush began.
type unsynced struct {
	leaves map[int]struct{}
	lost   map[int]struct{}    // leaves to take out of the journal
	files  map[int]struct{}    // written to
	dirs   map[string]struct{} // something was made in them
	bytes  int
}

func (u *unsynced) add(leaf, size int) {
	put(&u.leaves, leaf)
	delete(u.lost, leaf)
	u.bytes += size
}

func (u *unsynced) drop(leaf int) {
	delete(u.leaves, leaf)
	put(&u.lost, leaf)
}

func (u *unsynced) touch(file int) { put(&u.files, file) }

func put[K comparable](m *map[K]struct{}, k K) {
	if *m == nil {
		*m = make(map[K]struct{})
	}
	(*m)[k] = struct{}{}
}

// noteMade notes that something was made in a folder of the .part.
func (d *Download) noteMade(dir string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	put(&d.pending.dirs, dir)
}

// journal is the goroutine that flushes.
func (d *Download) journal() {
	for {
		select {
		case <-d.quit:
			d.lastFlush()
			return
		case <-d.dirty:
		}
		soon := time.NewTimer(flushEvery)
		select {
		case <-d.quit:
		case <-soon.C:
		case <-d.full:
		}
		soon.Stop()
		d.lastFlush()
	}
}

// lastFlush flushes unless the download is finished: then the store syncs its files.
func (d *Download) lastFlush() {
	d.mu.Lock()
	skip := d.finished || d.failed != nil
	d.mu.Unlock()
	if skip {
		return
	}
	if err := d.flush(); err != nil {
		d.mu.Lock()
		d.failed = fmt.Errorf("sync %s: %w", d.part, err)
		d.mu.Unlock()
	}
}

// flush makes what was put until now durable, and then says so in the journal. It is only called by
// the goroutine of journal. Puts go on meanwhile: what they write belongs to the next flush.
func (d *Download) flush() error {
	d.mu.Lock()
	u := d.pending
	d.pending = unsynced{}
	d.mu.Unlock()
	if len(u.leaves)+len(u.lost)+len(u.files)+len(u.dirs) == 0 {
		return nil
	}
	if err := d.sync(u); err != nil {
		return err
	}
	return d.log(u)
}

func (d *Download) sync(u unsynced) error {
	dir, err := d.out.open()
	if err != nil {
		return err
	}
	if len(u.files) > fewFiles {
		if all, err := dir.SyncAll(); all || err != nil {
			return err
		}
	}
	for fi := range u.files {
		if err := d.syncFile(fi); err != nil {
			return err
		}
	}
	for name := range u.dirs {
		if err := dir.SyncDir(name); err != nil {
			return err
		}
		if name == "" { // the .part may itself be new
			if err := d.s.disk.SyncDir(filepath.Dir(d.part)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Download) syncFile(fi int) error {
	h, err := d.out.file(fi)
	if err != nil {
		return err
	}
	defer d.out.release(h)
	return h.v.Sync()
}

// log writes the pages of leaves that were synced. Leaves found wrong meanwhile stay out.
func (d *Download) log(u unsynced) error {
	pages := make(map[int][]byte)
	d.mu.Lock()
	for i := range u.leaves {
		if d.have.Has(i) {
			d.logged.Set(i)
			pages[i/pageLeaves] = nil
		}
	}
	for i := range u.lost {
		pages[i/pageLeaves] = nil
	}
	for n := range pages {
		pages[n] = page(d.logged, n)
	}
	finished := d.finished
	d.mu.Unlock()
	if finished {
		return nil
	}
	b := d.s.db.NewBatch()
	defer b.Close()
	for n, bits := range pages {
		b.Set(pageKey(d.owner, n), bits, nil)
	}
	// The record goes first: it is on its way to the disk with what is synced after it, and not at all otherwise.
	if err := d.beat(); err != nil {
		return err
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// page returns a copy of the bits of one page.
func page(b *bitfield.Bitfield, n int) []byte {
	bits := b.Bytes()
	from := n * pageLeaves / 8
	return append([]byte(nil), bits[from:min(from+pageLeaves/8, len(bits))]...)
}

// heartbeat is the goroutine that, while leaves are put, notes that it is peer who writes the .part.
func (d *Download) heartbeat() {
	clock := time.NewTicker(beatEvery)
	defer clock.Stop()
	for {
		select {
		case <-d.quit:
			return
		case <-clock.C:
		}
		d.mu.Lock()
		busy := d.pending.bytes > 0 && !d.finished
		d.mu.Unlock()
		if busy {
			d.s.logFailure("note that a download goes on", d.beat())
		}
	}
}

// beat writes the time to the record, and which .part it is about.
func (d *Download) beat() error {
	was, err := d.s.disk.Lstat(d.part)
	if err != nil {
		return errors.Join(err)
	}
	held := d.loggedBytes()
	return d.s.updateRoot(d.root, d.owner, func(r *rootRecord) {
		if r.Part == nil {
			return
		}
		r.Part.Held = held
		r.Part.Beat = time.Now().UnixNano()
		r.Part.Inode, r.Part.Device = was.Stat.Inode, was.Stat.Device
	})
}

// loggedBytes returns how many bytes of files the journal names.
func (d *Download) loggedBytes() (sum int64) {
	p := d.plan.Load()
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.logged.All() {
		for place := range p.l.Places(i) {
			sum += max(0, place.Size)
		}
	}
	return sum
}
