package manifest

import "context"

// expansion walks the tree that a counted graph stands for.
type expansion struct {
	g      *graph
	l      *Layout
	inline map[ref]int32 // node -> its literal
	walked int           // for asking the context now and then
}

// at is a place in a walk: a node and which of its edges is next. dir is the index of a folder.
type at struct {
	node ref
	next int
	dir  int32
}

// expand walks the folders below root, in order and without recursion.
func (x *expansion) expand(ctx context.Context, root ref) error {
	var path []at
	if dir, isFolder, err := x.add(ctx, root, "", -1); err != nil {
		return err
	} else if isFolder {
		path = append(path, at{root, 0, dir})
	}
	for len(path) > 0 {
		top := &path[len(path)-1]
		n := &x.g.nodes[top.node]
		if top.next == len(n.edges) {
			path = path[:len(path)-1]
			continue
		}
		e, name := n.edges[top.next], n.names[top.next]
		top.next++
		dir, isFolder, err := x.add(ctx, e.to, name, top.dir)
		if err != nil {
			return err
		}
		if isFolder {
			path = append(path, at{e.to, 0, dir})
		}
	}
	return nil
}

// add adds what stands at one path. Of a folder it returns the index.
func (x *expansion) add(ctx context.Context, what ref, name string, dir int32) (index int32, isFolder bool, err error) {
	if _, isLeaf := what.leaf(); isLeaf {
		return 0, false, x.addFile(ctx, what, name, dir)
	}
	switch n := &x.g.nodes[what]; n.kind {
	case folderNode:
		x.l.Dirs = append(x.l.Dirs, Dir{Name: name, Parent: dir, attr: n.attr})
		return int32(len(x.l.Dirs) - 1), true, x.poll(ctx)
	case symlinkNode:
		x.l.Symlinks = append(x.l.Symlinks, Symlink{Name: name, Dir: dir, Target: n.literal})
		return 0, false, x.poll(ctx)
	}
	return 0, false, x.addFile(ctx, what, name, dir)
}

// poll asks ctx once in a while.
func (x *expansion) poll(ctx context.Context) error {
	if x.walked++; x.walked%4096 != 0 {
		return nil
	}
	return ctx.Err()
}

// addFile adds a file: one leaf, or a tree of file nodes.
func (x *expansion) addFile(ctx context.Context, what ref, name string, dir int32) error {
	f := File{Name: name, Dir: dir, first: int32(len(x.l.runs))}
	if leaf, isLeaf := what.leaf(); isLeaf {
		f.Size = -1
		if size, isRaw := x.g.m.leafSize(leaf); isRaw {
			f.Size = size
		}
		x.emit(&f, 0, int32(leaf), int32(f.Size))
	} else {
		n := &x.g.nodes[what]
		f.attr, f.Size = n.attr, n.tree.bytes
		if err := x.fileNodes(ctx, &f, what); err != nil {
			return err
		}
	}
	x.l.Files = append(x.l.Files, f)
	x.l.Bytes += max(0, f.Size)
	return x.poll(ctx)
}

// fileNodes emits the extents of a file, in order.
func (x *expansion) fileNodes(ctx context.Context, f *File, top ref) error {
	var offset int64
	path := []at{{node: top}}
	for len(path) > 0 {
		here := &path[len(path)-1]
		n := &x.g.nodes[here.node]
		if here.next == 0 && (n.literal != "" || len(n.edges) == 0) {
			x.emit(f, offset, x.literalOf(here.node), int32(len(n.literal)))
			offset += int64(len(n.literal))
		}
		if here.next == len(n.edges) {
			path = path[:len(path)-1]
			continue
		}
		e := n.edges[here.next]
		here.next++
		leaf, isLeaf := e.to.leaf()
		if !isLeaf {
			path = append(path, at{node: e.to})
			continue
		}
		x.emit(f, offset, int32(leaf), int32(e.payload))
		offset += e.payload
		if err := x.poll(ctx); err != nil {
			return err
		}
	}
	return nil
}

// literalOf returns the leaf number that stands for the inline payload of a node.
func (x *expansion) literalOf(what ref) int32 {
	if number, ok := x.inline[what]; ok {
		return number
	}
	x.l.literals = append(x.l.literals, x.g.nodes[what].literal)
	number := int32(-len(x.l.literals))
	x.inline[what] = number
	return number
}

// emit appends one extent to the file being added, which is not in Files yet.
func (x *expansion) emit(f *File, offset int64, leaf, size int32) {
	if len(x.l.runs) > int(f.first) && x.l.runs[len(x.l.runs)-1].extend(leaf, size) {
		return
	}
	x.l.runs = append(x.l.runs, run{offset, leaf, 1, size, int32(len(x.l.Files))})
}
