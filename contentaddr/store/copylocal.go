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
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return int(copied.Load()), fmt.Errorf("copy what is shared here: %w", err)
	}
	return int(copied.Load()), nil
}

// holdsAny tells whether a leaf may be found outside of d. On a peer that shares nothing it saves one
// look-up a leaf.
func (s *Store) holdsAny(d *Download) bool {
	if len(s.active()) > 1 {
		return true
	}
	found, err := s.any([]byte{keyRecipe})
	return found || err != nil
}
