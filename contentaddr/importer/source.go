package importer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

// A source is a regular file being imported. Who opens it closes it, or hands it on: a small file
// belongs to one worker from open to close; a large one is opened by the walk, read by all workers at
// once, and closed by the collector.
type source struct {
	name   string // in its folder
	path   string
	f      *os.File
	info   fs.FileInfo // when it was opened
	sparse bool
}

// open opens s and looks at it.
func (s *source) open() error {
	f, err := open(s.path)
	if err != nil {
		return failed(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = s.changed()
	}
	if err != nil {
		_ = f.Close()
		return failed(err)
	}
	s.f, s.info, s.sparse = f, info, sparse(info.Sys())
	return nil
}

// check fails if s is not what it was when it was opened.
func (s *source) check() error {
	info, err := s.f.Stat()
	if err != nil {
		return failed(err)
	}
	if StatOf(info) != StatOf(s.info) {
		return s.changed()
	}
	return nil
}

func (s *source) changed() error {
	return fault.New(fault.Failed, "import: %s changed while it was read: try again when nothing writes to it", s.path)
}

// readAt fills p from s. A file that has become shorter has changed.
func (s *source) readAt(p []byte, offset int64) error {
	_, err := s.f.ReadAt(p, offset)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF):
		return s.changed()
	}
	return failed(err)
}

// close closes s if it is open. A nil s is not.
func (s *source) close() {
	if s != nil && s.f != nil {
		_ = s.f.Close() // nothing was written
		s.f = nil
	}
}

// attr returns what is preserved of a file or folder.
func attr(info fs.FileInfo) unixfs.Attr {
	m := info.Mode()
	bits := uint32(m.Perm())
	for flag, bit := range map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m&flag != 0 {
			bits |= bit
		}
	}
	return unixfs.Attr{Mode: bits, ModTime: info.ModTime()}
}

// failed marks an error of the file system, which names the path, as the import's.
func failed(err error) error {
	return fault.Mark(fault.Failed, fmt.Errorf("import: %w", err))
}
