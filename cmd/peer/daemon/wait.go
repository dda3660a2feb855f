package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/node/home"
)

const (
	// patience is how long the holder of the lock may take until it answers on its socket.
	patience = 30 * time.Second

	// explainAfter is how long nothing happens before the user is told what for.
	explainAfter = 500 * time.Millisecond

	firstPause   = 5 * time.Millisecond
	longestPause = 200 * time.Millisecond
)

// A wait is for a home that is held by a process that does not answer: one that starts, or ends, or hangs.
type wait struct {
	home     *home.Home
	emit     func(api.Event)
	since    time.Time // of the last sign of life
	received int       // events by then
	next     time.Duration
	told     bool
}

func newWait(h *home.Home, emit func(api.Event)) *wait {
	return &wait{home: h, emit: emit, since: time.Now(), next: firstPause}
}

// pause lets some time go by after a request was not answered because of why. received is how many events
// came so far. The error is ctx's cause, or says that the holder does not answer at all.
func (w *wait) pause(ctx context.Context, why error, received int) error {
	if received > w.received {
		*w = wait{home: w.home, emit: w.emit, since: time.Now(), received: received, next: firstPause}
	}
	switch waited := time.Since(w.since); {
	case waited > patience:
		return fmt.Errorf("home %s: %s holds it and does not answer: continue it if it is suspended (fg), or end it: %w",
			w.home.Dir(), w.home.Holder(), why)
	case errors.Is(why, api.ErrLost) && received > 0 && !w.told:
		w.tell("the process that did the work has ended: carrying on without it")
	case waited > explainAfter && !w.told:
		w.tell(fmt.Sprintf("waiting for %s, which holds home %s", w.home.Holder(), w.home.Dir()))
	}
	timer := time.NewTimer(w.next)
	defer timer.Stop()
	w.next = min(2*w.next, longestPause)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (w *wait) tell(message string) {
	w.told = true
	w.emit(api.Event{Event: api.EventState, Message: message})
}
