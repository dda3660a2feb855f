// Package importer turns a path on disk into a UnixFS DAG: it finds out the CIDs of what is there, and
// copies nothing.
//
// Three kinds of goroutine work on an import. The walk (walk.go) lists folders and puts what it finds
// into a queue, in the order of the DAG; the workers (hash.go), one a core, each read and hash a part
// of a file at a time; the collector (collect.go), which is the caller's own goroutine, takes the
// parts from the queue in order, builds the nodes and tells the Sink. Each byte is read once. Memory
// is bounded whatever the size of the files: one read buffer a worker, a queue of fixed length, and
// the file builder's open nodes; only the names in the folders that are open are held besides. Start
// reading at Import.
package importer

import (
	"context"
	"runtime"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/unixfs"
)

// Options say how to import. The zero value is the default.
type Options struct {
	Profile  unixfs.Profile // zero: unixfs.DefaultProfile()
	NoHidden bool           // leave out what has a name that begins with a dot, the root excepted
	Preserve bool           // keep modes and times of change (UnixFS 1.5); the CIDs differ from those without
	Workers  int            // goroutines that hash; 0: one a core. The result is the same for any number
}

// A Leaf is a part of a file whose content is one leaf block.
type Leaf struct {
	Cid    cid.Cid
	Offset int64 // in the file
	Size   int   // payload bytes; 0 for the one leaf of an empty file
	Framed bool  // the block is the payload within unixfs.LeafFrame(Size); otherwise it is the payload
}

// A File is a regular file in the import.
type File struct {
	Path string // absolute
	Stat Stat   // when it was opened
	Root cid.Cid
}

// A Sink is told what an import consists of, children before parents, files one after another. Its
// methods are called from the goroutine that called Import; an error ends the import and is returned.
// Slices belong to the sink. The same block may come more than once.
type Sink interface {
	// Node receives the block of an inner node, folder, shard or symlink, to be kept as it is.
	Node(c cid.Cid, block []byte) error
	// Leaves receives the next leaves of f, in file order, 1 to 1024 a call. f.Root is not known yet,
	// and f may yet turn out to have changed: then File is not called and the import fails.
	Leaves(f *File, leaves []Leaf) error
	// File says that f is done, and was the same (Stat) after it was read as before.
	File(f *File) error
}

// A Skip is something on disk that a DAG has no place for.
type Skip struct {
	Path string // absolute; may hold any byte, so escape it before it is printed
	Why  string // "a FIFO", "a socket", "a device", "its name is not valid UTF-8", …
}

// A Result is what an import found.
type Result struct {
	Root                     cid.Cid
	Bytes                    int64 // of the files
	Files, Folders, Symlinks int
	Executables              int    // regular files with an execute bit, which is lost unless Preserve is set
	Skipped                  []Skip // in the order of the walk
}

// Import finds the DAG of path, a regular file or a folder; if path itself is a symlink it is followed,
// those below are imported as symlinks. A nil sink finds the CID alone. progress, if not nil, is told
// from the calling goroutine how many bytes of files are done, now and then.
//
// Special files, and names that are not valid UTF-8 (dag-pb names are), are left out and listed in the
// result. What cannot be read, vanishes, or changes while it is read, is an error that names it: an
// import is whole or fails. A path that does not exist is a fault.BadInput. When ctx is cancelled the
// import stops within one read and returns ctx's error.
func Import(ctx context.Context, path string, o Options, sink Sink, progress func(bytes int64)) (Result, error) {
	if o.Profile == (unixfs.Profile{}) {
		o.Profile = unixfs.DefaultProfile()
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	root, err := findRoot(path)
	if err != nil {
		return Result{}, err
	}
	if sink == nil {
		sink = discard{}
	}
	if progress == nil {
		progress = func(int64) {}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := startWalk(ctx, root, o)
	workers := startWorkers(ctx, w.work, o)
	c := collector{profile: o.Profile, sink: sink, progress: progress, preserve: o.Preserve}
	err = c.collect(ctx, w.steps)
	cancel() // after an error; without one, walk and workers have ended
	workers.Wait()
	w.closeFiles()
	c.current.close()
	if err != nil {
		return Result{}, err
	}
	return c.result, nil
}

// discard is the sink of those who want the CID alone.
type discard struct{}

func (discard) Node(cid.Cid, []byte) error { return nil }
func (discard) Leaves(*File, []Leaf) error { return nil }
func (discard) File(*File) error           { return nil }
