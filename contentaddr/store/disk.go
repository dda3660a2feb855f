package store

import (
	"io"
	"io/fs"
	"time"

	"github.com/seed4134be55/peer/contentaddr/importer"
)

// disk is the file system that files are shared from and downloads are written to: the operating
// system's, or in tests one that forgets at a crash what was not synced.
type disk interface {
	// Open opens a regular file for reading; it does not wait for a FIFO's writer.
	Open(path string) (file, error)
	// Lstat does not follow a symlink.
	Lstat(path string) (entry, error)
	// Part opens the folder that a folder's download is written to, or makes it.
	Part(path string) (folder, error)
	// Single is the same for a download that is one file, which the folder knows as "".
	Single(path string) folder
	// Folder opens a folder that exists; a symlink is refused.
	Folder(path string) (folder, error)
	Rename(from, to string) error
	RemoveAll(path string) error
	SyncDir(path string) error
	// Boot tells runs of the machine apart: within one, no power cut took anything. "" if unknown.
	Boot() string
	// Free returns the bytes that the user may still write to the file system of path.
	Free(path string) (int64, error)
}

// A folder is where one download is written. Names in it are slash separated, relative and already
// checked; no name leads out of it, whatever symlinks somebody puts there.
type folder interface {
	// Create makes a file that must not exist.
	Create(name string) (file, error)
	// Open opens a regular file that exists; a symlink in the last place is refused.
	Open(name string, write bool) (file, error)
	Lstat(name string) (entry, error)
	Readlink(name string) (string, error)
	// Mkdir makes one folder; it is no error that it is there already, as a folder.
	Mkdir(name string) error
	Symlink(target, name string) error
	Rename(from, to string) error
	Remove(name string) error
	Chmod(name string, mode fs.FileMode) error
	Chtimes(name string, mtime time.Time) error
	SyncDir(name string) error
	// SyncAll syncs all data of the file system, if there is a call for that.
	SyncAll() (ok bool, err error)
	Close() error
}

// A file may be read and written by several goroutines at once.
type file interface {
	io.ReaderAt
	io.WriterAt
	// Stat fails if it is not a regular file.
	Stat() (importer.Stat, error)
	Truncate(size int64) error
	// Sync makes the file's bytes durable, and what is needed to read them.
	Sync() error
	// Data returns the first range of bytes at or after off that were written; io.EOF if there is
	// none. A file system that cannot tell says that all is data.
	Data(off int64) (from, to int64, err error)
	Close() error
}

// An entry is what Lstat says.
type entry struct {
	Mode fs.FileMode // type and permissions
	Stat importer.Stat
}
