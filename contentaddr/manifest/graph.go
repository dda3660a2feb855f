package manifest

import (
	"context"
	"fmt"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

// graph is the DAG of a manifest with each distinct node once, in memory in proportion to the blocks
// that were sent. Each node carries the counts of the tree that it expands to, so that a hostile DAG
// is refused before it is expanded.
type graph struct {
	m     *Manifest
	get   Get
	lim   Limits
	names int64 // that all folders loaded so far list

	nodes    []node
	ofEntry  map[int]ref     // nodes of inner entries
	ofInline map[cid.Cid]ref // nodes of identity CIDs
	payload  map[int]int64   // dag-pb leaf -> payload bytes that file nodes say it has
	attrs    []Attr          // Attr 0 is empty
	literals int64
}

// ref is a node (an index in nodes) or, when negative, a leaf: -1 - its leaf index.
type ref int32

func leafRef(leaf int) ref      { return ref(-1 - leaf) }
func (r ref) leaf() (int, bool) { return int(-1 - r), r < 0 }

// node is an inner node, or an identity CID's. A folder has names, one an edge.
type node struct {
	cid     cid.Cid
	kind    nodeKind
	opened  bool
	attr    int32
	edges   []edge
	names   []string
	literal string // inline payload of a file, before its edges; target of a symlink
	tree    tree
}

type nodeKind uint8

const (
	fileNode nodeKind = iota
	folderNode
	symlinkNode
)

// edge is a link. payload is what a file node says is below it, and -1 in a folder.
type edge struct {
	to      ref
	payload int64
}

// tree counts what a node expands to. Counts saturate at math.MaxInt64.
type tree struct {
	bytes            int64 // payload; a leaf of unknown payload counts nothing
	leaves           int64 // places of leaves
	extents          int64 // at most, when runs of leaves count once
	names            int64 // entries of folders
	depth, fileDepth int64 // nodes on the longest path, this one and its leaf included
}

// loadGraph reads every inner node of m once and counts bottom up. It does not recurse: a DAG's
// longest path can be as long as the manifest, as that lists each node where it is met first.
func loadGraph(ctx context.Context, m *Manifest, get Get, lim Limits) (*graph, ref, error) {
	g := &graph{
		m: m, lim: lim, ofEntry: map[int]ref{}, ofInline: map[cid.Cid]ref{}, payload: map[int]int64{},
		attrs: make([]Attr, 1),
	}
	g.get = func(ctx context.Context, c cid.Cid) ([]byte, error) { return getBlock(ctx, c, get) }
	root, err := g.load(m.Root())
	if err != nil {
		return nil, 0, err
	}
	if _, isLeaf := root.leaf(); !isLeaf {
		err = g.count(ctx, root)
	}
	return g, root, err
}

// getBlock gets a block that may be in its own CID.
func getBlock(ctx context.Context, c cid.Cid, get Get) ([]byte, error) {
	if inline, ok := contentaddr.Identity(c); ok {
		return inline, nil
	}
	if err := contentaddr.CheckCID(c); err != nil {
		return nil, fault.Mark(fault.Corrupt, err)
	}
	block, err := get(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("block %s: %w", c, err)
	}
	return block, nil
}

// step is a node whose edges are being followed.
type step struct {
	at   ref
	next int
}

// count loads all below root, and sums up each node when all below it is.
func (g *graph) count(ctx context.Context, root ref) error {
	if err := g.open(ctx, root); err != nil {
		return err
	}
	for path := []step{{at: root}}; len(path) > 0; {
		top := &path[len(path)-1]
		n := &g.nodes[top.at]
		if top.next == len(n.edges) {
			if err := g.sum(n); err != nil {
				return err
			}
			path = path[:len(path)-1]
			continue
		}
		to := n.edges[top.next].to
		top.next++
		if _, isLeaf := to.leaf(); isLeaf || g.nodes[to].opened {
			continue
		}
		if err := g.open(ctx, to); err != nil {
			return err
		}
		path = append(path, step{at: to})
	}
	return nil
}

// load returns the ref of c; a node that was not met before is not open yet.
func (g *graph) load(c cid.Cid) (ref, error) {
	if _, ok := contentaddr.Identity(c); ok {
		at, ok := g.ofInline[c]
		if !ok {
			at = g.addNode(c)
			g.ofInline[c] = at
		}
		return at, nil
	}
	entry, ok := g.m.find(c)
	if !ok {
		return 0, fault.New(fault.Corrupt, "block %s is not in the manifest of %s", c, g.m.Root())
	}
	if leaf, ok := g.m.leafOf(entry); ok {
		return leafRef(leaf), nil
	}
	at, ok := g.ofEntry[entry]
	if !ok {
		at = g.addNode(c)
		g.ofEntry[entry] = at
	}
	return at, nil
}

func (g *graph) addNode(c cid.Cid) ref {
	g.nodes = append(g.nodes, node{cid: c})
	return ref(len(g.nodes) - 1)
}

// leafOf returns the leaf index of an entry that is a leaf.
func (m *Manifest) leafOf(entry int) (leaf int, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if !m.list.at(entry).leaf() {
		return 0, false
	}
	return m.leafRank(entry), true
}

// open parses the block of a node and makes its edges.
func (g *graph) open(ctx context.Context, at ref) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := g.nodes[at].cid
	block, err := g.get(ctx, c)
	if err != nil {
		return err
	}
	parsed, err := unixfs.Parse(c, block)
	if err != nil {
		return err
	}
	n := node{cid: c, opened: true, attr: g.addAttr(parsed)}
	switch parsed.Kind {
	case unixfs.Directory, unixfs.HAMTShard:
		n.kind = folderNode
		err = g.openFolder(ctx, &n, parsed)
	case unixfs.Symlink:
		n.kind = symlinkNode
		err = g.setLiteral(&n, parsed.Data)
	case unixfs.File, unixfs.Raw:
		n.kind = fileNode
		err = g.openFile(&n, parsed)
	default:
		err = fault.New(fault.Corrupt, "block %s: %s nodes are not read", c, parsed.Kind)
	}
	g.nodes[at] = n
	return err
}

func (g *graph) openFile(n *node, parsed *unixfs.Node) error {
	n.edges = make([]edge, len(parsed.Links))
	for i, l := range parsed.Links {
		to, err := g.load(l.Cid)
		if err != nil {
			return err
		}
		n.edges[i] = edge{to, int64(parsed.BlockSizes[i])}
	}
	return g.setLiteral(n, parsed.Data)
}

func (g *graph) setLiteral(n *node, data []byte) error {
	n.literal = string(data)
	if g.literals = addSat(g.literals, int64(len(data))); g.literals > g.lim.Literals {
		return exceeds("payload bytes in inner nodes", g.literals, g.lim.Literals)
	}
	return nil
}

// openFolder lists a folder, all shards of it.
func (g *graph) openFolder(ctx context.Context, n *node, parsed *unixfs.Node) error {
	allowed := g.lim.allowance(g.m.innerBytes())
	err := unixfs.Entries(ctx, parsed, g.get, func(name string, l unixfs.Link) error {
		if g.names++; g.names > allowed {
			return exceeds("names in folders", g.names, allowed)
		}
		to, err := g.load(l.Cid)
		if err != nil {
			return err
		}
		n.names = append(n.names, name)
		n.edges = append(n.edges, edge{to, -1})
		return nil
	})
	if err != nil {
		return fmt.Errorf("folder %s: %w", n.cid, err)
	}
	return nil
}

// leafSize returns the bytes of a leaf's block, and whether it is a raw one: all of it is payload.
func (m *Manifest) leafSize(leaf int) (size int64, isRaw bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v := m.list.at(int(m.leaves[leaf]))
	return int64(v.size()), hasRawCodec(m.list.prefixes[v.prefix()])
}

func (m *Manifest) innerBytes() uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.inner
}

// addAttr keeps what n says of a file or folder, and returns its number.
func (g *graph) addAttr(n *unixfs.Node) int32 {
	if !n.HasMode && !n.HasModTime {
		return 0
	}
	g.attrs = append(g.attrs, Attr{n.Mode, n.HasMode, n.ModTime, n.HasModTime})
	return int32(len(g.attrs) - 1)
}

// sum counts the tree of n, whose edges lead to nodes that are counted, and checks that what n says
// of their sizes is true.
func (g *graph) sum(n *node) error {
	t := tree{bytes: int64(len(n.literal)), depth: 1}
	if n.kind == symlinkNode {
		t.bytes = 0
	}
	if n.kind == fileNode {
		t.fileDepth = 1
		if len(n.literal) > 0 || len(n.edges) == 0 {
			t.extents = 1
		}
	}
	none := run{leaf: -1}
	last := none // the run that the edges before end in, when all is expanded
	for _, e := range n.edges {
		below, err := g.below(n, e)
		if err != nil {
			return err
		}
		t.add(below, n.kind)
		leaf, isLeaf := e.to.leaf()
		switch {
		case !isLeaf || n.kind != fileNode:
			last = none
		case !last.extend(int32(leaf), int32(e.payload)):
			last = run{leaf: int32(leaf), count: 1, size: int32(e.payload)}
			t.extents = addSat(t.extents, 1)
		}
	}
	n.tree = t
	return g.checkTree(t)
}

func (t *tree) add(below tree, kind nodeKind) {
	t.bytes = addSat(t.bytes, below.bytes)
	t.leaves = addSat(t.leaves, below.leaves)
	t.extents = addSat(t.extents, below.extents)
	t.names = addSat(t.names, below.names)
	t.depth = max(t.depth, 1+below.depth)
	if kind == folderNode {
		t.names = addSat(t.names, 1)
		return
	}
	t.fileDepth = max(t.fileDepth, 1+below.fileDepth)
}

// checkTree holds t to the limits. Trees below are smaller, so the first node beyond one is told.
func (g *graph) checkTree(t tree) error {
	allowed := g.lim.allowance(g.m.innerBytes())
	spread := addSat(allowed, t.bytes/max(1, g.lim.LeafBytes))
	for _, check := range []struct {
		what      string
		got, most int64
	}{
		{"nodes on a path from the root", t.depth, int64(g.lim.Depth)},
		{"nodes on a path in a file", t.fileDepth, int64(g.lim.FileDepth)},
		{"payload bytes", t.bytes, g.lim.Bytes},
		{"places of leaves", t.leaves, g.lim.Occurrences},
		{"names in folders after expansion", t.names, allowed},
		{"extents after expansion", t.extents, allowed},
		{fmt.Sprintf("places of leaves under %d bytes", g.lim.LeafBytes), t.leaves, spread},
	} {
		if check.got > check.most {
			return exceeds(check.what, check.got, check.most)
		}
	}
	return nil
}

// below returns the tree that e leads to, after holding its payload against what n says.
func (g *graph) below(n *node, e edge) (tree, error) {
	if leaf, ok := e.to.leaf(); ok {
		return g.leafTree(n, leaf, e)
	}
	child := &g.nodes[e.to]
	if n.kind == fileNode {
		if child.kind != fileNode {
			return tree{}, fault.New(fault.Corrupt, "block %s: not a file, inside file %s", child.cid, n.cid)
		}
		if child.tree.bytes != e.payload {
			return tree{}, wrongSize(child.cid, child.tree.bytes, n.cid, e.payload)
		}
	}
	return child.tree, nil
}

func wrongSize(c cid.Cid, got int64, above cid.Cid, want int64) error {
	return fault.New(fault.Corrupt, "block %s has %d bytes of its file, the node %s above says %d", c, got, above, want)
}

// leafTree is below for a leaf. Nothing but its own block says how much of a dag-pb leaf is payload;
// that all nodes above agree is checked here, and whoever gets the block checks the rest.
func (g *graph) leafTree(n *node, leaf int, e edge) (tree, error) {
	t := tree{leaves: 1, depth: 1, fileDepth: 1}
	size, isRaw := g.m.leafSize(leaf)
	if n.kind == folderNode {
		t.extents = 1
		if isRaw {
			t.bytes = size
		}
		return t, nil
	}
	t.bytes = e.payload
	if isRaw && size != e.payload || size < e.payload {
		return t, wrongSize(g.m.Leaf(leaf).Cid, size, n.cid, e.payload)
	}
	if isRaw {
		return t, nil
	}
	if known, ok := g.payload[leaf]; ok && known != e.payload {
		return t, wrongSize(g.m.Leaf(leaf).Cid, known, n.cid, e.payload)
	}
	g.payload[leaf] = e.payload
	return t, nil
}
