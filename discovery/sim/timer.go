package sim

import (
	"math"
	"slices"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A timer of a node. It has at most one event in the queue that counts: the one with its stamp. A timer that is put off
// keeps its event, which is put off when it comes; so timers that are moved on and on do not fill the queue.
type timer struct {
	name   overlay.Timer
	due    overlay.Time
	queued overlay.Time // when its event comes
	cause  overlay.OpID
	stamp  uint32
}

const never = overlay.Time(math.MaxInt64)

// Freeze makes timers wait, or lets them run again: for static experiments, and for what happens before any repair. Those
// that an operation under way has set run, as they are its own. A timer that waited fires as much later as it took.
func (s *Sim) Freeze(on bool) {
	switch {
	case on && s.frozenAt == 0:
		s.frozenAt = s.now
	case !on && s.frozenAt != 0:
		late := s.now.Sub(s.frozenAt)
		held := s.held
		s.frozenAt, s.held = 0, nil
		for _, e := range held {
			s.thaw(e, late)
		}
	}
}

func (s *Sim) thaw(e event, late time.Duration) {
	t := s.nodes[e.a].stamped(e.b)
	if t == nil {
		return
	}
	t.due = t.due.Add(late)
	t.queued = t.due
	s.queue.push(event{at: t.due, what: timerFires, a: e.a, b: e.b})
}

func (s *Sim) set(n uint32, name overlay.Timer, after time.Duration, cause overlay.OpID) {
	nd := &s.nodes[n]
	t := nd.timer(name)
	if t == nil {
		nd.timers = append(nd.timers, timer{name: name, queued: never})
		t = &nd.timers[len(nd.timers)-1]
	}
	t.due, t.cause = s.now.Add(max(after, 0)), cause
	if t.due >= t.queued {
		return
	}
	nd.stamps++
	t.queued, t.stamp = t.due, nd.stamps
	s.queue.push(event{at: t.due, what: timerFires, a: n, b: t.stamp})
}

func (s *Sim) fire(e event) {
	nd := &s.nodes[e.a]
	t := nd.stamped(e.b)
	if t == nil {
		return
	}
	cause := t.cause
	if _, running := s.calls[cause]; !running {
		cause = 0 // what a timer does once an operation has ended is maintenance that it gave rise to
	}
	switch {
	case t.due > s.now:
		t.queued = t.due
		s.queue.push(event{at: t.due, what: timerFires, a: e.a, b: e.b})
	case s.frozenAt != 0 && cause == 0:
		t.queued = never
		s.held = append(s.held, e)
	default:
		name := t.name
		nd.cancel(name)
		s.step(e.a, overlay.Fired{Timer: name}, delivery{what: eventFired, kind: overlay.Kind(name.Kind), cause: cause})
	}
}

func (n *node) timer(name overlay.Timer) *timer {
	for i := range n.timers {
		if n.timers[i].name == name {
			return &n.timers[i]
		}
	}
	return nil
}

func (n *node) stamped(stamp uint32) *timer {
	for i := range n.timers {
		if n.timers[i].stamp == stamp {
			return &n.timers[i]
		}
	}
	return nil
}

func (n *node) cancel(name overlay.Timer) {
	n.timers = slices.DeleteFunc(n.timers, func(t timer) bool { return t.name == name })
}
