package live

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

// quietFor is how long an incoming stream may say nothing before it is closed. Who opened it closes it sooner.
const quietFor = 10 * time.Minute

// accept is libp2p's handler of incoming streams.
func (l *loop) accept(s network.Stream) {
	from := s.Conn().RemotePeer()
	if !l.gate.admit(from) {
		_ = s.Reset()
		return
	}
	served := l.work.run(func(ctx context.Context) {
		defer l.gate.leave(from)
		l.answer(ctx, newWire(s))
	})
	if !served {
		l.gate.leave(from)
		_ = s.Reset()
	}
}

// answer greets, and hands what comes to the loop until the stream ends.
func (l *loop) answer(ctx context.Context, w *wire) {
	stop := context.AfterFunc(ctx, w.kill)
	defer stop()
	_ = w.stream.SetDeadline(time.Now().Add(helloTimeout))
	err := readHello(w.in, l.overlay.Name, l.params)
	// Said in any case, so that both know what differs.
	if _, failed := w.stream.Write(l.hello); err == nil {
		err = failed
	}
	if err != nil {
		_ = w.stream.CloseWrite()
		_ = w.stream.CloseRead()
		l.post(ctx, func() { l.refuse(w.peer, err); l.blame(w.peer, err) })
		return
	}
	_ = w.stream.SetDeadline(time.Time{})
	l.startWriting(w)
	err = l.readQuestions(ctx, w)
	if errors.Is(err, io.EOF) { // it says no more, and may still read
		w.finish()
	} else {
		w.kill()
	}
	l.post(ctx, func() { l.quiet(w); l.blame(w.peer, err) })
}

// readQuestions reads tells, asks and pings. Pings are answered here, as what is measured is the way and not the loop.
func (l *loop) readQuestions(ctx context.Context, w *wire) error {
	for {
		_ = w.stream.SetReadDeadline(time.Now().Add(quietFor))
		f, err := l.next(ctx, w)
		switch {
		case err != nil:
			return err
		case f.kind == framePing:
			w.push(frame{kind: framePong, number: f.number}.append(nil))
			continue
		case f.kind != frameTell && f.kind != frameAsk:
			return malformed("a frame of kind %d among questions", f.kind)
		case int(f.from) >= l.checker.virtual:
			return malformed("node %d of a peer, which runs %d", f.from, l.checker.virtual)
		}
		if err := l.check(f); err != nil {
			return err
		}
		if !l.post(ctx, func() { l.received(w, f) }) {
			return ctx.Err()
		}
	}
}

// quiet forgets what was asked on a stream that has ended. Answers to what is left go nowhere.
func (l *loop) quiet(w *wire) {
	for id, r := range l.replies {
		if r.wire == w {
			l.forgetReply(id, r)
		}
	}
}
