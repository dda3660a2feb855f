package swarm

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/swarm/wire"
)

// A villain holds a file and speaks the wire by hand, so that it can break any rule. What it is not told to do
// in another way it does as a good holder would. Its functions run in the order of what it hears.
type villain struct {
	*file
	host host.Host

	opened    func(*talk)
	page      func(*talk, wire.GetManifest)
	leaf      func(t *talk, i int)
	byCID     func(*talk, wire.RequestBlock)
	complaint func(*talk, wire.Complaint)
	words     func(*talk, wire.Message) // about peers

	opens, pages, asked atomic.Int64
	began               atomic.Bool // a flood

	lock sync.Mutex
	data map[wire.SessionID]chan network.Stream
}

// A talk is a villain's end of one channel.
type talk struct {
	*villain
	channel uint32
	control *wire.Writer
	words   io.Writer // below control
	streams <-chan network.Stream
	stream  network.Stream
}

func newHost(t *testing.T) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// newVillain starts a villain; do says what it does wrong.
func newVillain(t *testing.T, f *file, do func(*villain)) *villain {
	t.Helper()
	v := &villain{file: f, host: newHost(t), data: make(map[wire.SessionID]chan network.Stream)}
	v.opened = func(t *talk) { t.open(wire.HaveAll) }
	v.page = func(t *talk, m wire.GetManifest) { t.sendPage(int(m.From), t.entries(int(m.From))) }
	v.leaf = func(t *talk, i int) { t.sendLeaf(i, t.block(i)) }
	v.byCID = func(t *talk, m wire.RequestBlock) { t.sendBlock(m.Tag, t.blocks[m.Block]) }
	v.complaint = func(*talk, wire.Complaint) {}
	v.words = func(*talk, wire.Message) {}
	do(v)
	v.host.SetStreamHandler(wire.Control, v.serve)
	v.host.SetStreamHandler(wire.Data, func(s network.Stream) {
		if id, err := readSession(s); err == nil {
			v.streams(id) <- s
		}
	})
	return v
}

func (v *villain) info() peer.AddrInfo { return peer.AddrInfo{ID: v.host.ID(), Addrs: v.host.Addrs()} }

func (v *villain) streams(id wire.SessionID) chan network.Stream {
	v.lock.Lock()
	defer v.lock.Unlock()
	if v.data[id] == nil {
		v.data[id] = make(chan network.Stream, 1)
	}
	return v.data[id]
}

// serve hears one wanter out, which has one channel.
func (v *villain) serve(s network.Stream) {
	defer s.Reset()
	in := wire.NewReader(s)
	m, err := in.Next()
	h, ok := m.(wire.Hello)
	if err != nil || !ok {
		return
	}
	t := &talk{villain: v, control: wire.NewWriter(s), words: s, streams: v.streams(h.Session)}
	t.say(hello(h.Session))
	for {
		m, err := in.Next()
		if err != nil {
			return
		}
		t.hear(m)
	}
}

func (t *talk) hear(m wire.Message) {
	switch m := m.(type) {
	case wire.Open:
		t.opens.Add(1)
		t.channel = m.Channel
		t.opened(t)
		t.say(wire.Unchoke{Channel: m.Channel})
	case wire.GetManifest:
		t.pages.Add(1)
		t.page(t, m)
	case wire.Request:
		for _, r := range m.Leaves {
			for i := r.First; i < r.First+r.Count; i++ {
				t.asked.Add(1)
				t.leaf(t, int(i))
			}
		}
	case wire.RequestBlock:
		t.asked.Add(1)
		t.byCID(t, m)
	case wire.Complaint:
		t.complaint(t, m)
	case wire.Peers, wire.GetPeers:
		t.villain.words(t, m)
	}
}

// say sends control messages, and tells whether the other still listens.
func (t *talk) say(m ...wire.Message) bool { return t.control.Write(m...) == nil }

// raw sends bytes where messages are expected.
func (t *talk) raw(b []byte) { t.words.Write(b) }

func (t *talk) open(have wire.Have) {
	t.say(wire.Opened{
		Channel: t.channel, Complete: true, Entries: uint32(t.m.Len()), Leaves: uint32(t.m.Leaves()), Digest: t.m.Digest(), Have: have,
	})
}

// suggest says which leaves it would rather send, and tells whether the other still listens.
func (t *talk) suggest(only bool, leaves ...wire.Range) bool {
	return t.say(wire.Suggest{Channel: t.channel, Only: only, Leaves: leaves})
}

// out returns the data stream.
func (t *talk) out() io.Writer {
	if t.stream == nil {
		t.stream = <-t.streams
	}
	return t.stream
}

// frame sends a payload with a header that may lie about its length.
func (t *talk) frame(header []byte, payload []byte) bool {
	_, err := t.out().Write(append(header, payload...))
	return err == nil
}

func frameHeader(f wire.Frame, fields ...uint64) []byte {
	h := []byte{byte(f)}
	for _, v := range fields {
		h = binary.AppendUvarint(h, v)
	}
	return h
}

func (t *talk) sendLeaf(i int, block []byte) bool {
	return t.frame(frameHeader(wire.FrameLeaf, uint64(t.channel), uint64(i), uint64(len(block))), block)
}

func (t *talk) sendBlock(tag uint64, block []byte) bool {
	return t.frame(frameHeader(wire.FrameBlock, uint64(t.channel), tag, uint64(len(block))), block)
}

func (t *talk) sendPage(from int, page []byte) bool {
	return t.frame(frameHeader(wire.FramePage, uint64(t.channel), uint64(from), 1, uint64(len(page))), page)
}

// block returns leaf i as it is.
func (f *file) block(i int) []byte { return f.blocks[f.m.Leaf(i).Cid] }

// entries returns all entries from one on, as in a page.
func (f *file) entries(from int) []byte {
	page, _, err := manifest.AppendPage(nil, f.m, from, 0, func(c cid.Cid) ([]byte, error) { return f.blocks[c], nil })
	if err != nil {
		panic(err)
	}
	return page
}

func leafEntry(size int) []byte { return binary.AppendUvarint([]byte{1}, uint64(size)) }

func innerEntry(block []byte) []byte {
	return append(binary.AppendUvarint([]byte{2}, uint64(len(block))), block...)
}

// bent returns a copy of a block that is not it.
func bent(block []byte) []byte {
	bad := append([]byte(nil), block...)
	bad[len(bad)/2] ^= 1
	return bad
}

// A wanter speaks the wire by hand from the other side.
type wanter struct {
	t       *testing.T
	host    host.Host
	session wire.SessionID
	control network.Stream
	data    network.Stream
	in      *wire.Reader
	out     *wire.Writer
	other   *file // whose blocks the server has, too
}

// patience bounds every wait of a wanter, so that a test that hangs says where.
const patience = 2 * time.Minute

// want connects to m and exchanges hellos; the data stream is opened too.
func want(t *testing.T, h host.Host, m *member, session byte) *wanter {
	t.Helper()
	if err := h.Connect(t.Context(), m.info()); err != nil {
		t.Fatal(err)
	}
	w := &wanter{t: t, host: h, session: wire.SessionID{session}}
	w.control = w.stream(m, wire.Control)
	w.in, w.out = wire.NewReader(w.control), wire.NewWriter(w.control)
	w.say(hello(w.session))
	if _, ok := w.hear().(wire.Hello); !ok {
		t.Fatal("no hello")
	}
	w.data = w.stream(m, wire.Data)
	if _, err := w.data.Write(w.session[:]); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *wanter) stream(m *member, proto string) network.Stream {
	w.t.Helper()
	s, err := w.host.NewStream(w.t.Context(), m.host.ID(), protocol.ID(proto))
	if err != nil {
		w.t.Fatal(err)
	}
	s.SetDeadline(time.Now().Add(patience))
	return s
}

// say sends messages and tells whether the other still listens.
func (w *wanter) say(m ...wire.Message) bool { return w.out.Write(m...) == nil }

// hear returns the next message, nil when the stream has ended.
func (w *wanter) hear() wire.Message {
	m, err := w.in.Next()
	if err != nil {
		return nil
	}
	return m
}

// answer returns the next message that comes because it was asked for.
func (w *wanter) answer() wire.Message {
	for {
		switch m := w.hear().(type) {
		case wire.Unchoke, wire.Peers:
		default:
			return m
		}
	}
}

// open opens channel on root and returns what the holder says to that.
func (w *wanter) open(channel uint32, root cid.Cid) wire.Message {
	w.say(wire.Open{Channel: channel, Root: root})
	return w.hear()
}

// ended waits until the other has cut this one off.
func (w *wanter) ended() {
	for {
		_, err := w.in.Next()
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			w.t.Error("it was not cut off in time")
		}
		if err != nil {
			return
		}
	}
}
