package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/fault"
)

// beatSlack is how much later than the newest heartbeat peer itself may have written to the .part.
const beatSlack = 5 * time.Second

// resume takes up the journal that an earlier run left. A leaf of it is held if nobody but peer wrote
// to its files since.
func (d *Download) resume() error {
	was, found, err := d.out.resume()
	if err != nil {
		return err
	}
	logged := bitfield.New(d.have.Len())
	if err := d.readJournal(logged); err != nil {
		return err
	}
	if logged.Count() == 0 {
		return nil
	}
	var rec rootRecord
	value, _, err := get(d.s.db, rootKey(d.root, d.owner))
	if err == nil {
		err = decode(value, &rec)
	}
	if err != nil {
		return err
	}
	var sizes []int64
	if part := rec.Part; found && part != nil && part.Inode == was.Stat.Inode && part.Device == was.Stat.Device {
		if sizes, err = d.untouched(time.Unix(0, part.Beat).Add(beatSlack)); err != nil {
			return err
		}
	}
	return d.trustJournal(logged, sizes)
}

func (d *Download) readJournal(into *bitfield.Bitfield) error {
	return each(d.s.db, key(keyPage, num(d.owner)), func(k, v []byte) (bool, error) {
		n, err := lastNum(k)
		if err == nil {
			err = into.PutBytes(int(n)*pageLeaves, v)
		}
		if err != nil {
			return false, fmt.Errorf("the journal is damaged: %w", err)
		}
		return true, nil
	})
}

// untouched returns the size of each file of the .part, -1 of those that are missing, no regular
// files, or written to after the time given.
func (d *Download) untouched(until time.Time) ([]int64, error) {
	dir, err := d.out.open()
	if err != nil {
		return nil, err
	}
	l := d.plan.Load().l
	sizes := make([]int64, len(l.Files))
	for fi := range sizes {
		e, err := dir.Lstat(l.FilePath(fi))
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && !e.Mode.IsRegular(), err == nil && e.Stat.ModTime > until.UnixNano():
			sizes[fi] = -1
		case err != nil:
			return nil, err
		default:
			sizes[fi] = e.Stat.Size
		}
	}
	return sizes, nil
}

// trustJournal holds the leaves of the journal whose files can be trusted, and takes the others out of
// it at once: a later heartbeat would vouch for them.
func (d *Download) trustJournal(logged *bitfield.Bitfield, sizes []int64) error {
	p := d.plan.Load()
	d.mu.Lock()
	for i := range logged.All() {
		good := sizes != nil
		for place := range p.l.Places(i) {
			good = good && sizes[place.File] >= place.Offset+max(0, place.Size)
		}
		if !good {
			continue
		}
		d.have.Set(i)
		d.logged.Set(i)
		for place := range p.l.Places(i) {
			d.left[place.File]--
		}
	}
	dropped := d.logged.Count() < logged.Count()
	d.mu.Unlock()
	if !dropped {
		return nil
	}
	b := d.s.db.NewBatch()
	defer b.Close()
	for n := 0; n*pageLeaves < logged.Len(); n++ {
		b.Set(pageKey(d.owner, n), page(d.logged, n), nil)
	}
	return b.Commit(pebble.Sync)
}

// rehash takes over what is in the .part and not in the journal: what was in flight when an earlier
// run ended. It is written again, since nobody knows whether it reached the disk.
func (d *Download) rehash(ctx context.Context) error {
	if !d.out.there() {
		return nil
	}
	p := d.plan.Load()
	var buf []byte
	for fi := range p.l.Files {
		d.mu.Lock()
		left := d.left[fi]
		d.mu.Unlock()
		if left == 0 {
			continue
		}
		var err error
		if buf, err = d.rehashFile(ctx, p, fi, buf); err != nil {
			return fmt.Errorf("take up %s: %w", join(d.part, p.l.FilePath(fi)), err)
		}
	}
	return nil
}

func (d *Download) rehashFile(ctx context.Context, p *plan, fi int, buf []byte) ([]byte, error) {
	dir, err := d.out.open()
	if err != nil {
		return buf, err
	}
	e, err := dir.Lstat(p.l.FilePath(fi))
	if errors.Is(err, fs.ErrNotExist) {
		return buf, nil
	}
	if err != nil {
		return buf, err
	}
	if !e.Mode.IsRegular() {
		return buf, fault.New(fault.Refused, "it is in the way, and no regular file")
	}
	h, err := d.out.file(fi)
	if err != nil {
		return buf, err
	}
	defer d.out.release(h)
	var from, to int64
	for e := range p.l.Extents(fi) {
		if err := ctx.Err(); err != nil {
			return buf, err
		}
		if e.Leaf < 0 || d.holds(e.Leaf) {
			continue
		}
		if e.Offset >= to {
			if from, to, err = h.v.Data(e.Offset); err == io.EOF {
				return buf, nil
			} else if err != nil {
				return buf, err
			}
		}
		if e.Offset < from || e.Offset+max(0, e.Size) > to {
			continue
		}
		block, err := d.readPlace(p, h.v, e.Leaf, e.Offset, e.Size, buf)
		if err != nil || contentaddr.Verify(p.m.Leaf(e.Leaf).Cid, block) != nil {
			continue
		}
		buf = block
		if err := d.Put(e.Leaf, block); err != nil {
			return buf, err
		}
	}
	return buf, nil
}

func isRaw(c cid.Cid) bool { return c.Prefix().Codec == cid.Raw }
