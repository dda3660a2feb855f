package swarm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/network"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/swarm/wire"
)

// maxPage bounds a manifest page, in bytes, whatever a client asks for.
const maxPage = 2 << 20

// writeData sends what the client asked for, in the order asked, once its data stream is there.
func (c *client) writeData(ctx context.Context) error {
	var s network.Stream
	select {
	case s = <-c.data:
	case <-time.After(helloTimeout):
		return errors.New("opened no data stream")
	case <-ctx.Done():
		return nil
	}
	defer s.Reset()
	stop := context.AfterFunc(ctx, func() { s.Reset() })
	defer stop()
	for {
		n, ok := c.ahead()
		if !ok {
			select {
			case <-c.work:
				continue
			case <-ctx.Done():
				return nil
			}
		}
		if err := c.serveNext(ctx, s, n); err != nil {
			return err
		}
	}
}

// serveNext sends what stands first in the queue, some n bytes, when the uplink's turn for it has come. Until then it may
// be cancelled, and nothing is read for it.
func (c *client) serveNext(ctx context.Context, s network.Stream, n int) error {
	done, err := c.sv.uplink.wait(ctx, c.id, n, c.weight(), c.near)
	if err != nil {
		return nil // shutting down
	}
	sent := 0
	defer func() { done(sent) }()
	o, ok := c.next()
	if !ok {
		return nil
	}
	sent, err = c.fulfil(ctx, s, o)
	c.account.out.total.Add(int64(sent))
	o.ch.out.total.Add(int64(sent))
	return err
}

// fulfil sends one leaf, block or page, or says why not, and returns how many bytes left. Its error ends the client.
func (c *client) fulfil(ctx context.Context, s network.Stream, o order) (int, error) {
	switch o.kind {
	case orderPage:
		return c.sendPage(ctx, s, o)
	case orderBlock:
		return c.sendBlock(ctx, s, o)
	default:
		return c.sendLeaf(ctx, s, o)
	}
}

func (c *client) sendLeaf(ctx context.Context, s network.Stream, o order) (int, error) {
	m := o.ch.content.Manifest()
	if !m.Complete() || int(o.first) >= m.Leaves() {
		return 0, fmt.Errorf("asks for leaf %d of %d", o.first, m.Leaves())
	}
	buf := c.sv.buffers.get(int(m.Leaf(int(o.first)).Size))
	defer c.sv.buffers.put(buf)
	block, err := o.ch.content.ReadLeaf(ctx, int(o.first), buf.block)
	if err != nil || len(block) != len(buf.block) {
		c.sv.log.Debug("leaf not served", "root", m.Root(), "leaf", o.first, "why", err)
		o.ch.sharing.lost(int(o.first))
		c.send(wire.Reject{Channel: o.ch.id, Leaves: []wire.Range{{First: o.first, Count: 1}}, Reason: wire.RejectedNotHere})
		return 0, nil
	}
	frame := buf.head()
	start := wire.PutLeafHeader(frame, o.ch.id, o.first, len(block))
	n, err := write(s, frame[start:wire.MaxHeader+len(block)])
	if err == nil {
		o.ch.sharing.sent(o.ch, int(o.first))
	}
	return n, err
}

var errNotOfRoot = errors.New("not a block of the channel's root")

// sendBlock serves a leaf or an inner node of the root by its CID.
func (c *client) sendBlock(ctx context.Context, s network.Stream, o order) (int, error) {
	content := o.ch.content
	buf := c.sv.buffers.get(contentaddr.MaxBlock)
	defer c.sv.buffers.put(buf)
	var block []byte
	err := errNotOfRoot
	if i, ok := content.Manifest().LeafIndex(o.cid); ok {
		block, err = content.ReadLeaf(ctx, i, buf.block)
	} else if o.ch.isInner(o.cid) {
		block, err = content.Node(ctx, o.cid)
		block = append(buf.block[:0], block...)
	}
	if err != nil {
		c.send(wire.RejectBlock{Channel: o.ch.id, Tag: o.tag, Reason: wire.RejectedNotHere})
		return 0, nil
	}
	frame := buf.head()
	start := wire.PutBlockHeader(frame, o.ch.id, o.tag, len(block))
	return write(s, frame[start:wire.MaxHeader+len(block)])
}

func (c *client) sendPage(ctx context.Context, s network.Stream, o order) (int, error) {
	m := o.ch.content.Manifest()
	if int(o.first) >= m.Len() {
		return 0, fmt.Errorf("asks for manifest entry %d of %d", o.first, m.Len())
	}
	page := make([]byte, wire.MaxHeader, wire.MaxHeader+maxPage)
	node := func(c cid.Cid) ([]byte, error) { return o.ch.content.Node(ctx, c) }
	page, n, err := manifest.AppendPage(page, m, int(o.first), int(min(o.count, maxPage)), node)
	if err != nil {
		c.sv.log.Warn("manifest not served", "root", m.Root(), "why", err)
		c.send(wire.Refused{Channel: o.ch.id, Reason: wire.RefusedRoot})
		return 0, nil
	}
	start := wire.PutPageHeader(page, o.ch.id, o.first, uint32(n), len(page)-wire.MaxHeader)
	return write(s, page[start:])
}

// write sends one frame.
func write(s network.Stream, frame []byte) (int, error) {
	s.SetWriteDeadline(time.Now().Add(dataTimeout))
	return s.Write(frame)
}
