package store

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/seed4134be55/peer/fault"
)

// CopyLocal puts the leaves that this store holds elsewhere, and returns how many.
func (d *Download) CopyLocal(ctx context.Context) (leaves int, err error) {
	p := d.plan.Load()
	if p == nil {
		return 0, fault.New(fault.Failed, "get %s: copy before the manifest is known", d.root)
	}
	if !d.s.holdsAny(d) {
		return 0, nil
	}
	var next, copied atomic.Int64
	var sharing atomic.Bool
	sharing.Store(true)
	g, ctx := errgroup.WithContext(ctx)
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			var buf []byte
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= p.m.Leaves() {
					return nil
				}
				if d.holds(i) {
					continue
				}
				block, err := d.s.Block(ctx, p.m.Leaf(i).Cid, buf)
				if err != nil {
					continue // not here, or not any more
				}
				buf = block
				if err := d.Put(i, block); err != nil {
					return err
				}
				copied.Add(1)
				if sharing.Load() && !d.shareExtents(p, i) {
					sharing.Store(false)
				}
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return int(copied.Load()), fmt.Errorf("copy what is shared here: %w", err)
	}
	return int(copied.Load()), nil
}

// shareExtents has the file system keep the bytes of a leaf once for the shared file and its copy. The kernel
// compares them itself, so nothing is taken on trust. It returns false when that cannot be done here.
func (d *Download) shareExtents(p *plan, i int) bool {
	r, ok := d.s.heldRecipe(p.m.Leaf(i).Cid)
	if !ok || r.size < minShared {
		return true
	}
	src, err := d.s.acquire(r.file)
	if err != nil {
		return true
	}
	defer d.s.files.release(src)
	for place := range p.l.Places(i) {
		dst, err := d.out.file(place.File)
		if err != nil {
			return true
		}
		err = dedupe(src.v.file, r.offset, dst.v, place.Offset, int64(r.size))
		d.out.release(dst)
		if err != nil {
			return false
		}
	}
	return true
}

// minShared is the smallest leaf whose bytes are worth sharing: file systems share whole blocks.
const minShared = 64 << 10

// holdsAny tells whether a leaf may be found outside of d. On a peer that shares nothing it saves one
// look-up a leaf.
func (s *Store) holdsAny(d *Download) bool {
	if len(s.active()) > 1 {
		return true
	}
	found, err := s.any([]byte{keyRecipe})
	return found || err != nil
}
