package sim

import "github.com/seed4134be55/peer/discovery/overlay"

// An event waits in the queue. It is small, has no pointer and no closure, since millions of them wait at once.
type event struct {
	at    overlay.Time
	order uint64 // of two at the same time the one that was queued first comes first
	a, b  uint32 // by what: a letter; a question and its generation; a node and its timer's stamp; the churn's number
	what  happening
}

type happening uint8

const (
	letterArrives happening = iota
	deadlinePasses
	timerFires
	peerComes
	peerLeaves
	peerCrashes
)

// A queue is a heap with four children a node, which is shallower than one with two and as quick to sift.
type queue struct {
	heap   []event
	queued uint64
}

func (q *queue) push(e event) {
	q.queued++
	e.order = q.queued
	q.heap = append(q.heap, e)
	i := len(q.heap) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(&q.heap[parent]) {
			break
		}
		q.heap[i] = q.heap[parent]
		i = parent
	}
	q.heap[i] = e
}

func (q *queue) pop() event {
	first := q.heap[0]
	last := len(q.heap) - 1
	e := q.heap[last]
	q.heap = q.heap[:last]
	if last > 0 {
		q.sift(e)
	}
	return first
}

// sift puts e where it belongs, from the top on.
func (q *queue) sift(e event) {
	i := 0
	for {
		child := 4*i + 1
		if child >= len(q.heap) {
			break
		}
		for c := child + 1; c < min(4*i+5, len(q.heap)); c++ {
			if q.heap[c].before(&q.heap[child]) {
				child = c
			}
		}
		if !q.heap[child].before(&e) {
			break
		}
		q.heap[i] = q.heap[child]
		i = child
	}
	q.heap[i] = e
}

func (e *event) before(o *event) bool { return e.at < o.at || e.at == o.at && e.order < o.order }

// A slab holds things at indices that are used again. A thing that was dropped and one that came in its place have
// different generations.
type slab[T any] struct {
	items       []T
	generations []uint32
	free        []uint32
}

// add returns where v is, from 0 on.
func (s *slab[T]) add(v T) (at, generation uint32) {
	if n := len(s.free); n > 0 {
		at = s.free[n-1]
		s.free = s.free[:n-1]
		s.items[at] = v
		return at, s.generations[at]
	}
	s.items, s.generations = append(s.items, v), append(s.generations, 0)
	return uint32(len(s.items) - 1), 0
}

// get returns what is at an index, or nil if it is of another generation.
func (s *slab[T]) get(at, generation uint32) *T {
	if int(at) >= len(s.items) || s.generations[at] != generation {
		return nil
	}
	return &s.items[at]
}

func (s *slab[T]) drop(at uint32) (was T) {
	was, s.items[at] = s.items[at], *new(T)
	s.generations[at]++
	s.free = append(s.free, at)
	return was
}
