package api

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	// heartbeat is how often an answer says that its process lives, and so finds out that its caller
	// does not.
	heartbeat = time.Second

	// maxQueued bounds the events of one answer that wait for a slow caller; then emit blocks.
	maxQueued = 256
)

// An answer is the stream of lines that answers one request.
type answer struct {
	ctx    context.Context // of the request; emit does not block beyond it
	queue  chan Event
	wake   chan struct{} // capacity 1: there is something in latest
	finish chan struct{}
	done   chan struct{} // closed when loop has returned

	mu     sync.Mutex
	latest []Event // EventProgress and EventState: only the newest of each cid is worth sending

	out sync.Mutex // held while a line, or a line with its data, is written
	w   http.ResponseWriter
	rc  *http.ResponseController
}

func newAnswer(ctx context.Context, w http.ResponseWriter) *answer {
	a := &answer{
		ctx:    ctx,
		queue:  make(chan Event, maxQueued),
		wake:   make(chan struct{}, 1),
		finish: make(chan struct{}),
		done:   make(chan struct{}),
		w:      w,
		rc:     http.NewResponseController(w),
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	_ = a.rc.Flush() // the caller learns at once that somebody is there
	go a.loop()
	return a
}

// emit queues e. Safe for concurrent use; not after end.
func (a *answer) emit(e Event) {
	if e.Event == EventProgress || e.Event == EventState {
		a.supersede(e)
		return
	}
	select {
	case a.queue <- e:
	case <-a.ctx.Done():
	}
}

func (a *answer) supersede(e Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, old := range a.latest {
		if old.Event == e.Event && old.Cid == e.Cid {
			a.latest[i] = e
			return
		}
	}
	a.latest = append(a.latest, e)
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Write sends p as data.
func (a *answer) Write(p []byte) (int, error) {
	if err := a.ctx.Err(); err != nil {
		return 0, err
	}
	a.out.Lock()
	defer a.out.Unlock()
	a.line(Event{Event: EventData, Bytes: int64(len(p))})
	n, err := a.w.Write(p)
	if err == nil {
		err = a.rc.Flush()
	}
	return n, err
}

// end writes what is still queued and then last, and returns when the kernel has it.
func (a *answer) end(last Event) {
	a.drop()
	a.out.Lock()
	defer a.out.Unlock()
	a.line(last)
	_ = a.rc.Flush()
}

// drop stops the answer without a last line; what is queued is still written.
func (a *answer) drop() {
	close(a.finish)
	<-a.done
}

// loop is the only reader of the queue.
func (a *answer) loop() {
	defer close(a.done)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case e := <-a.queue:
			a.send(e)
		case <-a.wake:
			a.send()
		case <-beat.C:
			a.beat()
		case <-a.finish:
			a.send()
			return
		}
	}
}

// send writes the newest progress, then events, then all that is queued. A failed write shows as the
// end of a.ctx, so its error is of no use here.
func (a *answer) send(events ...Event) {
	a.mu.Lock()
	events = append(a.latest, events...)
	a.latest = nil
	a.mu.Unlock()
	a.out.Lock()
	defer a.out.Unlock()
	for _, e := range events {
		a.line(e)
	}
	for {
		select {
		case e := <-a.queue:
			a.line(e)
		default:
			_ = a.rc.Flush()
			return
		}
	}
}

func (a *answer) beat() {
	a.out.Lock()
	defer a.out.Unlock()
	_, _ = a.w.Write([]byte("\n"))
	_ = a.rc.Flush()
}

func (a *answer) line(e Event) {
	b, err := e.MarshalJSON()
	if err != nil { // a rate that is not a number, say: a bug, but not the caller's
		b, _ = Event{Event: EventWarning, Message: fmt.Sprint(err)}.MarshalJSON()
	}
	_, _ = a.w.Write(append(b, '\n'))
}
