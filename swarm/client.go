package swarm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/swarm/choker"
	"github.com/seed4134be55/peer/swarm/wire"
)

const (
	// outboxSize bounds the control messages queued for a peer; one that lets them pile up is cut off.
	outboxSize = 1024
	// A client may send messages at this rate, after a burst: far above what any download needs.
	messageRate, messageBurst = 2000, 8000
	// dataTimeout cuts off a client that takes no data for so long.
	dataTimeout = 60 * time.Second
	// helloTimeout bounds the wait for a hello and for the data stream.
	helloTimeout = 20 * time.Second
)

// A client is one peer that downloads from us: its control stream, its data stream and what it asked for.
// The control reader runs serve; one goroutine writes control messages and one writes data.
type client struct {
	sv       *server
	id       peer.ID
	control  network.Stream
	session  wire.SessionID
	outbox   chan wire.Message
	data     chan network.Stream // the data stream, once
	attached bool                // it has come; guarded by the server's lock
	relayed  bool
	pex      bool          // peer exchange was agreed on
	near     bool          // on-link
	num      choker.PeerID // and who comes first has the lower
	since    time.Time     // it was greeted
	account  *account
	share    atomic.Uint64 // of the uplink beside others': a float64's bits; 0: not decided

	// Owned by the control reader.
	pace     *rate.Limiter
	rechecks int

	lock     sync.Mutex
	unchoked bool
	wanted   time.Time // when it last wanted something; see idle
	channels map[uint32]*channel
	queue    []order
	queued   int           // leaves and blocks in queue
	busy     bool          // something that was is being sent
	work     chan struct{} // capacity 1: the queue is not empty
}

// An order is something to send on the data stream.
type order struct {
	ch    *channel
	kind  orderKind
	first uint32 // leaf, or manifest entry
	count uint32 // leaves, or bytes of manifest
	tag   uint64
	cid   cid.Cid
}

type orderKind uint8

const (
	orderLeaves orderKind = iota
	orderBlock
	orderPage
)

// newClient fails when as many peers are connected as may be.
func newClient(sv *server, s network.Stream) (*client, error) {
	id := s.Conn().RemotePeer()
	account, err := sv.accounts.open(id, sv.accounts.incoming())
	if err != nil {
		return nil, err
	}
	return &client{
		sv: sv, id: id, control: s, relayed: s.Conn().Stat().Limited, near: sv.near(s.Conn()), account: account,
		outbox: make(chan wire.Message, outboxSize), data: make(chan network.Stream, 1),
		channels: make(map[uint32]*channel), work: make(chan struct{}, 1),
		pace: rate.NewLimiter(messageRate, messageBurst),
	}, nil
}

// serve runs the client until its control stream ends, it breaks a rule, or ctx ends.
func (c *client) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer c.sv.accounts.close(c.id)
	defer c.control.Reset()
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() { c.control.Reset() })
	defer stop()

	in := wire.NewReader(c.control)
	if err := c.greet(in); err != nil {
		return err
	}
	defer c.sv.rechoke(true)
	defer c.sv.release(c)
	running.Go(func() { cancel(c.writeControl(ctx)) })
	running.Go(func() { cancel(c.writeData(ctx)) })
	defer c.closeChannels()
	c.sv.rechoke(true)
	for {
		m, err := in.Next()
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if !c.pace.AllowN(time.Now(), c.effort(m)) {
			return errors.New("floods us with messages")
		}
		if err := c.handle(ctx, m); err != nil {
			return err
		}
	}
}

// greet exchanges hellos.
func (c *client) greet(in *wire.Reader) error {
	c.control.SetReadDeadline(time.Now().Add(helloTimeout))
	m, err := in.Next()
	if err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	h, ok := m.(wire.Hello)
	if !ok {
		return fmt.Errorf("began with %T, not a hello", m)
	}
	c.control.SetReadDeadline(time.Time{})
	c.session = h.Session
	_, c.pex = h.Extension(wire.ExtensionPeers)
	if err := c.sv.admit(c); err != nil {
		return err
	}
	c.send(hello(h.Session))
	return nil
}

// send queues a control message; a peer that does not read its messages is cut off.
func (c *client) send(m wire.Message) {
	select {
	case c.outbox <- m:
	default:
		c.control.Reset()
	}
}

func (c *client) writeControl(ctx context.Context) error {
	out := wire.NewWriter(tally{c.control, c.sv.words})
	for {
		select {
		case m := <-c.outbox:
			if err := out.Write(waiting(m, c.outbox)...); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// waiting returns m and the messages that wait behind it, to leave in one write.
func waiting(m wire.Message, queue <-chan wire.Message) []wire.Message {
	out := []wire.Message{m}
	for range min(len(queue), 64) {
		out = append(out, <-queue)
	}
	return out
}

// What a message may cost for its price: ordersPerEffort orders may be looked through, and to open a root, which
// asks the library and follows what it holds, or to tell of peers counts as openEffort messages. A client has its burst for every
// channel that it may have open, four times over.
const ordersPerEffort, openEffort = 64, 8

// effort says for how many messages m counts: to cancel is to look through the whole queue.
func (c *client) effort(m wire.Message) int {
	switch m.(type) {
	case wire.Open, wire.Peers:
		return openEffort
	case wire.Cancel, wire.CancelBlock:
		c.lock.Lock()
		defer c.lock.Unlock()
		return effort(m) + len(c.queue)/ordersPerEffort
	}
	return effort(m)
}

// handle obeys one message.
func (c *client) handle(ctx context.Context, m wire.Message) error {
	switch m := m.(type) {
	case wire.Open:
		return c.onOpen(ctx, m)
	case wire.Close:
		c.onClose(m)
	case wire.GetManifest:
		return c.order(m.Channel, order{kind: orderPage, first: m.From, count: m.MaxBytes})
	case wire.Request:
		return c.onRequest(m)
	case wire.RequestBlock:
		return c.order(m.Channel, order{kind: orderBlock, tag: m.Tag, cid: m.Block})
	case wire.Cancel:
		c.cancel(m.Channel, m.Leaves)
		if ch := c.channel(m.Channel); ch != nil {
			ch.sharing.cancelled(ch, m.Leaves)
		}
	case wire.CancelBlock:
		c.cancelBlock(m)
	case wire.Complaint:
		return c.onComplaint(ctx, m)
	case wire.Peers:
		return c.onPeers(m)
	case wire.GetPeers:
		return c.onGetPeers(m)
	case wire.Interested:
		c.onInterest(m.Channel, true)
	case wire.NotInterested:
		c.onInterest(m.Channel, false)
	case wire.HaveBits:
		return c.onHolds(m.Channel, func(ch *channel) error { return ch.holdsBits(int(m.First), m.Bits) })
	case wire.HaveLeaves:
		return c.onHolds(m.Channel, func(ch *channel) error { return ch.holds(m.Leaves) })
	}
	return nil // what only a holder sends means nothing here
}

func (c *client) onOpen(ctx context.Context, m wire.Open) error {
	c.lock.Lock()
	_, twice := c.channels[m.Channel]
	n := len(c.channels)
	c.lock.Unlock()
	switch {
	case twice:
		return fmt.Errorf("opened channel %d twice", m.Channel)
	case n >= maxChannels:
		c.send(wire.Refused{Channel: m.Channel, Reason: wire.RefusedTooMany, Text: "too many roots open"})
		return nil
	}
	content, err := c.sv.lib.Open(ctx, m.Root, c.id, m.Proof)
	if err != nil {
		reason := wire.RefusedRoot
		if fault.KindOf(err) == fault.Refused {
			reason = wire.RefusedProof
		}
		c.send(wire.Refused{Channel: m.Channel, Reason: reason})
		return nil
	}
	ch := newChannel(c, m.Channel, content)
	c.lock.Lock()
	c.channels[m.Channel] = ch
	unchoked := c.unchoked
	c.lock.Unlock()
	ch.start(ctx)
	if unchoked {
		c.send(wire.Unchoke{Channel: ch.id})
	}
	c.sv.members.met(m.Root, c.id)
	ch.exchange.open()
	ch.exchange.tell(time.Now(), func() []peer.AddrInfo { return c.sv.members.roster(m.Root) })
	return nil
}

// onRequest queues leaves to send, but for those that are another's first.
func (c *client) onRequest(m wire.Request) error {
	ch := c.channel(m.Channel)
	if ch == nil {
		return nil // closed or refused meanwhile
	}
	c.lock.Lock()
	choked := !c.unchoked
	c.lock.Unlock()
	if choked {
		c.send(wire.Reject{Channel: m.Channel, Leaves: m.Leaves, Reason: wire.RejectedChoked})
		return nil
	}
	leaves, elsewhere := ch.sharing.asked(ch, m.Leaves)
	if len(elsewhere) > 0 {
		c.send(wire.Reject{Channel: m.Channel, Leaves: elsewhere, Reason: wire.RejectedElsewhere})
	}
	for _, r := range leaves {
		if err := c.order(m.Channel, order{kind: orderLeaves, first: r.First, count: r.Count}); err != nil {
			return err
		}
	}
	return nil
}

// onInterest notes whether the client would ask for leaves of a root.
func (c *client) onInterest(id uint32, yes bool) {
	ch := c.channel(id)
	if ch == nil {
		return
	}
	c.lock.Lock()
	same := ch.interested == yes
	ch.interested, c.wanted = yes, time.Now()
	c.lock.Unlock()
	if same {
		return
	}
	if yes {
		ch.sharing.join(ch)
	}
	c.sv.rechoke(true)
}

// onHolds takes in what the client holds of a root.
func (c *client) onHolds(id uint32, take func(*channel) error) error {
	if ch := c.channel(id); ch != nil {
		return take(ch)
	}
	return nil
}

// choke tells the client whether it is served. What it has asked for is rejected when it no longer is.
func (c *client) choke(yes bool) {
	c.lock.Lock()
	c.unchoked = !yes
	channels := slices.Collect(maps.Values(c.channels))
	var rejected []order
	if yes {
		c.drop(func(o *order) bool {
			if o.kind == orderLeaves {
				rejected = append(rejected, *o)
			}
			return o.kind == orderLeaves
		})
	}
	c.lock.Unlock()
	for _, ch := range channels {
		if yes {
			c.send(wire.Choke{Channel: ch.id})
		} else {
			c.send(wire.Unchoke{Channel: ch.id})
		}
		ch.sharing.turn()
	}
	for _, o := range rejected {
		r := []wire.Range{{First: o.first, Count: o.count}}
		o.ch.sharing.rejected(o.ch, r)
		c.send(wire.Reject{Channel: o.ch.id, Leaves: r, Reason: wire.RejectedChoked})
	}
}

func (c *client) onClose(m wire.Close) {
	c.lock.Lock()
	ch := c.channels[m.Channel]
	delete(c.channels, m.Channel)
	c.drop(func(o *order) bool { return o.ch == ch })
	c.lock.Unlock()
	if ch != nil {
		ch.close()
	}
}

// onComplaint reads a leaf again. An honest complaint is rare, so a client that keeps complaining is making us read
// files for nothing and is cut off.
func (c *client) onComplaint(ctx context.Context, m wire.Complaint) error {
	ch := c.channel(m.Channel)
	if ch == nil {
		return nil
	}
	if c.rechecks++; c.rechecks > maxRechecks {
		return errors.New("complains too often")
	}
	return ch.recheck(ctx, m.Leaf)
}

func (c *client) channel(id uint32) *channel {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.channels[id]
}

// order queues something to send, within the client's bounds.
func (c *client) order(id uint32, o order) error {
	c.lock.Lock()
	defer c.lock.Unlock()
	if o.ch = c.channels[id]; o.ch == nil {
		return nil // closed or refused meanwhile
	}
	n := o.items()
	if n > maxQueued-c.queued {
		return fmt.Errorf("asks for more than %d leaves at once", maxQueued)
	}
	c.queued += n
	c.queue = append(c.queue, o)
	c.wanted = time.Now()
	c.wake()
	return nil
}

// idle returns for how long the client has wanted nothing: it is interested in no root and has asked for nothing.
func (c *client) idle(now time.Time) time.Duration {
	c.lock.Lock()
	defer c.lock.Unlock()
	for _, ch := range c.channels {
		if ch.interested {
			return 0
		}
	}
	if len(c.queue) > 0 {
		return 0
	}
	return now.Sub(c.wanted)
}

func (o *order) items() int {
	if o.kind == orderLeaves {
		return int(o.count)
	}
	return 1
}

func (c *client) wake() {
	select {
	case c.work <- struct{}{}:
	default:
	}
}

// ahead returns about how many bytes what stands first in the queue has, and whether there is anything.
func (c *client) ahead() (int, bool) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.busy = false
	if len(c.queue) == 0 {
		return 0, false
	}
	o := c.queue[0]
	m := o.ch.content.Manifest()
	switch {
	case o.kind == orderLeaves && int(o.first) < m.Leaves():
		return int(m.Leaf(int(o.first)).Size), true
	case o.kind == orderPage:
		return int(min(o.count, maxPage)), true
	}
	return contentaddr.MaxBlock, true
}

// next takes the next single leaf, block or page off the queue.
func (c *client) next() (order, bool) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if len(c.queue) == 0 {
		return order{}, false
	}
	o := c.queue[0]
	c.busy = true
	c.queued--
	if o.kind == orderLeaves && o.count > 1 {
		c.queue[0].first++
		c.queue[0].count--
		o.count = 1
		return o, true
	}
	c.queue[0] = order{}
	c.queue = c.queue[1:]
	return o, true
}

// drop takes the orders that match off the queue; the lock is held.
func (c *client) drop(match func(*order) bool) {
	kept := c.queue[:0]
	for i := range c.queue {
		if o := &c.queue[i]; match(o) {
			c.queued -= o.items()
		} else {
			kept = append(kept, *o)
		}
	}
	clear(c.queue[len(kept):])
	c.queue = kept
}

// cancel takes ranges of leaves of a channel off the queue.
func (c *client) cancel(id uint32, ranges []wire.Range) {
	c.lock.Lock()
	defer c.lock.Unlock()
	ch := c.channels[id]
	cut := coalesce(slices.Clone(ranges))
	var kept []order
	for _, o := range c.queue {
		if o.ch != ch || o.kind != orderLeaves {
			kept = append(kept, o)
			continue
		}
		c.queued -= int(o.count)
		for _, rest := range without(wire.Range{First: o.first, Count: o.count}, cut) {
			c.queued += int(rest.Count)
			o.first, o.count = rest.First, rest.Count
			kept = append(kept, o)
		}
	}
	c.queue = kept
}

func (c *client) cancelBlock(m wire.CancelBlock) {
	c.lock.Lock()
	defer c.lock.Unlock()
	ch := c.channels[m.Channel]
	c.drop(func(o *order) bool { return o.ch == ch && o.kind == orderBlock && o.tag == m.Tag })
}

// without returns what is left of r when cut, which is sorted and whose ranges do not touch, is taken out.
func without(r wire.Range, cut []wire.Range) []wire.Range {
	at := sort.Search(len(cut), func(i int) bool { return cut[i].First+cut[i].Count > r.First })
	var left []wire.Range
	next, end := r.First, r.First+r.Count
	for ; at < len(cut) && cut[at].First < end; at++ {
		if cut[at].First > next {
			left = append(left, wire.Range{First: next, Count: cut[at].First - next})
		}
		next = cut[at].First + cut[at].Count
	}
	if next < end {
		left = append(left, wire.Range{First: next, Count: end - next})
	}
	return left
}

func (c *client) closeChannels() {
	c.lock.Lock()
	open := c.channels
	c.channels = nil
	c.lock.Unlock()
	for _, ch := range open {
		ch.close()
	}
}
