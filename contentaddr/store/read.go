package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/fault"
)

// Block returns the block of c, inner or leaf, in buf if it is large enough; what buf holds is
// overwritten. fault.NotFound when it is not held, and ErrWithdrawn when it was.
func (s *Store) Block(ctx context.Context, c cid.Cid, buf []byte) ([]byte, error) {
	if p, ok := contentaddr.Identity(c); ok {
		return append(buf[:0], p...), nil
	}
	v, closer, err := s.db.Get(key(keyBlock, c.Bytes()))
	if err == nil {
		defer closer.Close()
		return append(buf[:0], v...), nil
	}
	block, err := s.readLeaf(ctx, c, buf)
	if err == nil || fault.KindOf(err) != fault.NotFound {
		return block, err
	}
	for _, d := range s.active() {
		if i, ok := d.leafIndex(c); ok && d.holds(i) {
			return d.ReadLeaf(ctx, i, buf)
		}
	}
	return nil, err
}

// Has tells whether the block of c is held. Its file may have changed since: Block knows.
func (s *Store) Has(c cid.Cid) bool {
	_, ok := s.Size(c)
	return ok
}

// Size returns the bytes of the block of c, if it is held.
func (s *Store) Size(c cid.Cid) (int, bool) {
	if p, ok := contentaddr.Identity(c); ok {
		return len(p), true
	}
	if v, closer, err := s.db.Get(key(keyBlock, c.Bytes())); err == nil {
		defer closer.Close()
		return len(v), true
	}
	if r, ok := s.heldRecipe(c); ok {
		return r.blockSize(), true
	}
	for _, d := range s.active() {
		if i, ok := d.leafIndex(c); ok && d.holds(i) {
			return int(d.Manifest().Leaf(i).Size), true
		}
	}
	return 0, false
}

// heldRecipe returns a recipe of c whose file is there and was not found wrong.
func (s *Store) heldRecipe(c cid.Cid) (recipe, bool) {
	for from := uint64(0); ; {
		r, ok, err := s.recipe(c, from)
		if err != nil || !ok {
			return recipe{}, false
		}
		if rec, found, err := s.file(r.file); err == nil && found && rec.Gone == "" {
			return r, true
		}
		from = r.file + 1
	}
}

// recipe returns the first recipe of c, not known to be wrong, of a file numbered from or later.
func (s *Store) recipe(c cid.Cid, from uint64) (found recipe, ok bool, err error) {
	err = s.recipes(c, from, func(r recipe) (bool, error) {
		found, ok = r, !r.wrong
		return r.wrong, nil
	})
	return found, ok, err
}

// leafSize returns the size of a leaf's block if it was ever held, even if no file has it now.
func (s *Store) leafSize(c cid.Cid) (size int, ok bool) {
	err := s.recipes(c, 0, func(r recipe) (bool, error) {
		size, ok = r.blockSize(), true
		return false, nil
	})
	return size, ok && err == nil
}

// recipes calls do for every recipe of c of a file numbered from or later, until it returns false.
func (s *Store) recipes(c cid.Cid, from uint64, do func(recipe) (bool, error)) (err error) {
	prefix := key(keyRecipe, c.Bytes())
	it, err := s.db.NewIter(&pebble.IterOptions{UpperBound: after(prefix)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.SeekGE(append(prefix, num(from)...)); it.Valid(); it.Next() {
		r, err := parseRecipeEntry(it.Key(), it.Value())
		if err != nil {
			return err
		}
		if more, err := do(r); err != nil || !more {
			return err
		}
	}
	return it.Error()
}

// readLeaf makes a leaf of the first file that still holds it.
func (s *Store) readLeaf(ctx context.Context, c cid.Cid, buf []byte) ([]byte, error) {
	var last error
	for from := uint64(0); from < math.MaxUint64; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		asOf := s.trusted.Load()
		r, ok, err := s.recipe(c, from)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", c, err)
		}
		if !ok {
			break
		}
		block, err := s.readRecipe(c, r, buf, asOf)
		if err == nil {
			return block, nil
		}
		last, from = err, r.file+1
	}
	if _, known := s.leafSize(c); known && last == nil {
		last = errUnheld
	}
	if last != nil {
		return nil, fault.New(fault.NotFound, "read %s: %w: %w", c, ErrWithdrawn, last)
	}
	return nil, fault.New(fault.NotFound, "%s is not held here", c)
}

// readRecipe makes leaf c of a file. When it cannot, because the file is gone or its bytes are wrong,
// the leaf is withdrawn before the error returns. Only what was trusted by asOf, a count taken before
// the recipe was looked up, goes without hashing: recipes found wrong since may be among those read.
func (s *Store) readRecipe(c cid.Cid, r recipe, buf []byte, asOf uint64) ([]byte, error) {
	for reopened := false; ; reopened = true {
		block, verdict, err := s.tryRecipe(c, r, buf, asOf)
		switch verdict {
		case right:
			return block, nil
		case moved:
			s.files.forget(r.file)
			if !reopened {
				continue
			}
			return nil, errors.New("its file is replaced again and again")
		case unreadable:
			s.files.forget(r.file)
			s.fileGone(r.file, err)
		case wrong:
			s.leafWrong(c, r, err)
		}
		return nil, err
	}
}

// A verdict is how a read went.
type verdict int

const (
	right      verdict = iota
	unheld             // the file was given up before, or the database fails
	moved              // another file is at the path than the one that is open
	unreadable         // no file there, or none that may be read
	wrong              // a file without these bytes
)

// tryRecipe reads a leaf between two fstats. If they say what they said at import, the bytes are the
// leaf's. If not, the hash decides; the path may also lead to another file now, which is then the one
// that the user shares.
func (s *Store) tryRecipe(c cid.Cid, r recipe, buf []byte, asOf uint64) ([]byte, verdict, error) {
	h, err := s.acquire(r.file)
	switch {
	case errors.Is(err, errUnheld):
		return nil, unheld, err
	case err != nil:
		return nil, unreadable, err
	}
	defer s.files.release(h)
	f := h.v
	before, err := f.Stat()
	if err != nil {
		return nil, unreadable, err
	}
	block, err := r.appendBlock(buf[:0], func(p []byte) error {
		n, err := f.ReadAt(p, r.offset)
		if n == len(p) {
			return nil
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	})
	short := errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil && !short {
		return nil, unreadable, fmt.Errorf("read %s: %w", f.path, err)
	}
	after, err := f.Stat()
	if err != nil {
		return nil, unreadable, err
	}
	if !short && before == after && f.trusts(after, asOf) {
		return block, right, nil
	}
	if !f.trusts(after, math.MaxUint64) && s.replaced(f.path, f) {
		return nil, moved, nil
	}
	if short {
		return nil, wrong, fmt.Errorf("%s is now shorter", f.path)
	}
	if contentaddr.Verify(c, block) != nil {
		return nil, wrong, fmt.Errorf("%s has changed", f.path)
	}
	if before == after && f.hashedRight(r.offset, after) {
		s.trust(r.file, after, f.leaves)
	}
	return block, right, nil
}

// replaced tells whether the path leads to another file than f, or to none.
func (s *Store) replaced(path string, f *sharedFile) bool {
	other, err := s.disk.Open(path)
	if err != nil {
		return true
	}
	defer other.Close()
	a, errA := other.Stat()
	b, errB := f.Stat()
	return errA != nil || errB != nil || a.Inode != b.Inode || a.Device != b.Device
}

// nothing is an asOf before anything was trusted.
const nothing = 0

// Recheck reads every copy of a leaf again and hashes it, after somebody complained about it. It
// returns whether the leaf had to be withdrawn: no file here holds it any more.
func (s *Store) Recheck(ctx context.Context, c cid.Cid) bool {
	var buf []byte
	for from := uint64(0); from < math.MaxUint64 && ctx.Err() == nil; {
		r, ok, err := s.recipe(c, from)
		if err != nil || !ok {
			break
		}
		if block, err := s.readRecipe(c, r, buf, nothing); err == nil {
			buf = block
		}
		from = r.file + 1
	}
	return !s.Has(c)
}
