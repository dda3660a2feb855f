package pex

import (
	"errors"
	"time"
)

// ErrTooOften is what a peer is cut off for.
var ErrTooOften = errors.New("it tells of peers or asks for them more often than allowed")

// What may come at once beyond the pace, as a connection that hangs delivers all that it was given when it goes on; and
// how many answers we wait for.
const (
	burst      = 2
	maxAwaited = 8
)

// A Listener holds one other peer to the pace, for one root. The zero value has heard nothing.
type Listener struct {
	unasked, questions allowance
	awaited            int // answers to what we asked
}

// Asked says that we ask the other: it may tell once more than it may unasked.
func (l *Listener) Asked() { l.awaited = min(l.awaited+1, maxAwaited) }

// Heard takes in that the other tells us of peers.
func (l *Listener) Heard(now time.Time) error {
	if l.awaited > 0 {
		l.awaited--
		return nil
	}
	return l.unasked.take(now, Every)
}

// Question takes in that the other asks us.
func (l *Listener) Question(now time.Time) error { return l.questions.take(now, AskEvery) }

// An allowance grows by one every so often, up to burst, which it begins with.
type allowance struct {
	left float64
	at   time.Time // when it was left; zero: never
}

func (a *allowance) take(now time.Time, every time.Duration) error {
	if a.at.IsZero() {
		a.left = burst
	} else {
		a.left = min(burst, a.left+now.Sub(a.at).Seconds()/every.Seconds())
	}
	a.at = now
	if a.left < 1 {
		return ErrTooOften
	}
	a.left--
	return nil
}
