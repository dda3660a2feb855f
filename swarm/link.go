package swarm

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/swarm/wire"
)

const (
	// readAhead is small: a block's bytes go past it, straight into the block's buffer.
	readAhead = 4 << 10
	// readStep is how much of a block is read before its source counts as alive again.
	readStep = 128 << 10
	// strayBytes bounds the data that a holder may send unasked: what was under way when we cancelled. A frame
	// counts strayFrame more than it holds, or empty ones could come for ever; what was asked for pays for
	// strays of a quarter of its size, or a link that lives long would end.
	strayBytes, strayFrame = 96 << 20, 256
)

// errRule marks what only a peer does that breaks the protocol, beside wire.ErrMalformed: it is not dialled
// again for the same root.
var errRule = errors.New("breaks the protocol")

// brokeRule tells whether a source was lost by its own fault.
func brokeRule(err error) bool {
	return errors.Is(err, errRule) || errors.Is(err, wire.ErrMalformed)
}

// A link is our side of the two streams to one holder. All roots that we want of it share them. Three
// goroutines own it: the control reader, the control writer, the data reader.
type link struct {
	id      peer.ID
	control network.Stream
	data    network.Stream
	relayed bool
	rtt     time.Duration // of the hellos
	outbox  chan wire.Message
	ctx     context.Context // ends when the link is lost
	cancel  context.CancelFunc
	running sync.WaitGroup
	gate    *uplink
	buffers *buffers
	near    bool // on-link
	account *account
	words   *atomic.Int64 // bytes of control messages sent
	members *membership
	pex     bool // agreed on

	lock     sync.Mutex
	channels map[uint32]Receiver
	told     map[uint32]*exchange // by channel, where peer exchange was agreed on
	next     uint32
	lost     error
}

// dialLink opens both streams to a peer, which is connected, and exchanges hellos. Its account is closed with the link.
func (s *Swarm) dialLink(ctx context.Context, id peer.ID, account *account) (*link, error) {
	control, err := s.cfg.Host.NewStream(ctx, id, wire.Control)
	if err != nil {
		return nil, err
	}
	data, err := s.cfg.Host.NewStream(ctx, id, wire.Data)
	if err != nil {
		control.Reset()
		return nil, err
	}
	l := &link{
		id: id, control: control, data: data, relayed: control.Conn().Stat().Limited, near: s.near(control.Conn()),
		outbox: make(chan wire.Message, outboxSize), gate: s.downlink, buffers: s.buffers, words: &s.words,
		channels: make(map[uint32]Receiver), told: make(map[uint32]*exchange), members: s.members,
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	in := wire.NewReader(control)
	stop := context.AfterFunc(ctx, func() { control.Reset(); data.Reset() })
	defer stop()
	if err := l.greet(in); err != nil {
		control.Reset()
		data.Reset()
		return nil, fmt.Errorf("greet %s: %w", l.id, err)
	}
	l.account = account
	context.AfterFunc(l.ctx, func() { s.accounts.close(id) })
	l.running.Go(l.writeControl)
	l.running.Go(func() { l.fail(l.readControl(in)) })
	l.running.Go(func() { l.fail(l.readData()) })
	return l, nil
}

func (l *link) greet(in *wire.Reader) error {
	deadline := time.Now().Add(helloTimeout)
	l.control.SetDeadline(deadline)
	l.data.SetDeadline(deadline)
	var session wire.SessionID
	rand.Read(session[:])
	asked := time.Now()
	if err := wire.NewWriter(l.control).Write(hello(session)); err != nil {
		return err
	}
	m, err := in.Next()
	if err != nil {
		return err
	}
	l.rtt = time.Since(asked)
	h, ok := m.(wire.Hello)
	switch {
	case !ok:
		return fmt.Errorf("%w: it began with %T, not with hello", errRule, m)
	case h.Session != session:
		return fmt.Errorf("%w: its hello is for another session", errRule)
	}
	_, l.pex = h.Extension(wire.ExtensionPeers)
	if _, err := l.data.Write(session[:]); err != nil {
		return err
	}
	l.control.SetDeadline(time.Time{})
	l.data.SetDeadline(time.Time{})
	return nil
}

// hello is what we say first, in both roles.
func hello(session wire.SessionID) wire.Hello {
	return wire.Hello{
		Version: wire.Version, Session: session, MaxOpen: maxChannels, MaxRequest: maxQueued,
		MaxWindow: maxWindow, Extensions: []wire.Extension{{Name: wire.ExtensionPeers}}, Agent: "peer",
	}
}

// open asks for a channel on root.
func (l *link) open(root cid.Cid, r Receiver) (*linkChannel, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.lost != nil {
		return nil, l.lost
	}
	if len(l.channels) >= maxChannels {
		return nil, errors.New("too many roots open at one peer")
	}
	l.next++
	l.channels[l.next] = r
	if l.pex {
		l.told[l.next] = l.members.newExchange(root, l.id, l.control.Conn().RemoteMultiaddr(), l.next, l.send)
		l.told[l.next].open() // as far as hearing goes; the session tells once it is granted
	}
	l.send(wire.Open{Channel: l.next, Root: root})
	return &linkChannel{link: l, id: l.next, exchange: l.told[l.next]}, nil
}

// fail ends the link; every receiver hears of it once.
func (l *link) fail(err error) {
	l.lock.Lock()
	first := l.lost == nil
	if first {
		if err == nil {
			err = errors.New("closed")
		}
		l.lost = fmt.Errorf("peer %s: %w", l.id.ShortString(), err)
	}
	receivers, told := l.channels, l.told
	l.channels, l.told = nil, nil
	l.lock.Unlock()
	if !first {
		return
	}
	l.cancel()
	l.control.Reset()
	l.data.Reset()
	for _, x := range told {
		x.close()
	}
	for _, r := range receivers {
		r.Gone(l.lost)
	}
}

// close ends the link and waits for its goroutines.
func (l *link) close() {
	l.fail(nil)
	l.running.Wait()
}

// send queues a control message; a holder that does not read its messages is given up.
func (l *link) send(m wire.Message) {
	select {
	case l.outbox <- m:
	default:
		l.control.Reset() // its reader then ends the link
	}
}

func (l *link) writeControl() {
	out := wire.NewWriter(tally{l.control, l.words})
	for {
		select {
		case m := <-l.outbox:
			if err := out.Write(waiting(m, l.outbox)...); err != nil {
				l.fail(err)
				return
			}
		case <-l.ctx.Done():
			return
		}
	}
}

func (l *link) receiver(channel uint32) Receiver {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.channels[channel]
}

// forget takes a channel off the link.
func (l *link) forget(channel uint32) Receiver {
	l.lock.Lock()
	defer l.lock.Unlock()
	r := l.channels[channel]
	l.told[channel].close()
	delete(l.channels, channel)
	delete(l.told, channel)
	return r
}

// readControl hears the holder out, at a pace that leaves the sessions time for others.
func (l *link) readControl(in *wire.Reader) error {
	pace := rate.NewLimiter(messageRate, messageBurst)
	for {
		m, err := in.Next()
		if err != nil {
			return err
		}
		if err := pace.WaitN(l.ctx, effort(m)); err != nil {
			return err
		}
		l.handle(m)
	}
}

// leavesPerEffort is how many leaves a message may name for the price of a message: ten bytes can name all.
// suggestedPerEffort is the same of suggestions, each of which may have to be declined.
const leavesPerEffort, suggestedPerEffort = 4096, 256

// effort says for how many messages m counts.
func effort(m wire.Message) int {
	leaves := uint64(0)
	switch m := m.(type) {
	case wire.HaveBits:
		leaves = 8 * uint64(len(m.Bits))
	case wire.HaveLeaves:
		leaves = wire.Leaves(m.Leaves)
	case wire.Withdrawn:
		leaves = wire.Leaves(m.Leaves)
	case wire.Reject:
		leaves = wire.Leaves(m.Leaves)
	case wire.Suggest:
		leaves = wire.Leaves(m.Leaves) * (leavesPerEffort / suggestedPerEffort)
	case wire.Request:
		leaves = wire.Leaves(m.Leaves)
	case wire.Cancel:
		leaves = wire.Leaves(m.Leaves)
	}
	return int(min(1+leaves/leavesPerEffort, messageBurst))
}

// handle passes a control message on to the session that it is for. Messages for a channel that we have
// closed, and those that only a wanter sends, are dropped.
func (l *link) handle(m wire.Message) {
	switch m := m.(type) {
	case wire.Opened:
		l.tell(m.Channel, func(r Receiver) {
			r.Opened(Offer{Complete: m.Complete, Entries: int(m.Entries), Leaves: int(m.Leaves), Digest: m.Digest, Have: m.Have})
		})
	case wire.Refused:
		if r := l.forget(m.Channel); r != nil {
			r.Refused(refusal(m))
		}
	case wire.HaveBits:
		l.tell(m.Channel, func(r Receiver) { r.HasBits(int(m.First), m.Bits) })
	case wire.HaveLeaves:
		l.tell(m.Channel, func(r Receiver) { r.HasLeaves(m.Leaves) })
	case wire.Withdrawn:
		l.tell(m.Channel, func(r Receiver) { r.Withdrawn(m.Leaves) })
	case wire.Reject:
		l.tell(m.Channel, func(r Receiver) { r.Rejected(m.Leaves, m.Reason) })
	case wire.RejectBlock:
		if m.Tag < wire.MaxLeaves {
			l.tell(m.Channel, func(r Receiver) { r.Rejected([]wire.Range{{First: uint32(m.Tag), Count: 1}}, m.Reason) })
		}
	case wire.Suggest:
		l.tell(m.Channel, func(r Receiver) { r.Suggested(m.Leaves, m.Only) })
	case wire.Peers:
		l.onPeers(m)
	case wire.Choke:
		l.tell(m.Channel, func(r Receiver) { r.Choked(true) })
	case wire.Unchoke:
		l.tell(m.Channel, func(r Receiver) { r.Choked(false) })
	}
}

// onPeers passes on what the holder says of others; one that says too much is lost.
func (l *link) onPeers(m wire.Peers) {
	l.lock.Lock()
	x := l.told[m.Channel]
	l.lock.Unlock()
	added, dropped, err := x.hear(time.Now(), m)
	if err != nil {
		l.fail(fmt.Errorf("%w: %w", errRule, err))
		return
	}
	l.tell(m.Channel, func(r Receiver) { r.Peers(added, dropped) })
}

func (l *link) tell(channel uint32, what func(Receiver)) {
	if r := l.receiver(channel); r != nil {
		what(r)
	}
}

func refusal(m wire.Refused) error {
	switch m.Reason {
	case wire.RefusedProof:
		return fault.New(fault.Refused, "the peer refuses")
	case wire.RefusedTooMany:
		return errors.New("the peer has too many roots open")
	case wire.RefusedStopping:
		return errors.New("the peer is stopping")
	}
	return fault.New(fault.NotFound, "the peer does not have it")
}

// readData reads frames and hands their payload to the sessions. What nobody asked for is discarded, within
// strayBytes: a request may have been cancelled while its answer was under way.
func (l *link) readData() error {
	br := bufio.NewReaderSize(l.data, readAhead)
	stray := 0
	for {
		h, err := wire.ReadHeader(br)
		if err != nil {
			return err
		}
		passed, err := l.gate.wait(l.ctx, l.id, h.Length, 1, l.near)
		if err != nil {
			return err
		}
		passed(h.Length)
		l.account.received(h.Length)
		r := l.receiver(h.Channel)
		taken := false
		switch {
		case r == nil:
		case h.Frame == wire.FramePage:
			taken, err = l.readPage(br, h, r)
		case h.Frame == wire.FrameBlock && h.Tag >= wire.MaxLeaves:
		case h.Frame == wire.FrameBlock:
			taken, err = l.readBlock(br, h, r, int(h.Tag))
		default:
			taken, err = l.readBlock(br, h, r, int(h.Index))
		}
		if err != nil {
			return err
		}
		if taken {
			stray = max(0, stray-h.Length/4)
			continue
		}
		if stray += h.Length + strayFrame; stray > strayBytes {
			return fmt.Errorf("%w: it sends data that was not asked for", errRule)
		}
		if _, err := br.Discard(h.Length); err != nil {
			return err
		}
	}
}

// readPage reads a manifest page if it was asked for.
func (l *link) readPage(br *bufio.Reader, h wire.Header, r Receiver) (bool, error) {
	if !r.ExpectPage(int(h.Index)) {
		return false, nil
	}
	page := make([]byte, 0, min(h.Length, readStep))
	for len(page) < h.Length {
		n := min(h.Length-len(page), readStep)
		page = append(page, make([]byte, n)...)
		if _, err := io.ReadFull(br, page[len(page)-n:]); err != nil {
			return false, err
		}
		r.Alive(n)
	}
	r.Page(int(h.Index), page)
	return true, nil
}

// readBlock reads a block into a buffer of its own if it was asked for.
func (l *link) readBlock(br *bufio.Reader, h wire.Header, r Receiver, i int) (bool, error) {
	size, ok := r.Expect(i)
	if !ok {
		return false, nil
	}
	if size != h.Length && h.Frame == wire.FrameLeaf {
		return false, fmt.Errorf("%w: it sent leaf %d with %d bytes, not %d", errRule, i, h.Length, size)
	}
	b := l.buffers.get(h.Length)
	for at := 0; at < h.Length; {
		n, err := io.ReadFull(br, b.block[at:min(at+readStep, h.Length)])
		if err != nil {
			l.buffers.put(b)
			return false, err
		}
		at += n
		r.Alive(n)
	}
	r.Block(i, b)
	return true, nil
}

// A linkChannel is a link's channel as the Source of one session.
type linkChannel struct {
	link     *link
	id       uint32
	exchange *exchange
}

// GetManifest implements Source.
func (c *linkChannel) GetManifest(from, maxBytes int) {
	c.link.send(wire.GetManifest{Channel: c.id, From: uint32(from), MaxBytes: uint32(maxBytes)})
}

// Request implements Source.
func (c *linkChannel) Request(leaves []wire.Range) {
	for len(leaves) > 0 {
		n := min(len(leaves), wire.MaxRanges)
		c.link.send(wire.Request{Channel: c.id, Leaves: leaves[:n]})
		leaves = leaves[n:]
	}
}

// RequestBlock implements Source.
func (c *linkChannel) RequestBlock(i int, block cid.Cid) {
	c.link.send(wire.RequestBlock{Channel: c.id, Tag: uint64(i), Block: block})
}

// Cancel implements Source.
func (c *linkChannel) Cancel(leaves []wire.Range) {
	for len(leaves) > 0 {
		n := min(len(leaves), wire.MaxRanges)
		c.link.send(wire.Cancel{Channel: c.id, Leaves: leaves[:n]})
		leaves = leaves[n:]
	}
}

// CancelBlock implements Source.
func (c *linkChannel) CancelBlock(i int) {
	c.link.send(wire.CancelBlock{Channel: c.id, Tag: uint64(i)})
}

// Complain implements Source.
func (c *linkChannel) Complain(i int) {
	c.link.send(wire.Complaint{Channel: c.id, Leaf: uint32(i)})
}

// Holds implements Source.
func (c *linkChannel) Holds(leaves []wire.Range) {
	for len(leaves) > 0 {
		n := min(len(leaves), wire.MaxHaveRanges)
		c.link.send(wire.HaveLeaves{Channel: c.id, Leaves: leaves[:n]})
		leaves = leaves[n:]
	}
}

// HoldsBits implements Source.
func (c *linkChannel) HoldsBits(bits []byte) {
	for at := 0; at < len(bits); at += wire.MaxBits {
		part := bytes.Clone(bits[at:min(at+wire.MaxBits, len(bits))])
		c.link.send(wire.HaveBits{Channel: c.id, First: uint32(at * 8), Bits: part})
	}
}

// Interested implements Source.
func (c *linkChannel) Interested(yes bool) {
	if yes {
		c.link.send(wire.Interested{Channel: c.id})
	} else {
		c.link.send(wire.NotInterested{Channel: c.id})
	}
}

// Owes implements Source.
func (c *linkChannel) Owes(yes bool) { c.link.account.owe(c, yes) }

// RTT implements Source.
func (c *linkChannel) RTT() time.Duration { return c.link.rtt }

// Exchange implements Source.
func (c *linkChannel) Exchange() *exchange { return c.exchange }

// Near implements Source.
func (c *linkChannel) Near() bool { return c.link.near }

// Relayed implements Source.
func (c *linkChannel) Relayed() bool { return c.link.relayed }

// Close implements Source. The last channel takes the link with it.
func (c *linkChannel) Close() {
	c.link.account.owe(c, false)
	if c.link.forget(c.id) == nil {
		return
	}
	c.link.send(wire.Close{Channel: c.id})
	c.link.lock.Lock()
	idle := len(c.link.channels) == 0
	c.link.lock.Unlock()
	if idle {
		c.link.fail(errors.New("no longer needed"))
	}
}
