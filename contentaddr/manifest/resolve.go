package manifest

import (
	"context"
	"fmt"
	"strings"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/names"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

// Resolve follows path (slash separated; empty segments are skipped) from root and returns what it
// leads to. It gets only the nodes on the path, of a sharded folder only the shards on the way, and
// the node itself. A path that leads nowhere, or through what is not a folder, is fault.NotFound;
// symlinks are returned, not followed.
func Resolve(ctx context.Context, root cid.Cid, path string, get Get) (cid.Cid, *unixfs.Node, error) {
	inlineToo := func(ctx context.Context, c cid.Cid) ([]byte, error) { return getBlock(ctx, c, get) }
	n, err := parseAt(ctx, root, inlineToo)
	if err != nil {
		return cid.Undef, nil, fmt.Errorf("resolve %s: %w", root, err)
	}
	c := root
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "" {
			continue
		}
		if !n.IsFolder() {
			return cid.Undef, nil, fault.New(fault.NotFound, "resolve %s: no %s in it, as %s is a %s", root, names.Quote(path), c, n.Kind)
		}
		link, err := unixfs.Lookup(ctx, n, segment, inlineToo)
		if err == nil {
			c = link.Cid
			n, err = parseAt(ctx, c, inlineToo)
		}
		if err != nil {
			return cid.Undef, nil, fmt.Errorf("resolve %s: %s in %s: %w", root, names.Quote(segment), names.Quote(path), err)
		}
	}
	return c, n, nil
}

func parseAt(ctx context.Context, c cid.Cid, get Get) (*unixfs.Node, error) {
	block, err := get(ctx, c)
	if err != nil {
		return nil, err
	}
	return unixfs.Parse(c, block)
}
