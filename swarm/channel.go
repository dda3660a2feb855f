package swarm

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/contentaddr/store"
	"github.com/seed4134be55/peer/swarm/wire"
)

const (
	// haveDelay gathers the leaves that a partial download gains, so that a thousand small files are
	// one message.
	haveDelay = 25 * time.Millisecond
	// A client may make files be read again this often.
	maxRechecks = 64
)

// A channel is one root that a client has open.
type channel struct {
	client  *client
	id      uint32
	content Content
	cancel  context.CancelFunc
	ended   chan struct{}
	offered bool             // the whole manifest; owned by start, then by follow
	inner   map[cid.Cid]bool // owned by the data writer; made when first needed

	exchange   *exchange // nil: not agreed on
	sharing    *sharing
	interested bool               // guarded by the client's lock
	held       *bitfield.Bitfield // what the client says it holds; nil: nothing. Guarded by the sharing's lock
	joined     bool               // it is suggested leaves; likewise
	out        gauge              // data sent of this root
}

func newChannel(c *client, id uint32, content Content) *channel {
	ch := &channel{client: c, id: id, content: content, ended: make(chan struct{})}
	if c.pex {
		ch.exchange = c.sv.members.newExchange(content.Manifest().Root(), c.id, c.control.Conn().RemoteMultiaddr(), id, c.send)
	}
	ch.out.begin(time.Now())
	ch.sharing = c.sv.share(ch)
	return ch
}

// start makes the offer and keeps it up to date until close.
func (ch *channel) start(ctx context.Context) {
	ctx, ch.cancel = context.WithCancel(ctx)
	changes, unsubscribe := ch.content.Changes()
	ch.offer()
	go func() {
		defer close(ch.ended)
		defer unsubscribe()
		ch.follow(ctx, changes)
	}()
}

func (ch *channel) close() {
	ch.cancel()
	<-ch.ended
	ch.exchange.close()
	ch.client.sv.unshare(ch)
}

// offer says what we know of the root and what we have of it.
func (ch *channel) offer() {
	m := ch.content.Manifest()
	o := wire.Opened{Channel: ch.id, Complete: m.Complete(), Entries: uint32(m.Len()), Leaves: uint32(m.Leaves()), Have: wire.HaveNone}
	var have *bitfield.Bitfield
	if o.Complete {
		o.Digest = m.Digest()
		have = ch.content.Have()
	}
	switch {
	case have == nil || have.Count() == 0:
	case have.Count() == m.Leaves():
		o.Have = wire.HaveAll
	default:
		o.Have = wire.HaveSome
	}
	ch.client.send(o)
	ch.offered = o.Complete
	if o.Have == wire.HaveSome {
		ch.sendBits(have)
	}
}

// sendBits says of every leaf whether we have it.
func (ch *channel) sendBits(have *bitfield.Bitfield) {
	bits := have.Bytes()
	for at := 0; at < len(bits); at += wire.MaxBits {
		ch.client.send(wire.HaveBits{Channel: ch.id, First: uint32(at * 8), Bits: bits[at:min(at+wire.MaxBits, len(bits))]})
	}
}

// follow tells the client of leaves that come and go, gathered over haveDelay; what is withdrawn is
// told at once.
func (ch *channel) follow(ctx context.Context, changes <-chan store.Change) {
	var gained []wire.Range
	var later <-chan time.Time
	for {
		select {
		case c, ok := <-changes:
			switch {
			case !ok:
				return
			case c.Lost && ch.offered:
				ch.sendBits(ch.content.Have())
			case c.Lost:
				ch.offer()
			case c.Withdrawn:
				ch.tell([]wire.Range{leavesOf(c)}, func(r []wire.Range) wire.Message { return wire.Withdrawn{Channel: ch.id, Leaves: r} })
			default:
				gained = append(gained, leavesOf(c))
				if later == nil {
					later = time.After(haveDelay)
				}
			}
		case <-later:
			ch.tell(coalesce(gained), func(r []wire.Range) wire.Message { return wire.HaveLeaves{Channel: ch.id, Leaves: r} })
			gained, later = nil, nil
		case <-ctx.Done():
			return
		}
	}
}

func leavesOf(c store.Change) wire.Range {
	return wire.Range{First: uint32(c.First), Count: uint32(c.Count)}
}

// isInner tells whether c is an inner node of the channel's root: a client that opened one root is not
// served nodes of another.
func (ch *channel) isInner(c cid.Cid) bool {
	m := ch.content.Manifest()
	if ch.inner == nil && m.Complete() {
		ch.inner = make(map[cid.Cid]bool)
		for i := range m.Len() {
			if e := m.Entry(i); !e.Leaf {
				ch.inner[e.Cid] = true
			}
		}
	}
	return ch.inner[c]
}

// coalesce sorts ranges and joins those that touch.
func coalesce(rs []wire.Range) []wire.Range {
	slices.SortFunc(rs, func(a, b wire.Range) int { return cmp.Compare(a.First, b.First) })
	out := rs[:0]
	for _, r := range rs {
		if n := len(out) - 1; n >= 0 && r.First <= out[n].First+out[n].Count {
			out[n].Count = max(out[n].Count, r.First+r.Count-out[n].First)
			continue
		}
		out = append(out, r)
	}
	return out
}

// tell sends ranges of leaves in as many messages as they need.
func (ch *channel) tell(rs []wire.Range, message func([]wire.Range) wire.Message) {
	for len(rs) > 0 {
		n := min(len(rs), wire.MaxHaveRanges)
		ch.client.send(message(rs[:n]))
		rs = rs[n:]
	}
}

// recheck answers a complaint.
func (ch *channel) recheck(ctx context.Context, leaf uint32) error {
	if int(leaf) >= ch.content.Manifest().Leaves() {
		return errors.New("complains of a leaf that does not exist")
	}
	ch.content.Recheck(ctx, int(leaf)) // a withdrawal reaches the client as a change
	return nil
}
