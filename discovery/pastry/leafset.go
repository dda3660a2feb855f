package pastry

import (
	"slices"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// An entry is a node in a table. It entered because it answered, with the round trip that was measured.
type entry struct {
	node overlay.Ref
	rtt  uint32 // microseconds; 0 is not known
}

func (e entry) id() id { return idOf(e.node.ID) }

func (e entry) roundTrip() time.Duration { return time.Duration(e.rtt) * time.Microsecond }

func micros(d time.Duration) uint32 { return uint32(min(max(d/time.Microsecond, 1), 1<<31)) }

// A leafSet holds the nodes whose ids are numerically nearest to a node's own (§2.1): up to half of them clockwise, half
// anticlockwise. A side takes nodes of its half of the ring only. So what is left of a side after failures never reaches
// round the ring, where it would seem to cover keys that it knows nothing about; in a network that is smaller than the
// leaf set it holds everybody all the same.
type leafSet struct {
	after, before []entry // clockwise, anticlockwise; the nearest first
}

const (
	after = iota
	before
)

// side says on which side of self a node is, and how far.
func side(self, node id) (int, id) {
	cw, ccw := node.minus(self), self.minus(node)
	if ccw.less(cw) {
		return before, ccw
	}
	return after, cw
}

func (l *leafSet) on(side int) *[]entry {
	if side == after {
		return &l.after
	}
	return &l.before
}

// place returns the side for a node, its place there, and whether it is there already or would be with half on a side.
func (l *leafSet) place(self id, node overlay.Ref, half int) (s, i int, there, wanted bool) {
	s, far := side(self, idOf(node.ID))
	list := *l.on(s)
	for i = range list {
		if list[i].node == node {
			return s, i, true, false
		}
		if _, d := side(self, list[i].id()); far.less(d) {
			return s, i, false, true
		}
	}
	return s, len(list), false, len(list) < half
}

// put adds a node where it belongs. It reports whether it is new.
func (l *leafSet) put(self id, e entry, half int) bool {
	s, i, there, wanted := l.place(self, e.node, half)
	list := l.on(s)
	switch {
	case there:
		(*list)[i].rtt = e.rtt
		return false
	case !wanted:
		return false
	}
	if len(*list) == half {
		*list = (*list)[:half-1]
	}
	if *list == nil {
		*list = make([]entry, 0, half)
	}
	*list = slices.Insert(*list, i, e)
	return true
}

// drop removes a node. It returns its side, and whether it was there.
func (l *leafSet) drop(self id, node overlay.Ref) (int, bool) {
	s, i, there, _ := l.place(self, node, 0)
	if there {
		list := l.on(s)
		*list = slices.Delete(*list, i, i+1)
	}
	return s, there
}

// covers reports whether key lies between the two ends of the leaf set (§2.2).
func (l *leafSet) covers(self, key id) bool {
	s, far := side(self, key)
	list := *l.on(s)
	if len(list) == 0 {
		return key == self
	}
	_, end := side(self, list[len(list)-1].id())
	return !end.less(far)
}

func (l *leafSet) len() int { return len(l.after) + len(l.before) }

// all yields the leaves: clockwise, then anticlockwise, each from the nearest on.
func (l *leafSet) all(yield func(entry) bool) {
	for _, list := range [...][]entry{l.after, l.before} {
		for _, e := range list {
			if !yield(e) {
				return
			}
		}
	}
}

// at returns leaf number i of all.
func (l *leafSet) at(i int) entry {
	if i < len(l.after) {
		return l.after[i]
	}
	return l.before[i-len(l.after)]
}
