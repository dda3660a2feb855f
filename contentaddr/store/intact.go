package store

import (
	"context"
	"path/filepath"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/manifest"
)

// Intact tells whether a root is held whole at a path, with nothing there changed since: then there is nothing to
// download, or even to read. It looks at every file's fstat and reads none. Where it is in doubt it says no.
func (s *Store) Intact(ctx context.Context, c cid.Cid, path string) (RootInfo, bool) {
	path = filepath.Clean(path)
	var info RootInfo
	var owner uint64
	err := s.eachOf(c, func(o uint64, r *rootRecord) error {
		if r.Complete && r.Path == path && r.Problem == "" {
			info, owner = r.info(c), o
		}
		return nil
	})
	if err != nil || owner == 0 {
		return RootInfo{}, false
	}
	root, err := s.Root(ctx, c)
	if err != nil || !root.Have().Full() {
		return RootInfo{}, false
	}
	get := func(ctx context.Context, c cid.Cid) ([]byte, error) { return s.Block(ctx, c, nil) }
	l, err := manifest.NewLayout(ctx, root.Manifest(), get, manifest.DefaultLimits())
	if err != nil {
		return RootInfo{}, false
	}
	known, ok := s.untouchedFiles(owner)
	return info, ok && s.standsAt(path, l, known)
}

// untouchedFiles returns the paths of an owner's files, and whether all are as they were when they were known to be right.
func (s *Store) untouchedFiles(owner uint64) (known map[string]bool, ok bool) {
	known, ok = make(map[string]bool), true
	err := each(s.db, key(keyOwnsFile, num(owner)), func(k, _ []byte) (bool, error) {
		id, err := lastNum(k)
		if err != nil {
			return false, err
		}
		rec, found, err := s.file(id)
		if err != nil || !found {
			return false, err
		}
		is, err := s.disk.Lstat(rec.Path)
		known[rec.Path] = true
		ok = err == nil && is.Mode.IsRegular() && is.Stat == rec.Stat && rec.Gone == "" && !s.doubtful(rec)
		return ok, nil
	})
	return known, ok && err == nil
}

// standsAt tells whether what no leaf is about is there as well: folders and empty files. Symlinks are left to a
// closer look, and so is a file that an inner node carries.
func (s *Store) standsAt(path string, l *manifest.Layout, known map[string]bool) bool {
	if len(l.Symlinks) > 0 {
		return false
	}
	for i := range l.Dirs {
		if is, err := s.disk.Lstat(join(path, l.DirPath(i))); err != nil || !is.Mode.IsDir() {
			return false
		}
	}
	for fi := range l.Files {
		name := join(path, l.FilePath(fi))
		if known[name] {
			continue
		}
		if is, err := s.disk.Lstat(name); err != nil || !is.Mode.IsRegular() || is.Stat.Size != 0 || l.Files[fi].Size != 0 {
			return false
		}
	}
	return true
}
