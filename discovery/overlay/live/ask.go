package live

import (
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery/overlay"
)

const (
	replyWithin  = time.Minute // to a question of others; who asked has long given up
	openPerWire  = 128         // questions of one stream that are being answered
	probeTimeout = 5 * time.Second
)

// An ask is a question of a machine of ours that waits for its answer, or a probe.
type ask struct {
	node  int
	to    overlay.Ref
	tag   overlay.Tag
	probe bool
	out   *outgoing
	peer  peer.ID
	wire  *wire     // it went out by; nil: not yet, or to ourselves
	sent  time.Time // once it went out
	again bool      // its stream broke, and it was sent once more
}

// A reply is a question of others that waits for a machine's answer.
type reply struct {
	wire   *wire // nil: a machine of ours asked
	number uint64
	since  time.Time
}

func (l *loop) ask(node int, a *overlay.Action) {
	o := &outgoing{node: node, kind: frameAsk, to: a.To, msg: a.Msg}
	l.await(&ask{node: node, to: a.To, tag: a.Tag, out: o}, a.After)
}

func (l *loop) probe(node int, to overlay.Ref) {
	o := &outgoing{node: node, kind: framePing, to: to}
	l.await(&ask{node: node, to: to, probe: true, out: o}, probeTimeout)
}

func (l *loop) await(q *ask, deadline time.Duration) {
	l.last++
	q.out.number = l.last
	l.asks[l.last] = q
	l.alarms.set(alarmKey{ask: l.last}, time.Now().Add(deadline))
	l.send(q.out)
}

// settle takes a question off the list, and returns nil if it is not there any more.
func (l *loop) settle(number uint64) *ask {
	q := l.asks[number]
	delete(l.asks, number)
	l.alarms.cancel(alarmKey{ask: number})
	return q
}

// giveUp tells who asked that there is no answer.
func (l *loop) giveUp(number uint64) {
	q := l.settle(number)
	switch {
	case q == nil:
	case q.probe:
		l.tell(q.node, overlay.Unreachable{Node: q.to})
	default:
		l.tell(q.node, overlay.Unreachable{Node: q.to, Tag: q.tag})
	}
}

// answered takes an answer that came by w at a time.
func (l *loop) answered(w *wire, f frame, at time.Time) {
	q := l.asks[f.number]
	if q == nil || q.wire != w || q.probe != (f.kind == framePong) {
		return // it is late, or to another question
	}
	l.book.sweep(l.held)
	l.settle(f.number)
	took := at.Sub(q.sent)
	if q.probe {
		l.tell(q.node, overlay.RoundTrip{Node: q.to, Took: took})
		return
	}
	if m := l.decode(w, f.body); m != nil {
		l.tell(q.node, overlay.Answered{From: q.to, Tag: q.tag, Msg: m, Took: took})
	} else {
		l.tell(q.node, overlay.Unreachable{Node: q.to, Tag: q.tag})
	}
}

// decode decodes what a stream's goroutine has found to be well-formed. It returns nil when the book is full.
func (l *loop) decode(w *wire, body []byte) overlay.Message {
	l.book.with = w.with
	m, err := overlay.Decode(body, l.overlay.NewMessage, l.book)
	if err != nil {
		l.log.Debug("message dropped", slog.String("mode", l.overlay.Name), slog.Any("error", err))
		return nil
	}
	return m
}

// received takes a tell or an ask of another peer's.
func (l *loop) received(w *wire, f frame) {
	if int(f.to) >= len(l.machines) || l.stopping {
		return
	}
	l.book.sweep(l.held)
	from, err := l.book.ref(nodeID{w.peer, f.from})
	if err != nil {
		return
	}
	m := l.decode(w, f.body)
	if m == nil {
		return
	}
	ev := overlay.Received{From: from, Msg: m}
	if f.kind == frameAsk {
		if w.open >= openPerWire {
			return
		}
		w.open++
		ev.Reply = l.expectReply(reply{w, f.number, time.Now()})
	}
	l.tell(int(f.to), ev)
}

func (l *loop) expectReply(r reply) overlay.ReplyTo {
	l.last++
	id := overlay.ReplyTo(l.last)
	l.replies[id] = r
	return id
}

func (l *loop) forgetReply(id overlay.ReplyTo, r reply) {
	delete(l.replies, id)
	if r.wire != nil {
		r.wire.open--
	}
}

// reply sends a machine's answer.
func (l *loop) reply(to overlay.ReplyTo, m overlay.Message) {
	r, ok := l.replies[to]
	if !ok {
		return
	}
	l.forgetReply(to, r)
	if r.wire == nil {
		if q := l.settle(r.number); q != nil {
			l.tell(q.node, overlay.Answered{From: q.to, Tag: q.tag, Msg: m, Took: time.Since(q.sent)})
		}
		return
	}
	if body := l.encode(r.wire, m); body != nil {
		r.wire.push(frame{kind: frameAnswer, number: r.number, body: body}.append(nil))
		l.counted.sent(len(body))
	}
}

// encode returns m as it is told to the peer at the other end of w, or nil if it cannot be, which is a mistake of ours.
func (l *loop) encode(w *wire, m overlay.Message) []byte {
	l.book.with, l.book.lost = w.with, false
	body, err := overlay.Encode(nil, m, l.book)
	if err != nil || l.book.lost {
		l.log.Error("message not sent", slog.String("mode", l.overlay.Name), slog.Int("kind", int(m.Kind())),
			slog.Bool("unknown node", l.book.lost), slog.Any("error", err))
		return nil
	}
	return body
}
