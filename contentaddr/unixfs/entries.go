package unixfs

import (
	"context"
	"errors"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/fault"
)

// Get returns the block of c, already verified (contentaddr.Verify), from wherever the caller keeps
// blocks. The bytes must stay as they are while the walk runs.
type Get func(ctx context.Context, c cid.Cid) ([]byte, error)

// MaxEntries is how many entries a sharded folder may have: as many as files on an ordinary disk. A
// plain one has at most those of one block.
const MaxEntries = 1 << 24

// Entries calls visit with each entry of the folder n, plain or sharded, in the order of its links,
// and ends with the first error: ctx's, get's or visit's own, or a fault.Corrupt when the folder breaks
// a rule. The names are only known to be non-empty and distinct: check them (contentaddr/names)
// before they meet a file system. The Link's name is name, without a shard's prefix.
//
// A hostile trie costs no more than the blocks it consists of: it is at most as deep as the hash has
// bits, empty shards are refused, and every name must hash to its place, so that no shard can be used
// in two.
func Entries(ctx context.Context, n *Node, get Get, visit func(name string, l Link) error) error {
	switch n.Kind {
	case Directory:
		return plainEntries(n, visit)
	case HAMTShard:
		if len(n.Links) == 0 {
			return nil // a folder that was emptied, and is not a trie below another
		}
		w := walk{get: get, visit: visit, fanout: n.Fanout}
		return w.shard(ctx, n, 0, 0)
	}
	return fault.New(fault.BadInput, "a %s is not a folder", n.Kind)
}

// plainEntries visits the links of a plain folder. Sorted ones, which nearly all writers make, show
// two of one name at once; others are compared through a set.
func plainEntries(n *Node, visit func(string, Link) error) error {
	if err := checkDistinct(n.Links); err != nil {
		return err
	}
	for _, l := range n.Links {
		if err := visit(l.Name, l); err != nil {
			return err
		}
	}
	return nil
}

func checkDistinct(links []Link) error {
	sorted := true
	for i := range links {
		if links[i].Name == "" {
			return fault.New(fault.Corrupt, "folder with an entry without a name")
		}
		sorted = sorted && (i == 0 || links[i-1].Name < links[i].Name)
	}
	if sorted {
		return nil
	}
	seen := make(map[string]bool, len(links))
	for i := range links {
		if seen[links[i].Name] {
			return fault.New(fault.Corrupt, "folder with two entries %q", links[i].Name)
		}
		seen[links[i].Name] = true
	}
	return nil
}

// A walk goes through a trie once, depth first.
type walk struct {
	get    Get
	visit  func(string, Link) error
	fanout uint64
	count  int
}

// shard visits the entries of n, which stands at depth, where all hashes begin with prefix.
func (w *walk) shard(ctx context.Context, n *Node, depth int, prefix uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	digits := prefixLen(w.fanout)
	for _, l := range n.Links {
		at, err := n.slotOf(l.Name)
		if err != nil {
			return fault.Mark(fault.Corrupt, err)
		}
		path := prefix | place(at, depth, w.fanout)
		if len(l.Name) == digits {
			child, err := w.child(ctx, l.Cid, depth+1)
			if err == nil {
				err = w.shard(ctx, child, depth+1, path)
			}
			if err != nil {
				return err
			}
			continue
		}
		l.Name = l.Name[digits:]
		if !under(hashOf(l.Name), path, depth+1, w.fanout) {
			return fault.New(fault.Corrupt, "shard with an entry %q that belongs elsewhere", l.Name)
		}
		if w.count++; w.count > MaxEntries {
			return fault.New(fault.Corrupt, "folder with more than %d entries", MaxEntries)
		}
		if err := w.visit(l.Name, l); err != nil {
			return err
		}
	}
	return nil
}

// child gets the shard that stands at depth, below another.
func (w *walk) child(ctx context.Context, c cid.Cid, depth int) (*Node, error) {
	if depth >= maxDepth(w.fanout) {
		return nil, fault.New(fault.Corrupt, "shards deeper than the %d bits of their hash", hashBits)
	}
	block, err := w.get(ctx, c)
	if err != nil {
		return nil, err
	}
	n, err := Parse(c, block)
	if err != nil {
		return nil, err
	}
	if n.Kind != HAMTShard || n.Fanout != w.fanout || len(n.Links) == 0 {
		return nil, fault.New(fault.Corrupt, "block %s below a shard is a %s of fanout %d with %d links", c, n.Kind, n.Fanout, len(n.Links))
	}
	return n, nil
}

// ErrNoEntry says that a folder has no entry of a name. It is a fault.NotFound.
var ErrNoEntry = fault.Mark(fault.NotFound, errors.New("no such entry"))

// Lookup returns the entry of that name in the folder n, getting only the shards on its path. Its
// Name is name. The error is ErrNoEntry when there is none, and otherwise as Entries has it.
func Lookup(ctx context.Context, n *Node, name string, get Get) (Link, error) {
	if n.Kind == Directory {
		for _, l := range n.Links {
			if l.Name == name {
				return l, nil
			}
		}
		return Link{}, ErrNoEntry
	}
	if n.Kind != HAMTShard {
		return Link{}, fault.New(fault.BadInput, "a %s is not a folder", n.Kind)
	}
	w := walk{get: get, fanout: n.Fanout}
	hash := hashOf(name)
	for depth := 0; ; depth++ {
		l, ok := n.linkAt(slot(hash, depth, w.fanout))
		switch digits := prefixLen(w.fanout); {
		case ok && l.Name[digits:] == name && name != "":
			l.Name = name
			return l, nil
		case !ok || len(l.Name) > digits:
			return Link{}, ErrNoEntry
		}
		var err error
		if n, err = w.child(ctx, l.Cid, depth+1); err != nil {
			return Link{}, err
		}
	}
}

// linkAt returns the link in a slot of a shard.
func (n *Node) linkAt(at int) (Link, bool) {
	if !n.hasSlot(at) {
		return Link{}, false
	}
	for _, l := range n.Links {
		if s, err := n.slotOf(l.Name); err == nil && s == at {
			return l, true
		}
	}
	return Link{}, false
}
