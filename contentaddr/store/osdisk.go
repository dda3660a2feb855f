package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed4134be55/peer/contentaddr/importer"
)

var errIrregular = errors.New("not a regular file")

// osDisk is the operating system's file system.
type osDisk struct{}

func (osDisk) Open(name string) (file, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errIrregular}
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return newOSFile(f), nil
}

func (osDisk) Lstat(name string) (entry, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return entry{}, err
	}
	return entry{info.Mode(), importer.StatOf(info)}, nil
}

func (osDisk) Part(name string) (folder, error) {
	if err := os.Mkdir(name, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return osDisk{}.Folder(name)
}

func (osDisk) Folder(name string) (folder, error) {
	was, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !was.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a folder")}
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	is, err := root.Stat(".")
	if err == nil && !os.SameFile(was, is) {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("replaced while it was opened")}
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return &osFolder{root: root, subs: make(map[string]*os.Root)}, nil
}

func (osDisk) Single(name string) folder { return osSingle(name) }

func (osDisk) Rename(from, to string) error { return os.Rename(from, to) }

func (osDisk) RemoveAll(name string) error { return os.RemoveAll(name) }

func (osDisk) SyncDir(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return syncDir(f)
}

func (osDisk) Boot() string { return bootID() }

func (osDisk) Free(name string) (int64, error) {
	usage, err := vfs.Default.GetDiskUsage(name)
	return int64(min(usage.AvailBytes, 1<<62)), err
}

// osFolder is a folder of the operating system. It keeps the subfolders used last open, since each
// step of a path costs os.Root a system call or two, and a download writes folder after folder.
type osFolder struct {
	root *os.Root

	mu   sync.RWMutex
	subs map[string]*os.Root
}

// openSubs bounds the subfolders that are kept open.
const openSubs = 16

// in runs do with the subfolder that name lies in, opened, and name's last element.
func (d *osFolder) in(name string, do func(dir *os.Root, base string) error) error {
	dir, base := path.Split(name)
	if dir == "" {
		return do(d.root, base)
	}
	d.mu.RLock()
	if sub := d.subs[dir]; sub != nil {
		defer d.mu.RUnlock()
		return do(sub, base)
	}
	d.mu.RUnlock()
	if err := d.openSub(dir); err != nil {
		return err
	}
	return d.in(name, do)
}

func (d *osFolder) openSub(dir string) error {
	sub, err := d.root.OpenRoot(path.Clean(dir))
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.subs[dir] != nil {
		return sub.Close()
	}
	if len(d.subs) >= openSubs {
		for name, old := range d.subs {
			old.Close()
			delete(d.subs, name)
			break
		}
	}
	d.subs[dir] = sub
	return nil
}

func (d *osFolder) Create(name string) (f file, err error) {
	err = d.in(name, func(dir *os.Root, base string) error {
		opened, err := dir.OpenFile(base, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		f = newOSFile(opened)
		return err
	})
	return f, err
}

func (d *osFolder) Open(name string, write bool) (f file, err error) {
	err = d.in(name, func(dir *os.Root, base string) error {
		was, err := dir.Lstat(base)
		if err != nil {
			return err
		}
		opened, err := openRegular(was, name, write, func(flag int) (*os.File, error) {
			return dir.OpenFile(base, flag, 0)
		})
		f = newOSFile(opened)
		return err
	})
	return f, err
}

// openRegular opens what Lstat said is a regular file, and checks that it still was that file.
func openRegular(was fs.FileInfo, name string, write bool, open func(flag int) (*os.File, error)) (*os.File, error) {
	if !was.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errIrregular}
	}
	flag := os.O_RDONLY
	if write {
		flag = os.O_RDWR
	}
	f, err := open(flag)
	if err != nil {
		return nil, err
	}
	is, err := f.Stat()
	if err == nil && !os.SameFile(was, is) {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("replaced while it was opened")}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (d *osFolder) Lstat(name string) (e entry, err error) {
	err = d.in(name, func(dir *os.Root, base string) error {
		info, err := dir.Lstat(dot(base))
		if err == nil {
			e = entry{info.Mode(), importer.StatOf(info)}
		}
		return err
	})
	return e, err
}

// dot returns the name by which a folder knows itself when name is empty.
func dot(name string) string {
	if name == "" {
		return "."
	}
	return name
}

func (d *osFolder) Readlink(name string) (string, error) { return d.root.Readlink(name) }

func (d *osFolder) Mkdir(name string) error {
	return d.in(name, func(dir *os.Root, base string) error {
		err := dir.Mkdir(base, 0o777)
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		info, err := dir.Lstat(base)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("mkdir %s: %w, and no folder", name, fs.ErrExist)
		}
		return err
	})
}

func (d *osFolder) Symlink(target, name string) error { return d.root.Symlink(target, name) }

func (d *osFolder) Rename(from, to string) error { return d.root.Rename(from, to) }

func (d *osFolder) Remove(name string) error { return d.root.Remove(name) }

func (d *osFolder) Chmod(name string, mode fs.FileMode) error { return d.root.Chmod(dot(name), mode) }

func (d *osFolder) Chtimes(name string, mtime time.Time) error {
	return d.root.Chtimes(dot(name), time.Time{}, mtime)
}

func (d *osFolder) SyncDir(name string) error {
	f, err := d.root.Open(dot(name))
	if err != nil {
		return err
	}
	defer f.Close()
	return syncDir(f)
}

func (d *osFolder) SyncAll() (bool, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return false, err
	}
	defer f.Close()
	return syncFileSystem(f)
}

func (d *osFolder) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, sub := range d.subs {
		sub.Close()
		delete(d.subs, name)
	}
	return d.root.Close()
}

// osSingle is the path of a download that is one file.
type osSingle string

var errSingle = errors.New("store: a single file has no names inside")

func (s osSingle) check(name string) error {
	if name != "" {
		return errSingle
	}
	return nil
}

func (s osSingle) Create(name string) (file, error) {
	if err := s.check(name); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(string(s), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	return newOSFile(f), nil
}

func (s osSingle) Open(name string, write bool) (file, error) {
	if err := s.check(name); err != nil {
		return nil, err
	}
	was, err := os.Lstat(string(s))
	if err != nil {
		return nil, err
	}
	f, err := openRegular(was, string(s), write, func(flag int) (*os.File, error) {
		return os.OpenFile(string(s), flag, 0)
	})
	if err != nil {
		return nil, err
	}
	return newOSFile(f), nil
}

func (s osSingle) Lstat(name string) (entry, error) {
	if err := s.check(name); err != nil {
		return entry{}, err
	}
	return osDisk{}.Lstat(string(s))
}

func (s osSingle) Chmod(name string, mode fs.FileMode) error {
	if err := s.check(name); err != nil {
		return err
	}
	return os.Chmod(string(s), mode)
}

func (s osSingle) Chtimes(name string, mtime time.Time) error {
	if err := s.check(name); err != nil {
		return err
	}
	return os.Chtimes(string(s), time.Time{}, mtime)
}

func (s osSingle) SyncDir(string) error { return osDisk{}.SyncDir(filepath.Dir(string(s))) }

func (osSingle) Readlink(string) (string, error) { return "", errSingle }
func (osSingle) Mkdir(string) error              { return errSingle }
func (osSingle) Symlink(string, string) error    { return errSingle }
func (osSingle) Rename(string, string) error     { return errSingle }
func (osSingle) Remove(string) error             { return errSingle }
func (osSingle) SyncAll() (bool, error)          { return false, nil }
func (osSingle) Close() error                    { return nil }

// osFile is a file of the operating system.
type osFile struct {
	*os.File
	direct *direct
}

// newOSFile takes over an open file.
func newOSFile(f *os.File) osFile { return osFile{f, new(direct)} }

func (f osFile) WriteAt(b []byte, off int64) (int, error) {
	if n, done, err := f.direct.writeAt(f.File, b, off); done {
		return n, err
	}
	return f.File.WriteAt(b, off)
}

func (f osFile) Close() error {
	f.direct.close()
	return f.File.Close()
}

func (f osFile) Stat() (importer.Stat, error) {
	info, err := f.File.Stat()
	if err != nil {
		return importer.Stat{}, err
	}
	if !info.Mode().IsRegular() {
		return importer.Stat{}, errIrregular
	}
	return importer.StatOf(info), nil
}

func (f osFile) Sync() error { return syncData(f.File) }

func (f osFile) Data(off int64) (from, to int64, err error) { return dataRange(f.File, off) }
