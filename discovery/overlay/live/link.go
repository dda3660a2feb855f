package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery/overlay"
)

const (
	maxBacklog     = 64 // what waits for one link to open
	maxLinks       = 1024
	maxDials       = 16 // at once; more wait, and questions run out meanwhile
	openTimeout    = 10 * time.Second
	helloTimeout   = 5 * time.Second
	idleFor        = 2 * time.Minute // before a link is closed
	maxUnanswered  = 1024            // questions on one stream that never were: then it is given up
	maxUnsolicited = 64              // answers on one stream that nobody asked for
)

// A link is the stream by which this peer speaks to another, and what waits for it to open. Others answer on it; what they
// ask they ask on a link of theirs.
type link struct {
	peer    peer.ID
	wire    *wire // nil until it is open
	backlog []*outgoing
	used    time.Time
}

// An outgoing is a tell, an ask or a ping on its way.
type outgoing struct {
	node   int
	kind   frameKind
	number uint64 // of an ask or a ping
	to     overlay.Ref
	msg    overlay.Message
}

// send sends o, opening a link first if there is none.
func (l *loop) send(o *outgoing) {
	n := l.book.nodes[o.to.Handle]
	switch {
	case n == nil:
		l.log.Error("a node that was not held is spoken to", slog.String("mode", l.overlay.Name), slog.String("node", o.to.String()))
		l.fail(o)
		return
	case n.peer == l.book.self:
		l.sendToSelf(o, int(n.virtual))
		return
	}
	if q := l.asks[o.number]; q != nil {
		q.peer = n.peer
	}
	k := l.links[n.peer]
	if k == nil {
		if k = l.open(n.peer); k == nil {
			l.fail(o)
			return
		}
	}
	k.used = time.Now()
	switch {
	case k.wire != nil:
		l.write(k, o)
	case len(k.backlog) < maxBacklog:
		k.backlog = append(k.backlog, o)
	default:
		l.fail(o)
	}
}

// fail tells a machine that o did not get through.
func (l *loop) fail(o *outgoing) {
	if o.number != 0 {
		l.giveUp(o.number)
	} else {
		l.tell(o.node, overlay.Unreachable{Node: o.to})
	}
}

// sendToSelf gives o to a machine of this peer.
func (l *loop) sendToSelf(o *outgoing, node int) {
	ev := overlay.Received{From: l.selves[o.node], Msg: o.msg}
	if q := l.asks[o.number]; q != nil {
		q.sent = time.Now()
		if q.probe {
			l.settle(o.number)
			l.tell(o.node, overlay.RoundTrip{Node: o.to})
			return
		}
		ev.Reply = l.expectReply(reply{nil, o.number, time.Now()})
	}
	l.tell(node, ev)
}

// write hands o to the link's stream.
func (l *loop) write(k *link, o *outgoing) {
	n := l.book.nodes[o.to.Handle]
	if n == nil || o.number != 0 && l.asks[o.number] == nil {
		return // given up meanwhile
	}
	f := frame{kind: o.kind, number: o.number, from: uint8(o.node), to: n.virtual}
	if o.msg != nil {
		if f.body = l.encode(k.wire, o.msg); f.body == nil {
			l.fail(o)
			return
		}
	}
	if q := l.asks[o.number]; q != nil {
		q.wire, q.sent = k.wire, time.Now()
		k.wire.expect(o.number)
	}
	if !k.wire.push(f.append(nil)) {
		l.fail(o)
		return
	}
	if o.msg != nil {
		l.counted.sent(len(f.body))
	}
}

// open begins to open a link, or returns nil if it is not to be.
func (l *loop) open(id peer.ID) *link {
	_, refused := l.refused[id]
	if refused || l.gate.ignores(id) || len(l.links) >= maxLinks {
		return nil
	}
	k := &link{peer: id}
	places := l.book.places(id)
	started := l.work.start(func(ctx context.Context) {
		w, err := l.dial(ctx, places)
		if !l.post(context.Background(), func() { l.opened(k, w, err) }) && w != nil {
			w.kill()
		}
	})
	if !started {
		return nil
	}
	l.links[id] = k
	return k
}

// opening reports whether a link is not open yet.
func (l *loop) opening() bool {
	for _, k := range l.links {
		if k.wire == nil {
			return true
		}
	}
	return false
}

// dial opens a stream and exchanges hellos. Words are welcome over a relay's limited connection too.
func (l *loop) dial(ctx context.Context, to peer.AddrInfo) (*wire, error) {
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "overlay"), openTimeout)
	defer cancel()
	if err := l.connect(ctx, to); err != nil {
		return nil, err
	}
	s, err := l.host.NewStream(ctx, to.ID, l.protocol)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	w := newWire(s)
	if err := l.greet(w); err != nil {
		_ = s.Reset()
		return nil, err
	}
	return w, nil
}

// connect takes one of few turns, unless there is a connection.
func (l *loop) connect(ctx context.Context, to peer.AddrInfo) error {
	if c := l.host.Network().Connectedness(to.ID); c == network.Connected || c == network.Limited {
		return nil
	}
	select {
	case l.dials <- struct{}{}:
		defer func() { <-l.dials }()
		return l.host.Connect(ctx, to)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// greet says hello first and compares the answer.
func (l *loop) greet(w *wire) error {
	_ = w.stream.SetDeadline(time.Now().Add(helloTimeout))
	if _, err := w.stream.Write(l.hello); err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	if err := readHello(w.in, l.overlay.Name, l.params); err != nil {
		return err
	}
	return w.stream.SetDeadline(time.Time{})
}

// opened takes an open link, or why it is not.
func (l *loop) opened(k *link, w *wire, err error) {
	backlog := k.backlog
	k.backlog = nil
	if err == nil {
		l.follow(k, w)
		for _, o := range backlog {
			l.write(k, o)
		}
		return
	}
	delete(l.links, k.peer)
	l.refuse(k.peer, err)
	l.blame(k.peer, err)
	l.log.Debug("no link", slog.String("mode", l.overlay.Name), slog.String("peer", k.peer.String()), slog.Any("error", err))
	for _, o := range backlog {
		l.fail(o)
	}
}

// follow reads and writes the stream of a link that is open.
func (l *loop) follow(k *link, w *wire) {
	k.wire = w
	l.book.prove(k.peer)
	l.host.ConnManager().TagPeer(k.peer, string(l.protocol), tagValue)
	l.startWriting(w)
	read := l.work.start(func(ctx context.Context) {
		stop := context.AfterFunc(ctx, w.kill)
		defer stop()
		err := l.readAnswers(ctx, w)
		w.kill()
		l.post(context.Background(), func() { l.broken(k, err) })
	})
	if !read {
		w.kill()
	}
}

func (l *loop) startWriting(w *wire) {
	if !l.work.start(func(context.Context) { w.write() }) {
		close(w.done)
		w.kill()
	}
}

// tagValue is what a peer that is spoken to is worth to the connection manager, among those that are of no use to anybody.
const tagValue = 5

// readAnswers reads what comes on a link: answers, and only those that are waited for.
func (l *loop) readAnswers(ctx context.Context, w *wire) error {
	for unsolicited := 0; ; {
		f, err := l.next(ctx, w)
		if err != nil {
			return err
		}
		if f.kind != frameAnswer && f.kind != framePong {
			return malformed("a frame of kind %d among answers", f.kind)
		}
		at := time.Now()
		if !w.expected(f.number) {
			if unsolicited++; unsolicited > maxUnsolicited {
				return malformed("answers that nobody asked for")
			}
			continue
		}
		if err := l.check(f); err != nil {
			return err
		}
		if !l.post(ctx, func() { l.answered(w, f, at) }) {
			return ctx.Err()
		}
	}
}

// next reads one frame, when the sender may send one.
func (l *loop) next(ctx context.Context, w *wire) (frame, error) {
	f, err := readFrame(w.in)
	if err != nil {
		return frame{}, err
	}
	return f, l.gate.wait(ctx, w.peer)
}

// check reports whether the message of a frame is well-formed and its signatures are good.
func (l *loop) check(f frame) error {
	if f.kind == framePong {
		return nil
	}
	_, err := overlay.Decode(f.body, l.overlay.NewMessage, l.checker)
	return err
}

// broken takes the end of a link's stream. What was asked on it is asked once more on another: the peer may only have
// closed what was idle.
func (l *loop) broken(k *link, err error) {
	if l.links[k.peer] != k {
		return // closed by us
	}
	l.unlink(k)
	l.blame(k.peer, err)
	for number, q := range l.asks {
		if q.wire != k.wire {
			continue
		}
		if q.again || l.gate.ignores(k.peer) || l.stopping {
			l.giveUp(number)
			continue
		}
		q.again, q.wire = true, nil
		l.send(q.out)
	}
}

func (l *loop) unlink(k *link) {
	delete(l.links, k.peer)
	l.host.ConnManager().UntagPeer(k.peer, string(l.protocol))
}

// blame has a peer ignored if an error is of its making.
func (l *loop) blame(id peer.ID, err error) {
	if errors.Is(err, overlay.ErrMalformed) {
		l.gate.ignore(id)
		l.log.Warn("peer ignored", slog.String("mode", l.overlay.Name), slog.String("peer", id.String()), slog.Any("error", err))
	}
}

// part closes all links once what is on its way is written.
func (l *loop) part() {
	patience := time.After(parting)
	for _, k := range l.links {
		if k.wire != nil {
			k.wire.part(patience)
		}
		l.unlink(k)
	}
}

// closeIdle closes links that were not used for a while, and those whose peer leaves too much unanswered.
func (l *loop) closeIdle(now time.Time) {
	for _, k := range l.links {
		if k.wire == nil {
			continue
		}
		if now.Sub(k.used) > idleFor || k.wire.unanswered() > maxUnanswered {
			l.unlink(k)
			k.wire.finish()
			_ = k.wire.stream.CloseRead()
		}
	}
}
