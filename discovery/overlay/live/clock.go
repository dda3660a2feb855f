package live

import (
	"container/heap"
	"sync"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A clock tells machines the time. It never goes back, and follows the wall clock when that is ahead: a laptop that wakes
// up does not take what has expired meanwhile for fresh. Safe for concurrent use.
type clock struct {
	start time.Time
	// rate is how much faster than the clock on the wall it goes: 1, but in tests of what takes machines minutes.
	rate time.Duration

	mu    sync.Mutex
	ahead time.Duration
}

func newClock() *clock { return &clock{start: time.Now(), rate: 1} }

func (c *clock) now() overlay.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := time.Now()
	steady := c.start.Add(t.Sub(c.start) + c.ahead)
	if behind := t.Round(0).Sub(steady.Round(0)); behind > time.Second {
		c.ahead += behind
		steady = steady.Add(behind)
	}
	return overlay.At(c.start.Add(c.rate * steady.Sub(c.start)))
}

// until returns when it will be d later.
func (c *clock) until(d time.Duration) time.Time { return time.Now().Add(d / c.rate) }

// An alarmKey names an alarm: a machine's timer, or the deadline of a question.
type alarmKey struct {
	node  int
	timer overlay.Timer
	ask   uint64 // not 0: the deadline of that question, and the others are 0
}

type alarm struct {
	key alarmKey
	at  time.Time
	pos int
}

// alarms are what is to ring, the next one first.
type alarms struct {
	queue alarmQueue
	byKey map[alarmKey]*alarm
}

func newAlarms() *alarms { return &alarms{byKey: make(map[alarmKey]*alarm)} }

// set has an alarm ring at a time, instead of when it would have rung.
func (a *alarms) set(key alarmKey, at time.Time) {
	if one := a.byKey[key]; one != nil {
		one.at = at
		heap.Fix(&a.queue, one.pos)
		return
	}
	one := &alarm{key: key, at: at}
	a.byKey[key] = one
	heap.Push(&a.queue, one)
}

func (a *alarms) cancel(key alarmKey) {
	if one := a.byKey[key]; one != nil {
		heap.Remove(&a.queue, one.pos)
		delete(a.byKey, key)
	}
}

// due removes and returns an alarm that has rung by now.
func (a *alarms) due(now time.Time) (alarmKey, bool) {
	if len(a.queue) == 0 || a.queue[0].at.After(now) {
		return alarmKey{}, false
	}
	key := a.queue[0].key
	a.cancel(key)
	return key, true
}

// next returns how long it is until one rings, or a while if there is none.
func (a *alarms) next(now time.Time) time.Duration {
	if len(a.queue) == 0 {
		return time.Minute
	}
	return max(0, a.queue[0].at.Sub(now))
}

type alarmQueue []*alarm

func (q alarmQueue) Len() int           { return len(q) }
func (q alarmQueue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }

func (q alarmQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].pos, q[j].pos = i, j
}

func (q *alarmQueue) Push(x any) {
	one := x.(*alarm)
	one.pos = len(*q)
	*q = append(*q, one)
}

func (q *alarmQueue) Pop() any {
	last := len(*q) - 1
	one := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return one
}
