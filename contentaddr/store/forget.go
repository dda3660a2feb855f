package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/fault"
)

// Forget stops holding a root, wherever it is held, and drops what nothing else needs. It touches no
// file of the user's: shared files, finished downloads and the .part of a download under way stay
// where they are. It returns what was known of the root.
func (s *Store) Forget(c cid.Cid) (RootInfo, error) {
	var owners []uint64
	var info RootInfo
	err := s.eachOf(c, func(owner uint64, r *rootRecord) error {
		if len(owners) == 0 {
			info = r.info(c)
		}
		owners = append(owners, owner)
		return nil
	})
	if err != nil {
		return RootInfo{}, fmt.Errorf("forget %s: %w", c, err)
	}
	if len(owners) == 0 {
		return RootInfo{}, fault.New(fault.NotFound, "forget %s: it is not held here", c)
	}
	for _, owner := range owners {
		if d := s.activeOf(owner); d != nil {
			err = errors.Join(err, d.Close())
		}
	}
	if err := errors.Join(err, s.disown(c, owners)); err != nil {
		return info, fmt.Errorf("forget %s: %w", c, err)
	}
	s.forgetRoot(c)
	return info, nil
}

// disown takes roots from the list, durably, and drops what they own in the background.
func (s *Store) disown(c cid.Cid, owners []uint64) error {
	s.records.Lock()
	defer s.records.Unlock()
	b := s.db.NewBatch()
	defer b.Close()
	for _, owner := range owners {
		b.Delete(rootKey(c, owner), nil)
		b.Set(key(keyOwner, num(owner)), nil, nil)
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return err
	}
	s.sweepLater(owners)
	return nil
}

// leftovers returns the owners whose import or dropping a crash ended.
func (s *Store) leftovers() (owners []uint64, err error) {
	err = each(s.db, []byte{keyOwner}, func(k, v []byte) (bool, error) {
		owner, err := lastNum(k)
		if len(v) == 0 {
			owners = append(owners, owner)
		}
		return true, err
	})
	return owners, err
}

// sweepLater drops what owners own, in the background. What Close interrupts goes on at the next start.
func (s *Store) sweepLater(owners []uint64) {
	if len(owners) > 0 {
		s.background(func() { s.sweep(owners) })
	}
}

func (s *Store) sweep(owners []uint64) {
	for _, owner := range owners {
		s.logFailure("drop what nobody needs", s.drop(s.stopping, owner))
	}
}

// drop deletes everything that hangs on an owner, its own mark last.
func (s *Store) drop(ctx context.Context, owner uint64) error {
	err := each(s.db, key(keyOwnsFile, num(owner)), func(k, _ []byte) (bool, error) {
		id, err := lastNum(k)
		if err != nil {
			return false, err
		}
		return true, errors.Join(s.dropFile(id, k), ctx.Err())
	})
	if err != nil {
		return err
	}
	if err := s.dropBlocks(ctx, owner); err != nil {
		return err
	}
	b := s.db.NewBatch()
	defer b.Close()
	if err := s.dropJournal(b, owner); err != nil {
		return err
	}
	b.Delete(key(keyOwner, num(owner)), nil)
	return b.Commit(pebble.NoSync)
}

// dropJournal deletes what only a download under way needs. Like all deleting here it goes key by key:
// range deletions by the thousand make every look-up slow until they are compacted away.
func (s *Store) dropJournal(b *pebble.Batch, owner uint64) error {
	for _, kind := range []byte{keyPage, keyFrame} {
		err := each(s.db, key(kind, num(owner)), func(k, _ []byte) (bool, error) {
			return true, b.Delete(k, nil)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dropFile deletes a file's recipes and record, and mark, the key that names its owner.
func (s *Store) dropFile(id uint64, mark []byte) error {
	rec, found, err := s.file(id)
	if err != nil {
		return err
	}
	b := s.db.NewBatch()
	defer b.Close()
	err = s.extents(id, func(e extent) (bool, error) {
		b.Delete(recipeKey(e.cid, id, e.offset), nil)
		b.Delete(extentKey(id, e.offset), nil)
		if b.Len() < batchSize {
			return true, nil
		}
		err := b.Commit(pebble.NoSync)
		b.Reset()
		return true, err
	})
	if err != nil {
		return err
	}
	b.Delete(key(keyFile, num(id)), nil)
	b.Delete(mark, nil)
	if found {
		b.Delete(pathKey(rec.Path, id), nil)
	}
	s.gc.Lock()
	defer s.gc.Unlock()
	s.files.forget(id)
	return b.Commit(pebble.NoSync)
}

// dropAtOnce is how many blocks are dropped while others who add blocks wait.
const dropAtOnce = 256

// dropBlocks deletes the blocks that only this owner uses.
func (s *Store) dropBlocks(ctx context.Context, owner uint64) error {
	prefix := key(keyOwnsBlock, num(owner))
	for {
		var cids []cid.Cid
		err := each(s.db, prefix, func(k, _ []byte) (bool, error) {
			c, err := cid.Cast(k[len(prefix):])
			cids = append(cids, c)
			return len(cids) < dropAtOnce, err
		})
		if err != nil || len(cids) == 0 {
			return err
		}
		if err := errors.Join(s.dropSome(owner, cids), ctx.Err()); err != nil {
			return err
		}
	}
}

func (s *Store) dropSome(owner uint64, cids []cid.Cid) error {
	s.gc.Lock()
	defer s.gc.Unlock()
	b := s.db.NewBatch()
	defer b.Close()
	for _, c := range cids {
		others := false
		err := each(s.db, key(keyBlockUser, c.Bytes()), func(k, _ []byte) (bool, error) {
			user, err := lastNum(k)
			others = others || user != owner
			return !others, err
		})
		if err != nil {
			return err
		}
		b.Delete(key(keyBlockUser, c.Bytes(), num(owner)), nil)
		b.Delete(key(keyOwnsBlock, num(owner), c.Bytes()), nil)
		if !others {
			b.Delete(key(keyBlock, c.Bytes()), nil)
		}
	}
	return b.Commit(pebble.NoSync)
}
