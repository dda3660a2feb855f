package store

import (
	"errors"
	"fmt"
	"sync"

	"github.com/seed4134be55/peer/contentaddr/importer"
)

// A sharedFile is one that is open, and what is known of it.
type sharedFile struct {
	file
	path   string
	leaves int

	mu     sync.Mutex
	stat   importer.Stat      // of its record
	since  uint64             // Store.trusted when stat became what it is
	doubt  bool               // stat alone is not to be trusted
	hashed map[int64]struct{} // offsets of the leaves that were hashed and right while it was …
	when   importer.Stat      // … like this
}

// errUnheld says that a file's record is missing or names it as gone, or cannot be read.
var errUnheld = errors.New("its file is gone")

// acquire opens a shared file; it is released with s.files.release.
func (s *Store) acquire(id uint64) (*handle[*sharedFile], error) {
	return s.files.acquire(id, func() (*sharedFile, error) {
		rec, found, err := s.file(id)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUnheld, err)
		}
		if !found || rec.Gone != "" {
			return nil, errUnheld
		}
		f, err := s.disk.Open(rec.Path)
		if err != nil {
			return nil, err
		}
		return &sharedFile{
			file: f, path: rec.Path, leaves: rec.Leaves, stat: rec.Stat, since: s.trusted.Load(), doubt: s.doubtful(rec),
		}, nil
	})
}

// trusts tells whether bytes read between two fstats that both said st need no hashing, by a recipe
// that was looked up when Store.trusted was asOf.
func (f *sharedFile) trusts(st importer.Stat, asOf uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stat == st && !f.doubt && f.since <= asOf
}

// trust makes st what the file is trusted with.
func (f *sharedFile) trust(st importer.Stat, since uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stat, f.since, f.doubt, f.hashed = st, since, false, nil
}

// hashedRight notes that the leaf at offset was right while the file was as st says. It returns true
// once that holds for every leaf of the file.
func (f *sharedFile) hashedRight(offset int64, st importer.Stat) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.when != st || f.hashed == nil {
		f.when, f.hashed = st, make(map[int64]struct{})
	}
	f.hashed[offset] = struct{}{}
	return len(f.hashed) == f.leaves
}
