package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"weak"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

// Roots lists what is held, in whole or in part, in the order of the CIDs.
func (s *Store) Roots() (roots []RootInfo, err error) {
	err = s.eachRoot(func(c cid.Cid, _ uint64, r *rootRecord) error {
		roots = append(roots, r.info(c))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list what is held: %w", err)
	}
	return roots, nil
}

// RootsOf lists where a root is held, in whole or in part: once for each path. It reads no record of another root.
func (s *Store) RootsOf(c cid.Cid) (roots []RootInfo, err error) {
	err = s.eachOf(c, func(_ uint64, r *rootRecord) error {
		roots = append(roots, r.info(c))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for %s: %w", c, err)
	}
	return roots, nil
}

// Active tells whether a download of a root is open.
func (s *Store) Active(c cid.Cid) bool {
	for _, d := range s.active() {
		if d.root == c {
			return true
		}
	}
	return false
}

// Root is a root that is held whole, but for what was withdrawn; or what is verified of a download that is not open.
type Root struct {
	s    *Store
	m    *manifest.Manifest
	rest *rest // of a download; nil: held whole

	feed feed
	mu   sync.Mutex
	have *bitfield.Bitfield
}

// Root opens what is held of c: a share or finished download, or else a download under way whose
// manifest is whole, or else what an earlier run left of one. fault.NotFound when there is none of these. It reads
// the inner nodes, but no file.
func (s *Store) Root(ctx context.Context, c cid.Cid) (Content, error) {
	r := s.openRoot(c)
	if r != nil && r.rest == nil {
		return r, nil
	}
	whole, problem := false, false
	err := s.eachOf(c, func(_ uint64, r *rootRecord) error {
		whole = whole || r.Complete
		problem = problem || r.Problem != ""
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", c, err)
	}
	if whole {
		s.live.Lock()
		s.live.roots.forgetPaused(c)
		s.live.Unlock()
		return s.buildRoot(ctx, c, problem)
	}
	for _, d := range s.active() {
		if d.root == c && d.Manifest() != nil {
			return d, nil
		}
	}
	if r != nil {
		return r, nil
	}
	if r, err = s.pausedRoot(ctx, c); err != nil {
		return nil, err
	}
	return r, nil
}

func (s *Store) buildRoot(ctx context.Context, c cid.Cid, problem bool) (*Root, error) {
	sizes := &leafSizes{s: s, known: make(map[cid.Cid]int)}
	m, err := manifest.Build(ctx, c, sizes.get, sizes.stat, manifest.DefaultLimits())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", c, err)
	}
	r := s.keepRoot(&Root{s: s, m: m, have: bitfield.Full(m.Leaves())})
	if !problem {
		return r, nil
	}
	// The root is known to lost by now, so that what is withdrawn meanwhile is cleared too.
	for i := range m.Leaves() {
		if _, ok := s.heldRecipe(m.Leaf(i).Cid); !ok {
			r.lose(i)
		}
	}
	return r, ctx.Err()
}

// leafSizes answers manifest.Build, which asks for the size of every leaf. Of most, the node above
// tells it, which saves a look-up in a database that is much larger than its cache.
type leafSizes struct {
	s     *Store
	known map[cid.Cid]int
}

func (l *leafSizes) get(ctx context.Context, c cid.Cid) ([]byte, error) {
	block, err := l.s.Block(ctx, c, nil)
	if err != nil {
		return nil, err
	}
	n, err := unixfs.Parse(c, block)
	if err != nil {
		return nil, err
	}
	for i, link := range n.Links {
		if i < len(n.BlockSizes) && link.Cid.Prefix().Codec == cid.Raw {
			l.known[link.Cid] = int(n.BlockSizes[i])
		}
	}
	return block, nil
}

func (l *leafSizes) stat(c cid.Cid) (leaf bool, size int, ok bool) {
	if size, ok = l.known[c]; ok {
		delete(l.known, c)
		return true, size, true
	}
	size, ok = l.s.leafSize(c)
	return true, size, ok
}

// Root returns the CID.
func (r *Root) Root() cid.Cid { return r.m.Root() }

// Manifest returns the list of its blocks.
func (r *Root) Manifest() *manifest.Manifest { return r.m }

// Have returns a copy of the set of leaves held: all that were not withdrawn.
func (r *Root) Have() *bitfield.Bitfield {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.have.Clone()
}

// ReadLeaf returns the block of leaf i.
func (r *Root) ReadLeaf(ctx context.Context, i int, buf []byte) ([]byte, error) {
	if r.rest != nil && !r.holds(i) {
		return nil, fault.New(fault.NotFound, "read %s: leaf %d is not here", r.Root(), i)
	}
	read := func() ([]byte, error) { return r.s.readLeaf(ctx, r.m.Leaf(i).Cid, buf) } // no leaf is among the inner blocks
	if r.rest != nil {
		read = func() ([]byte, error) { return r.rest.readLeaf(ctx, i, buf) }
	}
	block, err := read()
	if errors.Is(err, ErrWithdrawn) {
		r.lose(i)
	}
	return block, err
}

func (r *Root) holds(i int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.have.Has(i)
}

// Recheck hashes every copy of leaf i.
func (r *Root) Recheck(ctx context.Context, i int) bool {
	if r.rest != nil { // hashed whenever it is read
		_, err := r.ReadLeaf(ctx, i, nil)
		return errors.Is(err, ErrWithdrawn)
	}
	if !r.s.Recheck(ctx, r.m.Leaf(i).Cid) {
		return false
	}
	r.lose(i)
	return true
}

// Changes returns the withdrawals from now on, and what is held again after them.
func (r *Root) Changes() (<-chan Change, func()) { return r.feed.subscribe() }

func (r *Root) lose(i int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.have.Clear(i) {
		r.feed.publish(Change{First: i, Count: 1, Withdrawn: true})
	}
}

// regain looks again for what was withdrawn.
func (r *Root) regain() {
	if r.rest != nil {
		return
	}
	have := r.Have()
	for first, count := range have.Gaps() {
		for i := first; i < first+count; i++ {
			if _, ok := r.s.heldRecipe(r.m.Leaf(i).Cid); ok {
				r.gain(i)
			}
		}
	}
}

func (r *Root) gain(i int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.have.Set(i) {
		r.feed.publish(Change{First: i, Count: 1})
	}
}

// regain looks again for what the open roots lost, after files were shared or came back.
func (s *Store) regain() {
	for _, r := range s.openRoots() {
		r.regain()
	}
}

// A rootCache holds the open roots: each one once while anybody uses it, and the few used last.
type rootCache struct {
	open   map[cid.Cid]weak.Pointer[Root]
	recent []*Root // used last first
}

const (
	recentRoots   = 4
	recentEntries = 1 << 17 // of all manifests that nobody uses, about 6 MiB
)

func (s *Store) openRoot(c cid.Cid) *Root {
	s.live.Lock()
	defer s.live.Unlock()
	r := s.live.roots.open[c].Value()
	if r != nil {
		s.live.roots.use(r)
	}
	return r
}

// keepRoot remembers a root just built, unless somebody was quicker, and returns the one to use.
func (s *Store) keepRoot(r *Root) *Root {
	s.live.Lock()
	defer s.live.Unlock()
	cache := &s.live.roots
	if other := cache.open[r.Root()].Value(); other != nil {
		return other
	}
	for c, p := range cache.open {
		if p.Value() == nil {
			delete(cache.open, c)
		}
	}
	if cache.open == nil {
		cache.open = make(map[cid.Cid]weak.Pointer[Root])
	}
	cache.open[r.Root()] = weak.Make(r)
	cache.use(r)
	return r
}

// use moves r to the front of the recent ones and drops those that are too many.
func (c *rootCache) use(r *Root) {
	if i := slices.Index(c.recent, r); i >= 0 {
		c.recent = slices.Delete(c.recent, i, i+1)
	}
	c.recent = slices.Insert(c.recent, 0, r)
	entries := 0
	for i, r := range c.recent {
		if entries += r.m.Len(); i == recentRoots || entries > recentEntries {
			clear(c.recent[i:])
			c.recent = c.recent[:i]
			return
		}
	}
}

// forgetRoot lets go of a root that is no longer held. Who uses it reads until its files fail it.
func (s *Store) forgetRoot(c cid.Cid) {
	s.live.Lock()
	defer s.live.Unlock()
	delete(s.live.roots.open, c)
	s.live.roots.recent = slices.DeleteFunc(s.live.roots.recent, func(r *Root) bool { return r.Root() == c })
}

// forgetPaused lets go of what an earlier run left of a download, as there is now more of it.
func (c *rootCache) forgetPaused(root cid.Cid) {
	if r := c.open[root].Value(); r != nil && r.rest != nil {
		delete(c.open, root)
		c.recent = slices.DeleteFunc(c.recent, func(other *Root) bool { return other == r })
	}
}

func (s *Store) openRoots() (roots []*Root) {
	s.live.Lock()
	defer s.live.Unlock()
	for _, p := range s.live.roots.open {
		if r := p.Value(); r != nil {
			roots = append(roots, r)
		}
	}
	return roots
}
