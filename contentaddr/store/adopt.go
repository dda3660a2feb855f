package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/contentaddr/importer"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/contentaddr/names"
	"github.com/seed4134be55/peer/fault"
)

// Adopt reads what is at the destination already. If it is the root, bit for bit, the download holds
// every leaf and Finish writes nothing. Otherwise fault.Refused says what to do, and nothing has
// changed; with Overwrite, leaves that are right are taken over into the .part. A destination that is
// of another kind than the root is refused in any case.
func (d *Download) Adopt(ctx context.Context) error {
	p := d.plan.Load()
	if p == nil {
		return fault.New(fault.Failed, "get %s: adopt before the manifest is known", d.root)
	}
	if err := d.adopt(ctx, p); err != nil {
		return fmt.Errorf("get %s: %w", d.root, err)
	}
	return nil
}

func (d *Download) adopt(ctx context.Context, p *plan) error {
	dest, err := d.openDest(p.l)
	if err != nil || dest == nil {
		return err
	}
	found := survey{d: d, p: p, dest: dest, good: bitfield.New(p.m.Leaves()), stats: make(map[int]importer.Stat), equal: true}
	if err := found.all(ctx); err != nil {
		dest.Close()
		return err
	}
	if found.equal {
		d.takeWhole(p, dest, found.stats)
		return nil
	}
	defer dest.Close()
	if !d.over {
		return fault.New(fault.Refused, "%s exists and is not the same: use --overwrite to replace it, or -o DIR to save elsewhere", d.dest)
	}
	return found.takeGood(ctx)
}

// openDest opens what is at the destination; nil if nothing is.
func (d *Download) openDest(l *manifest.Layout) (folder, error) {
	was, err := d.s.disk.Lstat(d.dest)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case isFolder(l) && !was.Mode.IsDir():
		return nil, fault.New(fault.Refused, "%s exists and is %s where a folder would be: use -o DIR to save elsewhere", d.dest, kindOf(was.Mode))
	case !isFolder(l) && !was.Mode.IsRegular():
		return nil, fault.New(fault.Refused, "%s exists and is %s where a file would be: use -o DIR to save elsewhere", d.dest, kindOf(was.Mode))
	case isFolder(l):
		return d.s.disk.Folder(d.dest)
	}
	return d.s.disk.Single(d.dest), nil
}

func kindOf(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "a file"
	case m.IsDir():
		return "a folder"
	case m&fs.ModeSymlink != 0:
		return "a symlink"
	}
	return "a special file"
}

// takeWhole makes the destination what the download holds.
func (d *Download) takeWhole(p *plan, dest folder, stats map[int]importer.Stat) {
	d.out.adopt(dest)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.have = bitfield.Full(p.m.Leaves())
	clear(d.left)
	d.stats = stats
	d.feed.publish(Change{First: 0, Count: p.m.Leaves()})
}

// A survey compares a destination with the root.
type survey struct {
	d    *Download
	p    *plan
	dest folder

	good  *bitfield.Bitfield // leaves that are right somewhere
	from  map[int]place      // where that is
	stats map[int]importer.Stat
	equal bool
	buf   []byte
}

// A place is where in the destination a leaf was found.
type place struct {
	file         int
	offset, size int64
}

func (v *survey) all(ctx context.Context) error {
	if err := v.kinds(); err != nil {
		return err
	}
	if !v.equal && !v.d.over {
		return nil // no need to read
	}
	for i := range v.p.l.Files {
		if err := v.file(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// kinds compares what is there, by name and kind.
func (v *survey) kinds() error {
	l := v.p.l
	for i := range l.Dirs {
		if _, err := v.expect(l.DirPath(i), fs.ModeDir); err != nil {
			return err
		}
	}
	for i := range l.Files {
		was, err := v.expect(l.FilePath(i), 0)
		if err != nil {
			return err
		}
		if size := l.Files[i].Size; size >= 0 && was.Stat.Size != size {
			v.equal = false
		}
	}
	for i := range l.Symlinks {
		name := l.SymlinkPath(i)
		if names.Target(name, l.Symlinks[i].Target) != nil {
			continue
		}
		if _, err := v.expect(name, fs.ModeSymlink); err != nil {
			return err
		}
		if target, err := v.dest.Readlink(name); err != nil || target != l.Symlinks[i].Target {
			v.equal = false
		}
	}
	return nil
}

// expect refuses a name that is there and of another kind.
func (v *survey) expect(name string, kind fs.FileMode) (was entry, err error) {
	was, err = v.dest.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.equal = false
		return was, nil
	case err != nil:
		return was, err
	case was.Mode.Type() != kind:
		return was, fault.New(fault.Refused, "%s exists and is %s where the root has %s: move it, or use -o DIR to save elsewhere",
			filepath.Join(v.d.dest, filepath.FromSlash(name)), kindOf(was.Mode), kindOf(kind))
	}
	return was, nil
}

// file compares one file.
func (v *survey) file(ctx context.Context, fi int) error {
	f, err := v.dest.Open(v.p.l.FilePath(fi), false)
	if errors.Is(err, fs.ErrNotExist) {
		v.equal = false
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if size := v.p.l.Files[fi].Size; size >= 0 && st.Size != size {
		v.equal = false
	}
	for e := range v.p.l.Extents(fi) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !v.extent(f, fi, e) {
			v.equal = false
		}
	}
	after, err := f.Stat()
	if err != nil || after != st {
		v.equal = false
	}
	v.stats[fi] = st
	return err
}

func (v *survey) extent(f file, fi int, e manifest.Extent) bool {
	if e.Leaf < 0 {
		got := make([]byte, len(e.Literal))
		_, err := f.ReadAt(got, e.Offset)
		return (err == nil || err == io.EOF) && string(got) == e.Literal
	}
	block, err := v.d.readPlace(v.p, f, e.Leaf, e.Offset, e.Size, v.buf)
	if err != nil || contentaddr.Verify(v.p.m.Leaf(e.Leaf).Cid, block) != nil {
		return false
	}
	v.buf = block
	if v.good.Set(e.Leaf) {
		if v.from == nil {
			v.from = make(map[int]place)
		}
		v.from[e.Leaf] = place{fi, e.Offset, e.Size}
	}
	return true
}

// takeGood puts what is right into the .part.
func (v *survey) takeGood(ctx context.Context) error {
	for i := range v.good.All() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := v.take(i, v.from[i]); err != nil {
			return err
		}
	}
	return nil
}

func (v *survey) take(i int, at place) error {
	f, err := v.dest.Open(v.p.l.FilePath(at.file), false)
	if err != nil {
		return err
	}
	defer f.Close()
	block, err := v.d.readPlace(v.p, f, i, at.offset, at.size, v.buf)
	if err != nil {
		return nil // it changed meanwhile: it is fetched
	}
	v.buf = block
	if err := v.d.Put(i, block); fault.KindOf(err) != fault.Corrupt {
		return err
	}
	return nil
}
