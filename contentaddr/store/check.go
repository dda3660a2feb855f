package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr"
)

// verifyFile hashes every leaf of a file and withdraws those that are wrong. Afterwards the file is
// trusted again as it is, for what is left of it. It returns how many were withdrawn.
func (s *Store) verifyFile(ctx context.Context, id uint64) (wrong int, err error) {
	s.files.forget(id) // what is at its path now counts
	h, err := s.acquire(id)
	if errors.Is(err, errUnheld) {
		return 0, nil
	}
	if err != nil {
		s.fileGone(id, err)
		return 0, nil
	}
	defer s.files.release(h)
	f := h.v
	before, err := f.Stat()
	if err != nil {
		s.fileGone(id, err)
		return 0, nil
	}
	var buf []byte
	var left int
	err = s.extents(id, func(e extent) (bool, error) {
		block, ok := verifyLeaf(e, f, buf)
		if ok {
			left++
		}
		if s.setWrong(e.cid, e.recipe, !ok) && !ok {
			wrong++
			s.lost(e.cid)
		}
		buf = block
		return true, ctx.Err()
	})
	if err != nil {
		return wrong, fmt.Errorf("verify %s: %w", f.path, err)
	}
	after, err := f.Stat()
	if err == nil && after == before {
		s.trust(id, after, left)
	}
	return wrong, nil
}

// verifyLeaf hashes one leaf. It returns a buffer for the next.
func verifyLeaf(e extent, f *sharedFile, buf []byte) (next []byte, ok bool) {
	block, err := e.appendBlock(buf[:0], func(p []byte) error {
		_, err := f.ReadAt(p, e.offset)
		return err
	})
	if err != nil {
		return buf, false
	}
	return block, contentaddr.Verify(e.cid, block) == nil
}

// Check looks at every shared file once: what vanished is withdrawn, what came back is held again,
// what changed is hashed, and so is what a crash may have damaged. It reads little unless much
// changed, and is meant for a quiet hour: nothing else depends on it.
func (s *Store) Check(ctx context.Context) error {
	s.live.Lock()
	clear(s.live.told)
	s.live.Unlock()
	err := each(s.db, []byte{keyFile}, func(k, v []byte) (bool, error) {
		id, err := lastNum(k)
		if err != nil {
			return false, err
		}
		var r fileRecord
		if err := decode(v, &r); err != nil {
			return false, err
		}
		return true, errors.Join(s.checkFile(ctx, id, &r), ctx.Err())
	})
	if err != nil {
		return fmt.Errorf("check what is shared: %w", err)
	}
	s.regain()
	return errors.Join(s.clearDoubt(), s.clearProblems())
}

// checkFile looks at one file.
func (s *Store) checkFile(ctx context.Context, id uint64, r *fileRecord) error {
	f, err := s.disk.Open(r.Path)
	if err != nil {
		s.fileGone(id, err)
		return nil
	}
	st, err := f.Stat()
	f.Close()
	if err != nil {
		s.fileGone(id, err)
		return nil
	}
	if r.Gone != "" {
		_, err = s.updateFile(id, func(r *fileRecord) bool {
			r.Gone = ""
			return true
		})
	}
	if err != nil || st == r.Stat && !s.doubtful(r) {
		return err
	}
	wrong, err := s.verifyFile(ctx, id)
	if wrong > 0 {
		s.tell(id, fmt.Errorf("%d of its leaves have changed", wrong))
	}
	return err
}

// clearDoubt forgets that a crash may have damaged files, once all of them have been hashed.
func (s *Store) clearDoubt() error {
	return s.eachRoot(func(c cid.Cid, owner uint64, r *rootRecord) error {
		if !r.Unsynced || !r.Complete {
			return nil
		}
		clean := true
		err := each(s.db, key(keyOwnsFile, num(owner)), func(k, _ []byte) (bool, error) {
			id, err := lastNum(k)
			if err != nil {
				return false, err
			}
			rec, found, err := s.file(id)
			clean = !found || !s.doubtful(rec) || rec.Gone != ""
			return clean, err
		})
		if err != nil || !clean {
			return err
		}
		return s.markSynced(c, owner)
	})
}

// clearProblems takes back the problem of roots that have none any more.
func (s *Store) clearProblems() error {
	return s.eachRoot(func(c cid.Cid, owner uint64, r *rootRecord) error {
		if r.Problem == "" {
			return nil
		}
		fine := true
		err := each(s.db, key(keyOwnsFile, num(owner)), func(k, _ []byte) (bool, error) {
			id, err := lastNum(k)
			if err != nil {
				return false, err
			}
			fine, err = s.fine(id)
			return fine, err
		})
		if err != nil || !fine {
			return err
		}
		return s.updateRoot(c, owner, func(r *rootRecord) { r.Problem = "" })
	})
}

// fine tells whether a file is there and every leaf of it is held.
func (s *Store) fine(id uint64) (bool, error) {
	rec, found, err := s.file(id)
	if err != nil || !found || rec.Gone != "" {
		return false, err
	}
	fine := true
	err = s.extents(id, func(e extent) (bool, error) {
		fine = !e.wrong
		return fine, nil
	})
	return fine, err
}

// markSynced records that all bytes of an owner's files are on the disk.
func (s *Store) markSynced(c cid.Cid, owner uint64) error {
	err := s.updateRoot(c, owner, func(r *rootRecord) { r.Unsynced = false })
	if err == nil {
		s.live.Lock()
		delete(s.live.doubtful, owner)
		s.live.Unlock()
	}
	return err
}
