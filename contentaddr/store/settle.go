package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/ipfs/go-cid"
)

// syncDelay is how long after Finish the files of a download are synced. It is there for a program
// that ends once it has what it came for: a sync cannot be interrupted, and most of the bytes will be
// on the disk by then.
const syncDelay = 2 * time.Second

// maxSyncs is how many finished downloads are synced at once: hundreds may finish in one second, or be due at the start
// of a peer that was killed, and each takes descriptors.
const maxSyncs = 4

// syncLater makes the files of a finished download durable in the background.
func (s *Store) syncLater(c cid.Cid, owner uint64, dest string) {
	s.background(func() {
		delay := time.NewTimer(syncDelay)
		defer delay.Stop()
		select {
		case <-s.stopping.Done():
		case <-delay.C:
			s.syncs <- struct{}{}
			defer func() { <-s.syncs }()
			s.logFailure("sync "+dest, s.syncNow(c, owner, dest))
		}
	})
}

// writeLog has the database write what was committed to its file, in the background. It keeps some 32 KiB of what is
// committed without a sync to itself, and a process that is killed would take finished downloads with it.
func (s *Store) writeLog() {
	s.background(func() { s.logFailure("write the log", s.db.LogData(nil, pebble.Sync)) })
}

// syncNow makes the files of a finished download durable, and then says so.
func (s *Store) syncNow(c cid.Cid, owner uint64, dest string) error {
	if err := s.syncFiles(owner, dest); err != nil {
		return err
	}
	if err := s.markSynced(c, owner); err != nil {
		return err
	}
	return s.db.LogData(nil, pebble.Sync)
}

func (s *Store) syncFiles(owner uint64, dest string) error {
	if dir, err := s.disk.Folder(dest); err == nil {
		all, err := dir.SyncAll()
		dir.Close()
		if all || err != nil {
			return err
		}
	}
	dirs := map[string]struct{}{filepath.Dir(dest): {}}
	err := each(s.db, key(keyOwnsFile, num(owner)), func(k, _ []byte) (bool, error) {
		id, err := lastNum(k)
		if err != nil {
			return false, err
		}
		rec, found, err := s.file(id)
		if err != nil || !found {
			return false, err
		}
		for dir := filepath.Dir(rec.Path); len(dir) >= len(dest); dir = filepath.Dir(dir) {
			dirs[dir] = struct{}{}
		}
		return true, errors.Join(s.stopping.Err(), s.syncOne(rec.Path))
	})
	for dir := range dirs {
		if err == nil {
			err = s.disk.SyncDir(dir)
		}
	}
	return err
}

func (s *Store) syncOne(path string) error {
	f, err := s.disk.Open(path)
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	defer f.Close()
	return f.Sync()
}
