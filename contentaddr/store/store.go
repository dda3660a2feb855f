// Package store is what this peer holds: files shared where they lie, downloads under way, and the
// inner nodes of both.
//
// The unit of storage is the user's file. A leaf is a recipe, a range of a file and what turns it
// into the block, and reading one is a pread between two fstats. Inner nodes and bookkeeping live in
// an embedded key-value store. It knows no network: who may see what, and where blocks come from, is
// decided elsewhere.
//
// What is trusted, and when: bytes of a file whose fstat is the one it was imported with; of any other
// file, bytes that hash to their CID; and of a download, leaves in the journal, which never names a
// leaf whose bytes were not synced before.
//
// Start reading at Store, then read.go for sharing, and download.go, put.go and journal.go for
// downloads.
package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/fault"
)

// Config says where a store is. Only Dir is needed.
type Config struct {
	Dir string       // the home: the database is in its folder db
	Log *slog.Logger // nil: nowhere
	Limits
}

// Limits bound what a store takes of the machine. Zero means the default.
type Limits struct {
	OpenFiles   int   // files kept open at once, for all shares and again for all downloads; 128
	Reserve     int64 // bytes that a download leaves free on its disk; 64 MiB
	MaxDownload int64 // bytes of the largest root that is fetched; no limit but the disk
}

// ErrWithdrawn says that a block was held once, but its file changed or vanished. Its kind is
// fault.NotFound.
var ErrWithdrawn = errors.New("withdrawn: its file changed")

// Store holds content. Safe for concurrent use.
type Store struct {
	cfg   Config
	db    *pebble.DB
	disk  disk
	files *handles[*sharedFile]
	parts *handles[file] // of downloads; see output.key
	syncs chan struct{}  // has room for the finished downloads that are synced at once

	// gc is held for reading while blocks are added, and for writing while blocks without a user are
	// looked for and dropped: one added in between would be lost.
	gc sync.RWMutex

	// opened counts the downloads opened.
	opened atomic.Uint32

	// trusted counts how often a file became trusted with another Stat. It is 1 or more.
	trusted atomic.Uint64

	records sync.Mutex // held while a record is read and written again

	seq struct {
		sync.Mutex
		next, limit uint64
	}

	live struct {
		sync.Mutex
		roots     rootCache
		downloads map[uint64]*Download // by owner
		doubtful  map[uint64]bool      // owners whose files may have lost bytes in a crash
		broken    map[uint64]bool      // files that are being verified, or wait for it
		told      map[uint64]bool      // files whose problem was told
		closed    bool
	}

	stopping context.Context // ends when Close begins
	stop     context.CancelFunc
	work     sync.WaitGroup // goroutines of the store
	verify   chan uint64    // files to hash whole, because a leaf of theirs was wrong
}

// Open opens the store in cfg.Dir, or makes it. It reads nothing of what is shared. A database of a
// later format is refused by name.
func Open(cfg Config) (*Store, error) {
	return open(cfg, vfs.Default, osDisk{})
}

func open(cfg Config, fs vfs.FS, d disk) (*Store, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.OpenFiles == 0 {
		cfg.OpenFiles = 128
	}
	if cfg.Reserve == 0 {
		cfg.Reserve = 64 << 20
	}
	dir := filepath.Join(cfg.Dir, "db")
	db, err := openDB(dir, fs, cfg.Log)
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, db: db, disk: d, verify: make(chan uint64, 64)}
	s.trusted.Store(1)
	s.files, s.parts = newHandles[*sharedFile](cfg.OpenFiles), newHandles[file](cfg.OpenFiles)
	s.syncs = make(chan struct{}, maxSyncs)
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.live.downloads = make(map[uint64]*Download)
	s.live.doubtful = make(map[uint64]bool)
	s.live.broken, s.live.told = make(map[uint64]bool), make(map[uint64]bool)
	if err := s.start(); err != nil {
		s.stop()
		return nil, errors.Join(fmt.Errorf("open %s: %w", dir, err), db.Close())
	}
	return s, nil
}

// openDB opens the database with caches so small that an idle peer stays small: the files that are
// shared are cached by the operating system, and what is read here are a few keys a leaf.
func openDB(dir string, fs vfs.FS, log *slog.Logger) (*pebble.DB, error) {
	cache := pebble.NewCache(24 << 20) // memtables are taken out of it
	defer cache.Unref()
	opts := &pebble.Options{
		FS:                          fs,
		Cache:                       cache,
		MemTableSize:                4 << 20,
		MemTableStopWritesThreshold: 4,
		MaxOpenFiles:                64,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      dbLog{log},
	}
	opts.Experimental.FileCacheShards = 1
	db, err := pebble.Open(dir, opts)
	switch {
	case err == nil:
	case errors.Is(err, pebble.ErrDBDoesNotExist):
		return nil, fault.New(fault.BadInput, "open %s: %w", dir, err)
	default:
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	if err := checkVersion(db); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", dir, err), db.Close())
	}
	return db, nil
}

func checkVersion(db *pebble.DB) error {
	value, found, err := get(db, []byte{keyVersion})
	if err != nil {
		return err
	}
	if !found {
		return db.Set([]byte{keyVersion}, binary.AppendUvarint(nil, formatVersion), pebble.NoSync)
	}
	v, n := binary.Uvarint(value)
	if n <= 0 || v != formatVersion {
		return fault.New(fault.Refused,
			"its format is version %d, and this program knows version %d: use a newer peer, or another --home", v, formatVersion)
	}
	return nil
}

// start loads the little that must be known of everything held.
func (s *Store) start() error {
	value, _, err := get(s.db, []byte{keySequence})
	if err != nil {
		return err
	}
	if len(value) == 8 {
		s.seq.limit = binary.BigEndian.Uint64(value)
	}
	s.seq.next = s.seq.limit
	boot := s.disk.Boot()
	err = s.eachRoot(func(c cid.Cid, owner uint64, r *rootRecord) error {
		switch {
		case !r.Unsynced:
		case boot != "" && r.Boot == boot:
			s.syncLater(c, owner, r.Path)
		default:
			s.live.doubtful[owner] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	left, err := s.leftovers()
	if err != nil {
		return err
	}
	s.work.Go(s.verifyBroken)
	s.work.Go(func() { s.sweep(left) })
	return nil
}

// Close waits for the store's goroutines. Downloads are closed first and can be resumed.
func (s *Store) Close() error {
	s.live.Lock()
	if s.live.closed {
		s.live.Unlock()
		return nil
	}
	s.live.closed = true
	open := make([]*Download, 0, len(s.live.downloads))
	for _, d := range s.live.downloads {
		open = append(open, d)
	}
	s.live.Unlock()
	var errs []error
	for _, d := range open {
		errs = append(errs, d.Close())
	}
	s.stop()
	s.work.Wait()
	s.files.clear()
	return errors.Join(append(errs, s.db.Close())...)
}

// background runs do in a goroutine that Close waits for; not once Close has begun.
func (s *Store) background(do func()) {
	s.live.Lock()
	defer s.live.Unlock()
	if !s.live.closed {
		s.work.Go(do)
	}
}

// nextID returns a number that no owner or file ever had. Numbers are reserved in the database a
// batch at a time; since its log keeps its order, a number in use is never handed out again.
func (s *Store) nextID() (uint64, error) {
	s.seq.Lock()
	defer s.seq.Unlock()
	if s.seq.next == s.seq.limit {
		limit := s.seq.limit + 1<<16
		if err := s.db.Set([]byte{keySequence}, num(limit), pebble.NoSync); err != nil {
			return 0, err
		}
		s.seq.limit = limit
	}
	s.seq.next++
	return s.seq.next, nil
}

// dbLog passes on what the database has to say: errors as such, chatter for debugging.
type dbLog struct{ *slog.Logger }

func (l dbLog) Infof(string, ...any) {}

func (l dbLog) Errorf(format string, args ...any) {
	l.Error("database", slog.String("what", fmt.Sprintf(format, args...)))
}

// Fatalf is called when the database can no longer keep its promises, such as after a failed sync
// of its log. It must not return.
func (l dbLog) Fatalf(format string, args ...any) {
	l.Errorf(format, args...)
	panic("database: " + fmt.Sprintf(format, args...))
}
