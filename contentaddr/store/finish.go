package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2"

	"github.com/seed4134be55/peer/contentaddr/importer"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/contentaddr/names"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

// Finish checks that every leaf is there, adds what has no leaves (folders, empty files, symlinks that
// stay inside), applies modes and times that the DAG carries, and moves the .part to its destination.
// From then on the root is held like a share. It returns the destination.
//
// It does not wait for the disk: the bytes of the last second may still be on their way there. Until
// the store has synced them in the background, it remembers that a power cut may have taken some, and
// hashes before it sends.
func (d *Download) Finish(ctx context.Context) (string, error) {
	p := d.plan.Load()
	if p == nil {
		return "", fault.New(fault.Failed, "get %s: finish before the manifest is known", d.root)
	}
	d.moving.Lock()
	defer d.moving.Unlock()
	if err := d.finish(ctx, p); err != nil {
		return "", fmt.Errorf("get %s: %w", d.root, err)
	}
	return d.dest, nil
}

// Skipped returns what Finish left out, and why: symlinks that would lead out of the destination.
func (d *Download) Skipped() []importer.Skip {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.skipped
}

func (d *Download) finish(ctx context.Context, p *plan) error {
	d.mu.Lock()
	missing, finished, failed := d.have.Len()-d.have.Count(), d.finished, d.failed
	d.mu.Unlock()
	switch {
	case finished:
		return nil
	case failed != nil:
		return failed
	case missing > 0:
		return fault.New(fault.Failed, "%d leaves are still missing", missing)
	}
	if !d.out.isAdopted() {
		if err := d.complete(ctx, p); err != nil {
			return err
		}
		if err := d.move(p); err != nil {
			return err
		}
	} else if _, err := d.s.disk.Lstat(d.part); err == nil {
		if err := d.s.disk.RemoveAll(d.part); err != nil {
			return err
		}
	}
	if err := d.hold(ctx, p); err != nil {
		return err
	}
	if err := d.supersede(); err != nil {
		return err
	}
	d.s.writeLog()
	d.mu.Lock()
	d.finished = true
	d.mu.Unlock()
	if err := d.out.seal(); err != nil {
		return err
	}
	d.s.syncLater(d.root, d.owner, d.dest)
	return nil
}

// complete adds to the .part what has no leaves.
func (d *Download) complete(ctx context.Context, p *plan) error {
	dir, err := d.out.open()
	if err != nil {
		return err
	}
	for i := range p.l.Dirs {
		if err := d.out.mkdir(dir, p.l.DirPath(i)); err != nil {
			return err
		}
	}
	for fi := range p.l.Files {
		if err := errors.Join(ctx.Err(), d.completeFile(p, fi)); err != nil {
			return err
		}
	}
	for i, link := range p.l.Symlinks {
		name := p.l.SymlinkPath(i)
		err := names.Target(name, link.Target)
		if err == nil {
			err = symlink(dir, link.Target, name)
		}
		if err != nil {
			d.skip(name, err)
		}
	}
	for fi := range p.l.Files {
		if err := d.applyFile(p, dir, fi); err != nil {
			return err
		}
	}
	return nil
}

func (d *Download) skip(name string, why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.skipped = append(d.skipped, importer.Skip{Path: join(d.dest, name), Why: why.Error()})
}

// symlink makes a symlink that an earlier Finish may have made.
func symlink(dir folder, target, name string) error {
	err := dir.Symlink(target, name)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if is, readErr := dir.Readlink(name); readErr == nil && is == target {
		return nil
	}
	return err
}

// completeFile makes a file that has no leaves and writes the bytes that inner blocks carry.
func (d *Download) completeFile(p *plan, fi int) error {
	whole := false
	for e := range p.l.Extents(fi) {
		if e.Leaf >= 0 {
			whole = true
			continue
		}
		if err := d.write(fi, []byte(e.Literal), e.Offset); err != nil {
			return err
		}
		whole = false
		d.mu.Lock()
		delete(d.stats, fi)
		d.mu.Unlock()
	}
	if whole || p.l.Files[fi].Size != 0 {
		return nil
	}
	h, err := d.out.file(fi)
	if err != nil {
		return err
	}
	d.out.release(h)
	d.out.shut(fi)
	return nil
}

// applyFile gives a file the mode and time that the DAG carries.
func (d *Download) applyFile(p *plan, dir folder, fi int) error {
	a := p.l.FileAttr(fi)
	if e, ok := p.l.ExtentAt(fi, 0); ok && e.Leaf >= 0 && e.Size == p.l.Files[fi].Size && !isRaw(p.m.Leaf(e.Leaf).Cid) {
		var err error
		if a, err = d.leafAttr(p, e.Leaf, a); err != nil {
			return err
		}
	}
	if !a.HasMode && !a.HasModTime {
		return nil
	}
	d.mu.Lock()
	delete(d.stats, fi)
	d.mu.Unlock()
	return apply(dir, p.l.FilePath(fi), a)
}

// leafAttr returns what a dag-pb leaf that is a whole file says of it, or else a.
func (d *Download) leafAttr(p *plan, i int, a manifest.Attr) (manifest.Attr, error) {
	_, found, err := get(d.s.db, frameKey(d.owner, i))
	if err != nil || !found {
		return a, err
	}
	for place := range p.l.Places(i) {
		h, err := d.out.file(place.File)
		if err != nil {
			return a, err
		}
		block, err := d.readPlace(p, h.v, i, place.Offset, place.Size, nil)
		d.out.release(h)
		if err != nil {
			return a, err
		}
		n, err := unixfs.Parse(p.m.Leaf(i).Cid, block)
		if err != nil {
			return a, err
		}
		return manifest.Attr{Mode: n.Mode, HasMode: n.HasMode, ModTime: n.ModTime, HasModTime: n.HasModTime}, nil
	}
	return a, nil
}

// apply sets permissions (never setuid, setgid or sticky) and the time of change.
func apply(dir folder, name string, a manifest.Attr) error {
	if a.HasMode {
		if err := dir.Chmod(name, fs.FileMode(a.Mode)&fs.ModePerm); err != nil {
			return err
		}
	}
	if a.HasModTime {
		return dir.Chtimes(name, a.ModTime)
	}
	return nil
}

// applyDirs does the same for folders, innermost first and after all that is done in them.
func applyDirs(dir folder, l *manifest.Layout) error {
	for i := len(l.Dirs) - 1; i >= 0; i-- {
		if err := apply(dir, l.DirPath(i), l.DirAttr(i)); err != nil {
			return err
		}
	}
	return nil
}

// move renames the .part. An existing destination is only touched with Overwrite.
func (d *Download) move(p *plan) error {
	was, err := d.s.disk.Lstat(d.dest)
	exists := err == nil
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case exists && !d.over:
		return fault.New(fault.Refused, "%s has come into being: use --overwrite to replace it, or -o DIR to save elsewhere", d.dest)
	case exists && (isFolder(p.l) && !was.Mode.IsDir() || !isFolder(p.l) && !was.Mode.IsRegular()):
		return fault.New(fault.Refused, "%s is now %s: use -o DIR to save elsewhere", d.dest, kindOf(was.Mode))
	}
	if exists && isFolder(p.l) {
		return d.merge(p)
	}
	if isFolder(p.l) {
		dir, err := d.out.open()
		if err == nil {
			err = applyDirs(dir, p.l)
		}
		if err != nil {
			return err
		}
	}
	if err := d.out.seal(); err != nil {
		return err
	}
	return d.s.disk.Rename(d.part, d.dest)
}

// merge moves file after file into a destination folder that is there, and leaves alone what the root
// does not name.
func (d *Download) merge(p *plan) error {
	dest, err := d.openDest(p.l)
	if err != nil {
		return err
	}
	defer dest.Close()
	check := survey{d: d, p: p, dest: dest}
	if err := check.kinds(); err != nil {
		return err
	}
	d.mu.Lock()
	clear(d.stats) // a rename changes the inode
	d.mu.Unlock()
	if err := d.out.seal(); err != nil {
		return err
	}
	for i := range p.l.Dirs[1:] {
		if err := dest.Mkdir(p.l.DirPath(i + 1)); err != nil {
			return err
		}
	}
	for fi := range p.l.Files {
		if err := d.moveOne(p.l.FilePath(fi)); err != nil {
			return err
		}
	}
	for i := range p.l.Symlinks {
		if err := d.moveOne(p.l.SymlinkPath(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := applyDirs(dest, p.l); err != nil {
		return err
	}
	return d.s.disk.RemoveAll(d.part)
}

func (d *Download) moveOne(name string) error {
	return d.s.disk.Rename(join(d.part, name), join(d.dest, name))
}

// hold turns the download into a root that is held like a share.
func (d *Download) hold(ctx context.Context, p *plan) error {
	b := d.s.db.NewBatch()
	defer b.Close()
	places := 0
	d.told.Store(0)
	for fi := range p.l.Files {
		n, err := d.holdFile(b, p, fi)
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		places += n
		if b.Len() < batchSize {
			continue
		}
		if err := d.s.commit(b, pebble.NoSync); err != nil {
			return err
		}
		b.Reset()
	}
	if err := d.s.dropJournal(b, d.owner); err != nil {
		return err
	}
	if err := d.s.commit(b, pebble.NoSync); err != nil {
		return err
	}
	return d.s.updateRoot(d.root, d.owner, func(r *rootRecord) {
		r.Complete, r.Part, r.Bytes = true, nil, d.Bytes()
		r.Unsynced, r.Boot = true, d.s.disk.Boot()
		r.Leaves, r.Nodes = places, nodeBytes(p.m)
	})
}

// supersede lets go of earlier downloads of the root to the same path, which is now held once more.
func (d *Download) supersede() error {
	var owners []uint64
	err := d.s.eachOf(d.root, func(owner uint64, r *rootRecord) error {
		if owner != d.owner && r.Kind == Fetched && r.Complete && r.Path == d.dest {
			owners = append(owners, owner)
		}
		return nil
	})
	if err != nil || len(owners) == 0 {
		return err
	}
	return d.s.disown(d.root, owners)
}

func nodeBytes(m *manifest.Manifest) (sum int64) {
	for i := range m.Len() {
		if e := m.Entry(i); !e.Leaf {
			sum += int64(e.Size)
		}
	}
	return sum
}

// commit writes a batch that may add blocks or files.
func (s *Store) commit(b *pebble.Batch, o *pebble.WriteOptions) error {
	s.gc.RLock()
	defer s.gc.RUnlock()
	return b.Commit(o)
}

// holdFile writes the recipes of one file, and returns how many.
func (d *Download) holdFile(b *pebble.Batch, p *plan, fi int) (places int, err error) {
	id, err := d.s.nextID()
	if err != nil {
		return 0, err
	}
	for e := range p.l.Extents(fi) {
		if e.Leaf < 0 {
			continue
		}
		size := e.Size
		if size < 0 {
			st, err := d.statOf(p, fi)
			if err != nil {
				return 0, err
			}
			size = st.Size
			d.told.Add(size)
		}
		r, err := d.recipeOf(p, e.Leaf, int(size))
		if err != nil {
			return 0, err
		}
		r.file, r.offset = id, e.Offset
		addRecipe(b, p.m.Leaf(e.Leaf).Cid, r)
		places++
	}
	if places == 0 {
		return 0, nil
	}
	st, err := d.statOf(p, fi)
	if err != nil {
		return 0, err
	}
	addFile(b, id, &fileRecord{Path: join(d.dest, p.l.FilePath(fi)), Stat: st, Owner: d.owner, Leaves: places})
	return places, nil
}

// statOf returns the fstat with which a file of the destination is known to be right.
func (d *Download) statOf(p *plan, fi int) (importer.Stat, error) {
	if isFolder(p.l) || d.out.isAdopted() {
		d.mu.Lock()
		st, ok := d.stats[fi]
		d.mu.Unlock()
		if ok {
			return st, nil
		}
	}
	e, err := d.s.disk.Lstat(join(d.dest, p.l.FilePath(fi)))
	return e.Stat, err
}
