package store

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

// Put verifies leaf i and writes it to every place that it has. Several goroutines may put leaves at
// once, and nothing is held while one hashes or writes. A block that is not the leaf's, or no leaf at
// all, is fault.Corrupt; a full disk is fault.NoSpace, and what was put before stays. The block is not
// kept.
func (d *Download) Put(i int, block []byte) error {
	p := d.plan.Load()
	if p == nil {
		return fault.New(fault.Failed, "get %s: leaf %d came before the manifest", d.root, i)
	}
	if d.holds(i) {
		return nil
	}
	if err := d.put(p, i, block); err != nil {
		return fmt.Errorf("get %s: leaf %d: %w", d.root, i, err)
	}
	return nil
}

func (d *Download) put(p *plan, i int, block []byte) error {
	leaf := p.m.Leaf(i)
	if err := contentaddr.Verify(leaf.Cid, block); err != nil {
		return err
	}
	start, end, err := unixfs.Payload(leaf.Cid, block)
	if err != nil {
		return err
	}
	if err := d.keepFrame(i, block, start, end); err != nil {
		return err
	}
	payload := block[start:end]
	for place := range p.l.Places(i) {
		if place.Size >= 0 && place.Size != int64(len(payload)) {
			return fault.New(fault.Corrupt, "it has %d bytes of the file where its folder or file says %d", len(payload), place.Size)
		}
		if err := d.write(place.File, payload, place.Offset); err != nil {
			return err
		}
	}
	return d.mark(p, i, len(block), int64(len(payload)))
}

func (d *Download) write(fi int, payload []byte, off int64) error {
	h, err := d.out.file(fi)
	if err != nil {
		return err
	}
	defer d.out.release(h)
	return writeAt(h.v, payload, off)
}

// keepFrame remembers how to make the block of its payload again, if that is not as usual.
func (d *Download) keepFrame(i int, block []byte, start, end int) error {
	if start == 0 && end == len(block) {
		return nil
	}
	r := framed(block, start, end)
	if r.framing != odd {
		return nil
	}
	return d.s.db.Set(frameKey(d.owner, i), r.value(), pebble.NoSync)
}

// mark notes that a leaf is written, and finishes the files that it was the last leaf of.
func (d *Download) mark(p *plan, i, size int, payload int64) error {
	whole, err := d.markHeld(p, i, size)
	if err != nil {
		return err
	}
	for _, fi := range whole {
		if err := d.fileWhole(p, fi, payload); err != nil {
			return err
		}
	}
	return nil
}

// markHeld returns the files that are whole now.
func (d *Download) markHeld(p *plan, i, size int) (whole []int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed != nil {
		return nil, d.failed
	}
	if !d.have.Set(i) {
		return nil, nil // another goroutine put it too
	}
	for place := range p.l.Places(i) {
		d.pending.touch(place.File)
		if d.left[place.File]--; d.left[place.File] == 0 {
			whole = append(whole, place.File)
		}
	}
	d.pending.add(i, size)
	signal(d.dirty)
	if d.pending.bytes >= flushBytes {
		signal(d.full)
	}
	d.feed.publish(Change{First: i, Count: 1})
	return whole, nil
}

// signal wakes who waits for c, now or next.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// fileWhole notes the fstat of a file that nobody writes to any more, and closes a small one.
// payload is the size of a file whose size its only leaf tells.
func (d *Download) fileWhole(p *plan, fi int, payload int64) error {
	h, err := d.out.file(fi)
	if err != nil {
		return err
	}
	defer d.out.release(h)
	size := p.l.Files[fi].Size
	if size < 0 {
		size = payload
	}
	st, err := h.v.Stat()
	if err == nil && st.Size != size {
		if err = h.v.Truncate(size); err == nil {
			st, err = h.v.Stat()
		}
	}
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.stats[fi] = st
	d.mu.Unlock()
	if size <= smallFile {
		d.out.shut(fi)
	}
	return nil
}

// smallFile is the size up to which a file is closed as soon as it is whole.
const smallFile = 1 << 20

// ReadLeaf returns the block of leaf i, which must be held. Bytes that this process wrote are not
// hashed again.
func (d *Download) ReadLeaf(ctx context.Context, i int, buf []byte) ([]byte, error) {
	p := d.plan.Load()
	if p == nil {
		return nil, fault.New(fault.NotFound, "read %s: leaf %d is not known yet", d.root, i)
	}
	d.moving.RLock()
	defer d.moving.RUnlock()
	d.mu.Lock()
	finished, held := d.finished, d.have.Has(i)
	d.mu.Unlock()
	switch {
	case finished:
		return d.s.Block(ctx, p.m.Leaf(i).Cid, buf)
	case !held:
		return nil, fault.New(fault.NotFound, "read %s: leaf %d is not here yet", d.root, i)
	}
	for place := range p.l.Places(i) {
		h, err := d.out.file(place.File)
		if err != nil {
			return nil, fmt.Errorf("read %s: leaf %d: %w", d.root, i, err)
		}
		defer d.out.release(h)
		block, err := d.readPlace(p, h.v, i, place.Offset, place.Size, buf)
		if err != nil {
			return nil, fmt.Errorf("read %s: leaf %d: %w", d.root, i, err)
		}
		return block, nil
	}
	return nil, fault.New(fault.NotFound, "read %s: leaf %d is in no file", d.root, i)
}

// readPlace makes the block of leaf i of the bytes at one of its places in f, or in a file that should
// be like it.
func (d *Download) readPlace(p *plan, f file, i int, off, size int64, buf []byte) ([]byte, error) {
	if size < 0 { // one leaf is the file
		st, err := f.Stat()
		if err != nil {
			return nil, err
		}
		if size = st.Size; size > contentaddr.MaxBlock {
			return nil, io.ErrUnexpectedEOF
		}
	}
	r, err := d.recipeOf(p, i, int(size))
	if err != nil {
		return nil, err
	}
	return r.appendBlock(buf[:0], func(b []byte) error {
		n, err := f.ReadAt(b, off)
		if n == len(b) {
			return nil
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	})
}

// recipeOf returns how to make leaf i of its payload.
func (d *Download) recipeOf(p *plan, i, size int) (recipe, error) {
	r := recipe{size: size}
	leaf := p.m.Leaf(i)
	if int(leaf.Size) == size && isRaw(leaf.Cid) {
		return r, nil
	}
	r.framing = standard
	value, found, err := get(d.s.db, frameKey(d.owner, i))
	if err != nil || !found {
		return r, err
	}
	stored, _, err := parseRecipe(make([]byte, 16), value)
	if err == nil && stored.size == size {
		r = stored
	}
	return r, err
}

// Recheck hashes leaf i where it was written, after somebody complained, and returns whether it was
// wrong: then it is missing again, and not in the journal.
func (d *Download) Recheck(ctx context.Context, i int) bool {
	p := d.plan.Load()
	if p == nil {
		return false
	}
	d.mu.Lock()
	finished := d.finished
	d.mu.Unlock()
	if finished {
		return d.s.Recheck(ctx, p.m.Leaf(i).Cid)
	}
	if block, err := d.ReadLeaf(ctx, i, nil); err == nil && contentaddr.Verify(p.m.Leaf(i).Cid, block) == nil {
		return false
	}
	return d.lose(p, i)
}

// lose takes a leaf back that was found wrong.
func (d *Download) lose(p *plan, i int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.finished || !d.have.Clear(i) {
		return false
	}
	d.logged.Clear(i)
	for place := range p.l.Places(i) {
		d.left[place.File]++
		delete(d.stats, place.File)
	}
	d.pending.drop(i)
	d.feed.publish(Change{First: i, Count: 1, Withdrawn: true})
	signal(d.dirty)
	return true
}
