package store

import (
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/ipfs/go-cid"
)

// get returns a copy of what k maps to.
func get(db pebble.Reader, k []byte) (value []byte, found bool, err error) {
	v, closer, err := db.Get(k)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return slices.Clone(v), true, closer.Close()
}

// each calls do for all keys that begin with prefix, in order, until it returns false or an error.
// What it is given is only valid during the call.
func each(db pebble.Reader, prefix []byte, do func(k, v []byte) (bool, error)) (err error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.First(); it.Valid(); it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if more, err := do(it.Key(), v); err != nil || !more {
			return err
		}
	}
	return it.Error()
}

// any tells whether a key begins with prefix.
func (s *Store) any(prefix []byte) (found bool, err error) {
	err = each(s.db, prefix, func(_, _ []byte) (bool, error) {
		found = true
		return false, nil
	})
	return found, err
}

// eachRoot calls do for every record of a root.
func (s *Store) eachRoot(do func(c cid.Cid, owner uint64, r *rootRecord) error) error {
	return s.eachRootAt([]byte{keyRoot}, do)
}

// eachOf calls do for every record of root c.
func (s *Store) eachOf(c cid.Cid, do func(owner uint64, r *rootRecord) error) error {
	return s.eachRootAt(key(keyRoot, c.Bytes()), func(_ cid.Cid, owner uint64, r *rootRecord) error {
		return do(owner, r)
	})
}

func (s *Store) eachRootAt(prefix []byte, do func(c cid.Cid, owner uint64, r *rootRecord) error) error {
	return each(s.db, prefix, func(k, v []byte) (bool, error) {
		owner, err := lastNum(k)
		if err != nil {
			return false, err
		}
		c, err := cid.Cast(k[1 : len(k)-8])
		if err != nil {
			return false, errKey
		}
		var r rootRecord
		if err := decode(v, &r); err != nil {
			return false, err
		}
		return true, do(c, owner, &r)
	})
}

// file returns the record of a file.
func (s *Store) file(id uint64) (*fileRecord, bool, error) {
	v, closer, err := s.db.Get(key(keyFile, num(id)))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer closer.Close()
	r := new(fileRecord)
	return r, true, decode(v, r)
}

// extents calls do for every recipe of a file, in the order of its bytes.
func (s *Store) extents(file uint64, do func(extent) (bool, error)) error {
	return each(s.db, key(keyExtent, num(file)), func(k, v []byte) (bool, error) {
		e, err := parseExtent(k, v)
		if err != nil {
			return false, err
		}
		return do(e)
	})
}
