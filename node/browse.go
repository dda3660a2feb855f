package node

import (
	"context"
	"io"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/link"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
)

// List implements api.Service.
func (n *Node) List(ctx context.Context, r api.ListRequest, emit func(api.Event)) error {
	l, err := link.Parse(r.Link)
	if err != nil {
		return err
	}
	blocks := n.openBlocks(ctx, l, r.Timeout, emit)
	defer blocks.close()
	c, node, err := manifest.Resolve(ctx, l.Cid, l.Path, blocks.Get)
	if err != nil {
		return err
	}
	switch node.Kind {
	case unixfs.Directory, unixfs.HAMTShard:
	default:
		emit(entry(l.Name, unixfs.Link{Cid: c, Tsize: node.FileSize}, node))
		return nil
	}
	return unixfs.Entries(ctx, node, blocks.Get, func(name string, link unixfs.Link) error {
		child := &unixfs.Node{Kind: unixfs.File, FileSize: link.Tsize} // a raw leaf is as long as its link says
		if link.Cid.Type() != cid.Raw {
			var err error
			if child, err = blocks.parse(ctx, link.Cid); err != nil {
				return err
			}
		}
		emit(entry(name, link, child))
		return nil
	})
}

// entry describes one thing in a folder.
func entry(name string, l unixfs.Link, n *unixfs.Node) api.Event {
	e := api.Event{Event: api.EventEntry, Name: name, Cid: l.Cid.String(), Type: api.TypeFile, Bytes: int64(n.FileSize)}
	switch n.Kind {
	case unixfs.Directory, unixfs.HAMTShard:
		e.Type, e.Bytes = api.TypeFolder, int64(l.Tsize)
	case unixfs.Symlink:
		e.Type, e.Target, e.Bytes = api.TypeSymlink, string(n.Data), int64(len(n.Data))
	}
	return e
}

// Cat implements api.Service.
func (n *Node) Cat(ctx context.Context, r api.CatRequest, w io.Writer, emit func(api.Event)) error {
	l, err := link.Parse(r.Link)
	if err != nil {
		return err
	}
	blocks := n.openBlocks(ctx, l, r.Timeout, emit)
	defer blocks.close()
	c, _, err := manifest.Resolve(ctx, l.Cid, l.Path, blocks.Get)
	if err != nil {
		return err
	}
	file, err := manifest.OpenFile(ctx, c, blocks.Get)
	if err != nil {
		return err
	}
	if r.Offset > file.Size() {
		return fault.New(fault.BadInput, "offset %d lies beyond the file's %d bytes", r.Offset, file.Size())
	}
	buf := make([]byte, catStep)
	for at := r.Offset; at < file.Size(); {
		got, err := file.ReadAt(ctx, buf[:min(catStep, file.Size()-at)], at)
		if err != nil && err != io.EOF {
			return err
		}
		if _, err := w.Write(buf[:got]); err != nil {
			return err
		}
		at += int64(got)
	}
	return nil
}

// catStep is how much cat reads at once: several leaves, which are fetched together.
const catStep = 8 << 20

// parse fetches a block and reads it as UnixFS.
func (b *blocks) parse(ctx context.Context, c cid.Cid) (*unixfs.Node, error) {
	block, err := b.Get(ctx, c)
	if err != nil {
		return nil, err
	}
	return unixfs.Parse(c, block)
}
