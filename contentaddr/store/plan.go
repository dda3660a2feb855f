package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/contentaddr/names"
	"github.com/seed4134be55/peer/fault"
)

// SetManifest tells a download what it consists of. Names that would lead out of the destination, or
// that it cannot hold, are refused before anything is written, and so is what does not fit the disk.
// What an earlier run left is taken up: leaves of the journal as they are, others after hashing them.
func (d *Download) SetManifest(ctx context.Context, m *manifest.Manifest, l *manifest.Layout) error {
	if err := d.setManifest(ctx, &plan{m, l}); err != nil {
		return fmt.Errorf("get %s: %w", d.root, err)
	}
	return nil
}

func (d *Download) setManifest(ctx context.Context, p *plan) error {
	if d.plan.Load() != nil {
		return fault.New(fault.Failed, "its manifest is known already")
	}
	if most := d.s.cfg.MaxDownload; most > 0 && p.l.Bytes > most {
		return fault.New(fault.Refused, "limit: bytes of a download: at most %d are accepted, this has %d", most, p.l.Bytes)
	}
	if err := checkNames(p.l); err != nil {
		return err
	}
	if err := d.ownNodes(p.m); err != nil {
		return err
	}
	d.mu.Lock()
	d.have, d.logged = bitfield.New(p.m.Leaves()), bitfield.New(p.m.Leaves())
	d.left = make([]int32, len(p.l.Files))
	for fi := range p.l.Files {
		for e := range p.l.Extents(fi) {
			if e.Leaf >= 0 {
				d.left[fi]++
			}
		}
	}
	d.mu.Unlock()
	d.plan.Store(p)
	if err := d.describe(p.l); err != nil {
		return err
	}
	if err := d.resume(); err != nil {
		return err
	}
	if _, err := d.s.disk.Lstat(d.dest); errors.Is(err, fs.ErrNotExist) {
		if err := d.checkSpace(); err != nil {
			return err
		}
	}
	d.work.Go(d.journal)
	d.work.Go(d.heartbeat)
	return d.rehash(ctx)
}

// isFolder tells whether the root is a folder.
func isFolder(l *manifest.Layout) bool { return len(l.Dirs) > 0 }

// checkNames judges every name, and whether the names of a folder can live side by side.
func checkNames(l *manifest.Layout) error {
	if !isFolder(l) {
		if len(l.Files) != 1 {
			return fault.New(fault.Refused, "it is a symlink alone, which is not downloaded")
		}
		return nil
	}
	folders := make([]*names.Folder, len(l.Dirs))
	add := func(dir int32, name string) error {
		if folders[dir] == nil {
			folders[dir] = names.Host().Folder()
		}
		if err := folders[dir].Add(name); err != nil {
			return fmt.Errorf("folder %s: %w", names.Quote(l.DirPath(int(dir))), err)
		}
		return nil
	}
	for _, dir := range l.Dirs[1:] {
		if err := add(dir.Parent, dir.Name); err != nil {
			return err
		}
	}
	for _, f := range l.Files {
		if err := add(f.Dir, f.Name); err != nil {
			return err
		}
	}
	for _, link := range l.Symlinks {
		if err := add(link.Dir, link.Name); err != nil {
			return err
		}
	}
	return nil
}

// ownNodes makes the inner blocks this download's own, also those that the store had before.
func (d *Download) ownNodes(m *manifest.Manifest) error {
	d.s.gc.RLock()
	defer d.s.gc.RUnlock()
	b := d.s.db.NewBatch()
	defer b.Close()
	for i := range m.Len() {
		if e := m.Entry(i); !e.Leaf {
			b.Set(key(keyBlockUser, e.Cid.Bytes(), num(d.owner)), nil, nil)
			b.Set(key(keyOwnsBlock, num(d.owner), e.Cid.Bytes()), nil, nil)
		}
	}
	return b.Commit(pebble.NoSync)
}

// describe writes what is known now to the record.
func (d *Download) describe(l *manifest.Layout) error {
	return d.s.updateRoot(d.root, d.owner, func(r *rootRecord) {
		r.Bytes, r.Files = l.Bytes, len(l.Files)
		if r.Part != nil {
			r.Part.Overwrite = d.over
		}
	})
}

// missingBytes returns how many bytes of files are not written yet.
func (d *Download) missingBytes() int64 {
	p := d.plan.Load()
	d.mu.Lock()
	defer d.mu.Unlock()
	missing := p.l.Bytes
	for i := range d.have.All() {
		for place := range p.l.Places(i) {
			missing -= max(0, place.Size)
		}
	}
	return missing
}

// join returns the path of a name of the layout below base.
func join(base, name string) string {
	if name == "" {
		return base
	}
	return filepath.Join(base, filepath.FromSlash(name))
}
