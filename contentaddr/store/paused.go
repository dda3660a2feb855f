package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

// A rest is what a download that is not open has on the disk: the leaves of its journal. Nothing of it is kept open or
// written, and every leaf is hashed when it is read, since anybody may have written to the .part since.
type rest struct {
	*Download // never registered: it only knows where the bytes are
}

// pausedRoot opens what is verified of a download that is not open: fault.NotFound when there is none, or when its
// inner nodes are not all here, or do not tell the sizes of its leaves (those of the old profile do not).
func (s *Store) pausedRoot(ctx context.Context, c cid.Cid) (*Root, error) {
	r, err := s.findPaused(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open what is here of %s: %w", c, err)
	}
	if r == nil {
		return nil, fault.New(fault.NotFound, "%s is not held here", c)
	}
	return s.keepRoot(r), nil
}

func (s *Store) findPaused(ctx context.Context, c cid.Cid) (found *Root, err error) {
	err = s.eachOf(c, func(owner uint64, rec *rootRecord) error {
		journaled, err := s.any(key(keyPage, num(owner)))
		if err != nil || !journaled || rec.Complete || found != nil {
			return err
		}
		found, err = s.buildPaused(ctx, c, owner, rec.Path)
		return err
	})
	return found, err
}

func (s *Store) buildPaused(ctx context.Context, c cid.Cid, owner uint64, dest string) (*Root, error) {
	sizes := &leafSizes{s: s, known: make(map[cid.Cid]int)}
	m, err := manifest.Build(ctx, c, sizes.getPaused, sizes.stat, manifest.DefaultLimits())
	if err != nil {
		return nil, err
	}
	d := &Download{s: s, root: c, owner: owner, dest: dest, part: dest + partSuffix}
	l, err := manifest.NewLayout(ctx, m, d.Node, manifest.DefaultLimits())
	if err != nil {
		return nil, err
	}
	d.plan.Store(&plan{m, l})
	have := bitfield.New(m.Leaves())
	if err := d.readJournal(have); err != nil {
		return nil, err
	}
	if have.Count() == 0 {
		return nil, nil
	}
	return &Root{s: s, m: m, have: have, rest: &rest{d}}, nil
}

// getPaused is get where no file tells the sizes of leaves: of a raw block in a folder, the folder does.
func (l *leafSizes) getPaused(ctx context.Context, c cid.Cid) ([]byte, error) {
	block, closer, err := l.s.db.Get(key(keyBlock, c.Bytes()))
	if err != nil {
		return nil, fault.New(fault.NotFound, "inner node %s is not here", c)
	}
	block = append([]byte(nil), block...)
	if err := closer.Close(); err != nil {
		return nil, err
	}
	n, err := unixfs.Parse(c, block)
	if err != nil {
		return nil, err
	}
	if n.Kind == unixfs.Directory || n.Kind == unixfs.HAMTShard {
		for _, link := range n.Links {
			if link.Cid.Prefix().Codec == cid.Raw && link.Tsize <= contentaddr.MaxBlock {
				l.known[link.Cid] = int(link.Tsize)
			}
		}
	}
	return block, nil
}

// readLeaf returns leaf i out of the .part, or of wherever it has got to since: a later run may have finished it.
func (r *rest) readLeaf(ctx context.Context, i int, buf []byte) ([]byte, error) {
	c := r.plan.Load().m.Leaf(i).Cid
	block, err := r.readPart(i, buf)
	if err == nil {
		err = contentaddr.Verify(c, block)
	}
	if err == nil {
		return block, nil
	}
	if block, other := r.s.Block(ctx, c, buf); other == nil {
		return block, nil
	}
	return nil, fault.New(fault.NotFound, "read %s: leaf %d: %w: %w", r.root, i, ErrWithdrawn, err)
}

func (r *rest) readPart(i int, buf []byte) (block []byte, err error) {
	p := r.plan.Load()
	dir := r.s.disk.Single(r.part)
	if isFolder(p.l) {
		if dir, err = r.s.disk.Folder(r.part); err != nil {
			return nil, err
		}
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	for place := range p.l.Places(i) {
		f, err := dir.Open(p.l.FilePath(place.File), false)
		if err != nil {
			return nil, err
		}
		block, err := r.readPlace(p, f, i, place.Offset, place.Size, buf)
		return block, errors.Join(err, f.Close())
	}
	return nil, fault.New(fault.NotFound, "it is in no file")
}
