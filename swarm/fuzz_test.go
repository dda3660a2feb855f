package swarm

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/swarm/wire"
)

// A pipe is a stream that says what it was given and forgets what it is told.
type pipe struct {
	network.Stream
	in      io.Reader
	written int
}

func (p *pipe) Read(b []byte) (int, error)     { return p.in.Read(b) }
func (p *pipe) Write(b []byte) (int, error)    { p.written += len(b); return len(b), nil }
func (*pipe) Reset() error                     { return nil }
func (*pipe) SetWriteDeadline(time.Time) error { return nil }

// tiny is a file of nine leaves.
func tiny(f *testing.F) *file {
	file := &file{blocks: make(map[cid.Cid][]byte)}
	n := &unixfs.Node{Kind: unixfs.File, HasFileSize: true}
	for i := range 9 {
		block := bytes.Repeat([]byte{byte(i)}, 5)
		n.Links = append(n.Links, unixfs.Link{Cid: file.add(f, cid.Raw, block)})
		n.BlockSizes = append(n.BlockSizes, 5)
		n.FileSize += 5
	}
	file.root = file.add(f, cid.DagProtobuf, n.Encode())
	m, err := manifest.Build(context.Background(), file.root, file.get, nil, manifest.DefaultLimits())
	if err != nil {
		f.Fatal(err)
	}
	file.m = m
	return file
}

// encoded are messages as they go over the wire.
func encoded(messages ...wire.Message) (b []byte) {
	for _, m := range messages {
		b = wire.Append(b, m)
	}
	return b
}

func nobody(context.Context, peer.AddrInfo, cid.Cid, Receiver) (Source, error) {
	return nil, errors.New("nobody is there")
}

// FuzzHolder lets a holder say anything on both streams, to a session that knows the manifest already or not.
// Whatever it says, only blocks that are right are kept.
func FuzzHolder(f *testing.F) {
	file := tiny(f)
	opened := wire.Opened{Channel: 1, Complete: true, Entries: 10, Leaves: 9, Digest: file.m.Digest(), Have: wire.HaveSome}
	all := []wire.Range{{First: 0, Count: 9}}
	page := append(frameHeader(wire.FramePage, 1, 0, 10, uint64(len(file.entries(0)))), file.entries(0)...)
	leaf := append(frameHeader(wire.FrameLeaf, 1, 3, 5), file.block(3)...)
	f.Add(true, encoded(opened, wire.HaveBits{Channel: 1, Bits: []byte{255, 128}}, wire.Unchoke{Channel: 1}), leaf)
	f.Add(false, encoded(opened, wire.HaveLeaves{Channel: 1, Leaves: all}, wire.Unchoke{Channel: 1}), append(page, leaf...))
	f.Add(true, encoded(opened, wire.Unchoke{Channel: 1}, wire.Withdrawn{Channel: 1, Leaves: all}, opened), bent(leaf))
	f.Add(true, encoded(opened, wire.Unchoke{Channel: 1}, wire.Reject{Channel: 1, Leaves: all, Reason: 1}, wire.Choke{Channel: 1}), page)
	f.Add(true, encoded(opened, wire.HaveLeaves{Channel: 1, Leaves: all}, wire.Unchoke{Channel: 1}, wire.Suggest{Channel: 1, Only: true, Leaves: all},
		wire.Reject{Channel: 1, Leaves: all, Reason: wire.RejectedElsewhere}, wire.Suggest{Channel: 1}), leaf)
	f.Add(false, encoded(opened, wire.Refused{Channel: 1}), []byte{3, 1, 0, 1, 1, 9})
	f.Add(true, encoded(opened, contactsOf("b", "/ip4/127.0.0.1/tcp/1"), wire.Unchoke{Channel: 1}, wire.Peers{Channel: 1, Dropped: []peer.ID{idOf("b")}}), leaf)
	f.Fuzz(func(t *testing.T, known bool, words, data []byte) {
		k := new(keeper)
		s := NewSession(SessionConfig{Root: file.root, Sink: k, Dial: nobody})
		s.work, s.ctx = new(errgroup.Group), t.Context()
		src := &source{session: s, choked: true, pending: make(map[int]int), disputed: make(map[int]bool), byCID: make(map[int]bool)}
		l := &link{
			data: &pipe{in: bytes.NewReader(data)}, control: &pipe{}, gate: newUplink(0, 0), buffers: s.cfg.buffers, ctx: t.Context(), cancel: func() {},
			account: newAccount(),
			outbox:  make(chan wire.Message, outboxSize), channels: map[uint32]Receiver{1: src},
		}
		l.told = map[uint32]*exchange{1: exchangeOf(file, l.send)}
		s.peers.add(peer.AddrInfo{ID: "a"}, "")
		src.id = "a"
		s.peers.known[src.id].dialing = true
		s.peers.dialing = 1
		turn := func() { // as the loop does
			s.drain()
			for s.failed == nil && len(s.jobs) > 0 {
				j := <-s.jobs
				m := s.numbering.Load()
				err := k.Put(j.leaf, j.buf.block)
				bad := false
				if err != nil {
					bad, err = blame(m.Leaf(j.leaf), j.buf.block, err)
				}
				if s.manifest == m {
					s.onBlock(j, len(j.buf.block), bad, err)
				}
			}
			if s.failed == nil && !s.complete {
				s.advance(time.Now())
			}
		}
		if known {
			k.Plan(t.Context(), file.m)
			s.onPlan(file.m, nil, nil, nil)
		}
		s.onDialed(src, &linkChannel{link: l, id: 1, exchange: l.told[1]}, nil)
		in := wire.NewReader(bytes.NewReader(words))
		for {
			m, err := in.Next()
			if err != nil {
				break
			}
			l.handle(m)
			if turn(); s.failed != nil || s.complete {
				return
			}
		}
		// Frames one by one, as the workers would have to keep up otherwise.
		br := bufio.NewReader(bytes.NewReader(data))
		for {
			h, err := wire.ReadHeader(br)
			if err != nil || h.Length > br.Buffered() {
				break
			}
			frame, err := br.Peek(h.Length)
			if err != nil {
				break
			}
			one := frameOf(h, frame)
			br.Discard(h.Length)
			l.data = &pipe{in: bytes.NewReader(one)}
			l.readData()
			s.work.Wait()
			if turn(); s.failed != nil || s.complete {
				break // the loop would have ended
			}
		}
		for c, block := range k.blocks {
			if contentaddr.Verify(c, block) != nil {
				t.Errorf("%s is kept and wrong", c)
			}
		}
		if s.complete && len(k.blocks) != 9 && !known {
			t.Errorf("complete with %d leaves", len(k.blocks))
		}
	})
}

// frameOf encodes a frame again.
func frameOf(h wire.Header, payload []byte) []byte {
	switch h.Frame {
	case wire.FramePage:
		return append(frameHeader(h.Frame, uint64(h.Channel), uint64(h.Index), uint64(h.Count), uint64(h.Length)), payload...)
	case wire.FrameBlock:
		return append(frameHeader(h.Frame, uint64(h.Channel), h.Tag, uint64(h.Length)), payload...)
	}
	return append(frameHeader(h.Frame, uint64(h.Channel), uint64(h.Index), uint64(h.Length)), payload...)
}

// FuzzWanter lets a wanter say anything to a server, which does what it is told.
func FuzzWanter(f *testing.F) {
	file := tiny(f)
	open := wire.Open{Channel: 1, Root: file.root}
	some := []wire.Range{{First: 1, Count: 3}, {First: 5, Count: 2}}
	f.Add(encoded(open, wire.GetManifest{Channel: 1, MaxBytes: 100}, wire.Request{Channel: 1, Leaves: some}))
	f.Add(encoded(open, wire.Request{Channel: 1, Leaves: some}, wire.Cancel{Channel: 1, Leaves: some[:1]}, wire.Close{Channel: 1}))
	f.Add(encoded(open, wire.RequestBlock{Channel: 1, Tag: 7, Block: file.root}, wire.CancelBlock{Channel: 1, Tag: 7}))
	f.Add(encoded(open, wire.Interested{Channel: 1}, wire.HaveLeaves{Channel: 1, Leaves: some}, wire.HaveBits{Channel: 1, Bits: []byte{255}},
		wire.Request{Channel: 1, Leaves: some}, wire.Cancel{Channel: 1, Leaves: some}, wire.NotInterested{Channel: 1}))
	f.Add(encoded(open, contactsOf("c", "/ip4/127.0.0.1/tcp/1"), wire.GetPeers{Channel: 1}, wire.Peers{Channel: 1}, wire.GetPeers{Channel: 1}))
	f.Add(encoded(open, wire.Complaint{Channel: 1, Leaf: 3}, wire.GetManifest{Channel: 1, From: 99}, open))
	f.Fuzz(func(t *testing.T, words []byte) {
		h := newHeld(file, true)
		sv := New(Config{Library: h}).server
		c := &client{
			sv: sv, control: &pipe{}, outbox: make(chan wire.Message, outboxSize), channels: make(map[uint32]*channel),
			work: make(chan struct{}, 1), pace: rate.NewLimiter(messageRate, messageBurst), account: newAccount(), unchoked: true,
		}
		defer c.closeChannels()
		in, out := wire.NewReader(bytes.NewReader(words)), new(pipe)
		asked := 0
		for {
			m, err := in.Next()
			if err != nil {
				break
			}
			if r, ok := m.(wire.Request); ok {
				asked += int(wire.Leaves(r.Leaves))
			} else {
				asked++
			}
			if c.handle(t.Context(), m) != nil {
				break
			}
			if o, ok := m.(wire.Open); ok { // which has no connection to see where the client is
				if ch := c.channel(o.Channel); ch != nil {
					ch.exchange = exchangeOf(file, c.send)
				}
			}
			if n := queuedItems(c); n != c.queued || n > maxQueued {
				t.Fatalf("%d in the queue, counted as %d", n, c.queued)
			}
		}
		for range asked {
			o, ok := c.next()
			if n := queuedItems(c); n != c.queued {
				t.Fatalf("%d in the queue, counted as %d", n, c.queued)
			}
			if !ok {
				break
			}
			if _, err := c.fulfil(t.Context(), out, o); err != nil {
				break
			}
		}
		if most := 1000 * (asked + 1); out.written > most {
			t.Errorf("%d bytes for %d requests", out.written, asked)
		}
	})
}

func queuedItems(c *client) (n int) {
	for i := range c.queue {
		n += c.queue[i].items()
	}
	return n
}
