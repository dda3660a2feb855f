package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed4134be55/peer/contentaddr/importer"
)

// memDisk is a disk over pebble's file system in memory, which at CrashClone forgets what was not
// synced. It knows neither inodes nor symlinks.
type memDisk struct {
	fs   vfs.FS
	boot string
	free int64

	making sync.Mutex // the file system below has no O_EXCL

	full atomic.Int64 // writes still accepted; negative: any number
}

func newMemDisk(fs vfs.FS, boot string) *memDisk {
	d := &memDisk{fs: fs, boot: boot, free: 1 << 40}
	d.full.Store(-1)
	return d
}

func (d *memDisk) Open(name string) (file, error) {
	f, err := d.fs.Open(name)
	if err != nil {
		return nil, notExist(err)
	}
	return &memFile{File: f, d: d}, nil
}

// notExist makes the error of a file system in memory one of package fs.
func notExist(err error) error {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}

func (d *memDisk) Lstat(name string) (entry, error) {
	info, err := d.fs.Stat(name)
	if err != nil {
		return entry{}, notExist(err)
	}
	st := importer.Stat{Size: info.Size(), ModTime: info.ModTime().UnixNano()}
	if info.IsDir() {
		return entry{Mode: fs.ModeDir | 0o777, Stat: st}, nil
	}
	return entry{Mode: 0o666, Stat: st}, nil
}

func (d *memDisk) Part(name string) (folder, error) {
	if err := d.fs.MkdirAll(name, 0o777); err != nil {
		return nil, err
	}
	return &memFolder{d, name}, nil
}

func (d *memDisk) Single(name string) folder { return &memFolder{d, name} }

func (d *memDisk) Folder(name string) (folder, error) {
	if e, err := d.Lstat(name); err != nil || !e.Mode.IsDir() {
		return nil, fmt.Errorf("%s: no folder: %v", name, err)
	}
	return &memFolder{d, name}, nil
}

func (d *memDisk) Rename(from, to string) error { return d.fs.Rename(from, to) }
func (d *memDisk) RemoveAll(name string) error  { return d.fs.RemoveAll(name) }
func (d *memDisk) Boot() string                 { return d.boot }
func (d *memDisk) Free(string) (int64, error)   { return d.free, nil }

func (d *memDisk) SyncDir(name string) error {
	f, err := d.fs.OpenDir(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// memFolder is a folder of it, or a single file whose name is "".
type memFolder struct {
	d   *memDisk
	dir string
}

func (m *memFolder) at(name string) string {
	if name == "" {
		return m.dir
	}
	return path.Join(m.dir, name)
}

func (m *memFolder) Create(name string) (file, error) {
	m.d.making.Lock()
	defer m.d.making.Unlock()
	if _, err := m.d.fs.Stat(m.at(name)); err == nil {
		return nil, fs.ErrExist
	}
	return m.openWrite(name)
}

func (m *memFolder) Open(name string, write bool) (file, error) {
	if !write {
		return m.d.Open(m.at(name))
	}
	if _, err := m.d.fs.Stat(m.at(name)); err != nil {
		return nil, notExist(err)
	}
	return m.openWrite(name)
}

func (m *memFolder) openWrite(name string) (file, error) {
	f, err := m.d.fs.OpenReadWrite(m.at(name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, notExist(err)
	}
	return &memFile{File: f, d: m.d}, nil
}

func (m *memFolder) Lstat(name string) (entry, error) { return m.d.Lstat(m.at(name)) }
func (m *memFolder) Mkdir(name string) error          { return m.d.fs.MkdirAll(m.at(name), 0o777) }
func (m *memFolder) Remove(name string) error         { return m.d.fs.Remove(m.at(name)) }
func (m *memFolder) Rename(from, to string) error     { return m.d.fs.Rename(m.at(from), m.at(to)) }
func (m *memFolder) Readlink(string) (string, error)  { return "", fs.ErrInvalid }
func (m *memFolder) Symlink(string, string) error     { return fs.ErrInvalid }
func (m *memFolder) Chmod(string, fs.FileMode) error  { return nil }
func (m *memFolder) Chtimes(string, time.Time) error  { return nil }
func (m *memFolder) SyncAll() (bool, error)           { return false, nil }
func (m *memFolder) Close() error                     { return nil }

func (m *memFolder) SyncDir(name string) error {
	dir := m.at(name)
	if e, err := m.d.Lstat(dir); err == nil && !e.Mode.IsDir() {
		dir = path.Dir(dir)
	}
	return m.d.SyncDir(dir)
}

// memFile is an open file. The one below it may only be synced by one at a time.
type memFile struct {
	vfs.File
	d    *memDisk
	sync sync.Mutex
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	if f.d.full.Load() == 0 {
		return 0, errFull
	}
	f.d.full.Add(-1)
	return f.File.WriteAt(p, off)
}

func (f *memFile) Stat() (importer.Stat, error) {
	info, err := f.File.Stat()
	if err != nil {
		return importer.Stat{}, err
	}
	if info.IsDir() {
		return importer.Stat{}, errIrregular
	}
	return importer.Stat{Size: info.Size(), ModTime: info.ModTime().UnixNano()}, nil
}

func (f *memFile) Truncate(size int64) error {
	st, err := f.Stat()
	if err != nil || st.Size >= size {
		return err
	}
	_, err = f.File.WriteAt([]byte{0}, size-1)
	return err
}

func (f *memFile) Sync() error {
	f.sync.Lock()
	defer f.sync.Unlock()
	return f.File.Sync()
}

func (f *memFile) Data(off int64) (from, to int64, err error) {
	st, err := f.Stat()
	if err == nil && off >= st.Size {
		err = io.EOF
	}
	return off, st.Size, err
}
