package importer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

const (
	// partSize is how many bytes of a large file a worker takes at a time: little enough that all
	// workers end together, enough that handing over costs nothing.
	partSize = 4 << 20
	// smallSize is the largest file in bytes that one worker opens, reads and closes alone.
	smallSize = 4 * partSize
	// queued is how many steps the walk may be ahead. It bounds open files too: a large file, the only
	// kind that is open while it is queued, has more than four steps.
	queued = 256
)

// A step is what the walk found next, in the order of the DAG: a folder's entries stand between its
// enter and its leave.
type step struct {
	op     op
	name   string // of a folder or symlink, in its folder
	target string // of a symlink
	attr   unixfs.Attr
	part   *part
	skip   Skip
	err    error // opFail
}

type op uint8

const (
	opEnter op = iota
	opLeave
	opSymlink
	opPart
	opSkip
	opFail
)

// A walk lists what is to be imported. Its goroutine owns everything but the channels.
type walk struct {
	options Options
	root    root
	steps   chan step  // closed at the end
	work    chan *part // the parts among the steps; closed at the end
}

// root is the path to import, found to exist.
type root struct {
	path string
	info fs.FileInfo
}

// findRoot makes path absolute and follows it if it is a symlink.
func findRoot(path string) (root, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return root{}, fault.New(fault.BadInput, "import %q: %w", path, err)
	}
	info, err := os.Lstat(abs)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if abs, err = filepath.EvalSymlinks(abs); err == nil {
			info, err = os.Lstat(abs)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return root{}, fault.New(fault.BadInput, "import %q: no such file or folder", path)
	case err != nil:
		return root{}, failed(err)
	case special(info.Mode()) != "":
		return root{}, fault.New(fault.BadInput, "import %q: it is %s, neither a file nor a folder", path, special(info.Mode()))
	}
	return root{abs, info}, nil
}

// special says what a path is that has no place in a DAG; "" for those that have one.
func special(m fs.FileMode) string {
	switch {
	case m.IsRegular(), m.IsDir(), m&fs.ModeType == fs.ModeSymlink:
		return ""
	case m&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

// startWalk starts the walk's goroutine. It ends when all is listed, at the first error, which is its
// last step, or when ctx is done.
func startWalk(ctx context.Context, root root, o Options) *walk {
	w := &walk{options: o, root: root, steps: make(chan step, queued), work: make(chan *part, queued)}
	go func() {
		defer close(w.steps)
		defer close(w.work)
		if err := w.entry(ctx, "", root.path, root.info); err != nil {
			_ = w.send(ctx, step{op: opFail, err: err}) // unless ctx is done, and nobody listens
		}
	}()
	return w
}

// closeFiles waits for the walk to end and closes the files in the steps that nobody took.
func (w *walk) closeFiles() {
	for s := range w.steps {
		if s.part != nil {
			s.part.source.close()
		}
	}
}

func (w *walk) send(ctx context.Context, s step) error {
	select {
	case w.steps <- s:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// entry sends what the path is, which info describes.
func (w *walk) entry(ctx context.Context, name, path string, info fs.FileInfo) error {
	switch m := info.Mode(); {
	case m.IsDir():
		return w.folder(ctx, name, path, info)
	case m.IsRegular():
		return w.file(ctx, name, path, info)
	case m&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		if err != nil {
			return failed(err)
		}
		return w.send(ctx, step{op: opSymlink, name: name, target: filepath.ToSlash(target), attr: w.attr(info)})
	default:
		return w.send(ctx, step{op: opSkip, skip: Skip{path, special(m)}})
	}
}

// attr returns what is to be kept of info.
func (w *walk) attr(info fs.FileInfo) unixfs.Attr {
	if !w.options.Preserve {
		return unixfs.Attr{}
	}
	return attr(info)
}

// folder sends a folder and what is in it, by name.
func (w *walk) folder(ctx context.Context, name, path string, info fs.FileInfo) error {
	if err := w.send(ctx, step{op: opEnter, name: name, attr: w.attr(info)}); err != nil {
		return err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return failed(err)
	}
	for _, e := range entries {
		if err := w.child(ctx, filepath.Join(path, e.Name()), e); err != nil {
			return err
		}
	}
	return w.send(ctx, step{op: opLeave})
}

func (w *walk) child(ctx context.Context, path string, e fs.DirEntry) error {
	if w.options.NoHidden && strings.HasPrefix(e.Name(), ".") {
		return nil
	}
	if !utf8.ValidString(e.Name()) {
		return w.send(ctx, step{op: opSkip, skip: Skip{path, "its name is not valid UTF-8"}})
	}
	info, err := e.Info()
	if err != nil {
		return failed(err)
	}
	return w.entry(ctx, e.Name(), path, info)
}

// file sends a small file as one part, which a worker will open, and a large one in several.
func (w *walk) file(ctx context.Context, name, path string, info fs.FileInfo) error {
	s := &source{name: name, path: path}
	if info.Size() <= smallSize {
		return w.part(ctx, &part{source: s, first: true, last: true})
	}
	if err := s.open(); err != nil {
		return err
	}
	size := s.info.Size()
	chunk := w.options.Profile.Chunk
	step := int64(max(1, partSize/chunk) * chunk)
	for offset := int64(0); ; offset += step {
		p := &part{source: s, first: offset == 0, last: offset+step >= size, offset: offset, size: min(step, size-offset)}
		if err := w.part(ctx, p); err != nil || p.last {
			if err != nil && p.first {
				s.close() // nobody else knows of it
			}
			return err
		}
	}
}

// part sends p to the collector, then to the workers.
func (w *walk) part(ctx context.Context, p *part) error {
	p.done = make(chan struct{})
	if err := w.send(ctx, step{op: opPart, part: p}); err != nil {
		return err
	}
	select {
	case w.work <- p:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
