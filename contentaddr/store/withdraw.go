package store

import (
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/importer"
)

// updateFile changes the record of a file, if it is still there and change says so.
func (s *Store) updateFile(id uint64, change func(*fileRecord) bool) (changed bool, err error) {
	s.gc.RLock()
	defer s.gc.RUnlock()
	s.records.Lock()
	defer s.records.Unlock()
	r, found, err := s.file(id)
	if err != nil || !found || !change(r) {
		return false, err
	}
	return true, s.db.Set(key(keyFile, num(id)), encode(r), pebble.NoSync)
}

// updateRoot changes the record of a root, if it is still there.
func (s *Store) updateRoot(c cid.Cid, owner uint64, change func(*rootRecord)) error {
	s.records.Lock()
	defer s.records.Unlock()
	value, found, err := get(s.db, rootKey(c, owner))
	if err != nil || !found {
		return err
	}
	var r rootRecord
	if err := decode(value, &r); err != nil {
		return err
	}
	change(&r)
	return s.db.Set(rootKey(c, owner), encode(&r), pebble.NoSync)
}

// doubtful tells whether a crash may have taken bytes of a file.
func (s *Store) doubtful(r *fileRecord) bool {
	s.live.Lock()
	defer s.live.Unlock()
	return s.live.doubtful[r.Owner] && !r.Checked
}

// trust records that all leaves of a file, so many, were hashed and right while it was as st says.
func (s *Store) trust(id uint64, st importer.Stat, leaves int) {
	since := s.trusted.Add(1)
	_, err := s.updateFile(id, func(r *fileRecord) bool {
		r.Stat, r.Checked, r.Leaves = st, true, leaves
		return true
	})
	s.logFailure("remember a file that was checked", err)
	if h := s.files.cached(id); h != nil {
		h.v.trust(st, since)
		s.files.release(h)
	}
}

// fileGone withdraws all that a file held, because it cannot be read any more. Its recipes stay: a
// disk that is mounted again brings it back (Check).
func (s *Store) fileGone(id uint64, why error) {
	changed, err := s.updateFile(id, func(r *fileRecord) bool {
		if r.Gone != "" {
			return false
		}
		r.Gone = why.Error()
		return true
	})
	s.logFailure("withdraw a file", err)
	if !changed {
		return
	}
	s.tell(id, why)
	err = s.extents(id, func(e extent) (bool, error) {
		s.lost(e.cid)
		return true, nil
	})
	s.logFailure("withdraw a file", err)
}

// leafWrong withdraws one leaf of a file, because its bytes are not what they were, and has the rest of
// the file hashed in the background. It names the file once.
func (s *Store) leafWrong(c cid.Cid, r recipe, why error) {
	if !s.setWrong(c, r, true) {
		return
	}
	s.lost(c)
	s.checkLater(r.file)
	s.tell(r.file, why)
}

// setWrong records whether a file's bytes at a recipe are another leaf's, and returns whether that is
// news. The recipe stays: it tells how large the leaf is, and the bytes may come back.
func (s *Store) setWrong(c cid.Cid, r recipe, wrong bool) bool {
	s.records.Lock()
	defer s.records.Unlock()
	value, found, err := get(s.db, recipeKey(c, r.file, r.offset))
	if err != nil || !found {
		return false
	}
	is, err := parseRecipeEntry(recipeKey(c, r.file, r.offset), value)
	if err != nil || is.wrong == wrong {
		return false
	}
	is.wrong = wrong
	b := s.db.NewBatch()
	defer b.Close()
	addRecipe(b, c, is)
	err = b.Commit(pebble.NoSync)
	s.logFailure("withdraw a leaf", err)
	return err == nil
}

// tell writes a problem with a file to the root that it belongs to and to the log, once a file until
// the next Check.
func (s *Store) tell(id uint64, why error) {
	s.live.Lock()
	told := s.live.told[id]
	s.live.told[id] = true
	s.live.Unlock()
	rec, found, err := s.file(id)
	if told || !found || err != nil {
		return
	}
	s.cfg.Log.Warn("a shared file changed: what is wrong with it is not served any more",
		slog.String("file", rec.Path), slog.Any("why", why))
	c, err := s.rootOf(rec.Owner)
	if err == nil && c.Defined() {
		err = s.updateRoot(c, rec.Owner, func(r *rootRecord) {
			if r.Problem == "" {
				r.Problem = fmt.Sprintf("%s: %v", rec.Path, why)
			}
		})
	}
	s.logFailure("record a problem", err)
}

// rootOf returns the root that an owner holds, undefined while its import is under way.
func (s *Store) rootOf(owner uint64) (cid.Cid, error) {
	value, found, err := get(s.db, key(keyOwner, num(owner)))
	if err != nil || !found || len(value) == 0 {
		return cid.Undef, err
	}
	return cid.Cast(value)
}

// lost tells the roots that are open that c was withdrawn, unless another file holds it.
func (s *Store) lost(c cid.Cid) {
	if _, ok := s.heldRecipe(c); ok {
		return
	}
	for _, r := range s.openRoots() {
		if i, ok := r.m.LeafIndex(c); ok && r.rest == nil {
			r.lose(i)
		}
	}
}

// checkLater queues a file to be hashed whole. When the queue is full the file is left alone: the next
// leaf of it that is found wrong queues it again.
func (s *Store) checkLater(id uint64) {
	s.live.Lock()
	defer s.live.Unlock()
	if s.live.broken[id] {
		return
	}
	select {
	case s.verify <- id:
		s.live.broken[id] = true
	default:
	}
}

// verifyBroken hashes the files queued, one at a time.
func (s *Store) verifyBroken() {
	for {
		select {
		case <-s.stopping.Done():
			return
		case id := <-s.verify:
			_, err := s.verifyFile(s.stopping, id)
			s.logFailure("verify a file", err)
			s.live.Lock()
			delete(s.live.broken, id)
			s.live.Unlock()
		}
	}
}

func (s *Store) logFailure(doing string, err error) {
	if err != nil && s.stopping.Err() == nil {
		s.cfg.Log.Error("store", slog.String("doing", doing), slog.Any("err", err))
	}
}
