package importer

import (
	"context"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/unixfs"
)

// maxLeaves is how many leaves a sink is given at a time.
const maxLeaves = 1024

// A collector turns steps, in order, into nodes. It runs on the goroutine that called Import.
type collector struct {
	profile  unixfs.Profile
	sink     Sink
	progress func(int64)
	preserve bool
	result   Result

	folders []folder // those that are open; the innermost last

	// The file whose parts are coming in.
	current *source
	file    *File
	builder *unixfs.FileBuilder
	leaves  []Leaf // not yet given to the sink
}

// A folder is one that was entered and not yet left.
type folder struct {
	name    string
	attr    unixfs.Attr
	entries []unixfs.Link
}

// collect takes steps until there are no more.
func (c *collector) collect(ctx context.Context, steps <-chan step) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s, ok := <-steps:
			if !ok {
				return ctx.Err()
			}
			if err := c.step(ctx, s); err != nil {
				return err
			}
		}
	}
}

func (c *collector) step(ctx context.Context, s step) error {
	switch s.op {
	case opEnter:
		c.folders = append(c.folders, folder{name: s.name, attr: s.attr})
		c.result.Folders++
	case opLeave:
		return c.leave()
	case opSymlink:
		c.result.Symlinks++
		l, err := c.profile.SymlinkNode(s.target, s.attr, c.node)
		return c.add(s.name, l, err)
	case opPart:
		return c.part(ctx, s.part)
	case opSkip:
		c.result.Skipped = append(c.result.Skipped, s.skip)
	case opFail:
		return s.err
	}
	return nil
}

// add puts what was just built into the folder that is open; without one it is the root. A non-nil
// err is that of building it.
func (c *collector) add(name string, l unixfs.Link, err error) error {
	if err != nil {
		return err
	}
	if len(c.folders) == 0 {
		c.result.Root = l.Cid
		return nil
	}
	l.Name = name
	open := &c.folders[len(c.folders)-1]
	open.entries = append(open.entries, l)
	return nil
}

func (c *collector) leave() error {
	f := c.folders[len(c.folders)-1]
	c.folders = c.folders[:len(c.folders)-1]
	l, err := c.profile.Folder(f.entries, f.attr, c.node)
	return c.add(f.name, l, err)
}

// node gives an inner node to the sink, after the leaves that it may link to.
func (c *collector) node(id cid.Cid, block []byte) error {
	if err := c.flush(); err != nil {
		return err
	}
	return c.sink.Node(id, block)
}

// flush gives the sink the leaves that it has not been given.
func (c *collector) flush() error {
	if len(c.leaves) == 0 {
		return nil
	}
	leaves := c.leaves
	c.leaves = nil
	return c.sink.Leaves(c.file, leaves)
}

// part waits for a part of a file to be hashed, and takes it.
func (c *collector) part(ctx context.Context, p *part) error {
	c.current = p.source
	select {
	case <-p.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if p.err != nil {
		return p.err
	}
	if p.first {
		c.begin(p.source)
	}
	for _, l := range p.leaves {
		if err := c.leaf(l); err != nil {
			return err
		}
	}
	c.result.Bytes += p.size
	c.progress(c.result.Bytes)
	if !p.last {
		return nil
	}
	return c.end(p.source)
}

// begin starts a file, which is open or, when it was small, was.
func (c *collector) begin(s *source) {
	c.file = &File{Path: s.path, Stat: StatOf(s.info)}
	var kept unixfs.Attr
	if c.preserve {
		kept = attr(s.info)
	}
	c.builder = c.profile.NewFileBuilder(kept, c.node)
	c.result.Files++
	if s.info.Mode()&0o111 != 0 {
		c.result.Executables++
	}
}

func (c *collector) leaf(l Leaf) error {
	c.leaves = append(c.leaves, l)
	if err := c.builder.Add(unixfs.Link{Cid: l.Cid, Tsize: uint64(l.blockSize())}, uint64(l.Size)); err != nil {
		return err
	}
	if len(c.leaves) < maxLeaves {
		return nil
	}
	return c.flush()
}

// blockSize returns how many bytes the leaf's block has.
func (l Leaf) blockSize() int {
	if !l.Framed {
		return l.Size
	}
	prefix, suffix := unixfs.LeafFrame(l.Size)
	return len(prefix) + l.Size + len(suffix)
}

// end closes a file and checks that it has not changed; a small one's worker has done both.
func (c *collector) end(s *source) error {
	if s.f != nil {
		err := s.check()
		s.close()
		if err != nil {
			return err
		}
	}
	l, err := c.builder.Finish()
	if err == nil {
		err = c.flush()
	}
	if err != nil {
		return err
	}
	c.file.Root = l.Cid
	if err := c.sink.File(c.file); err != nil {
		return err
	}
	return c.add(s.name, l, nil)
}
