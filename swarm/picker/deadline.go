package picker

import (
	"slices"
	"time"
)

// A deadline is leaves that a reader needs at a time.
type deadline struct {
	first, count int
	held         int // leaves at its front that are held
	at           time.Time
}

// Hurry says that a reader needs these leaves at a time. They come before all others, the earliest time
// first, whether in scope or not. Each range costs a look at its leaves in every Pick: pass what a
// reader needs next, not a whole file.
func (p *Picker) Hurry(first, count int, at time.Time) {
	d := deadline{first: first, count: count, at: at}
	k, _ := slices.BinarySearchFunc(p.deadlines, d, func(a, b deadline) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return -1 // after those of the same time
	})
	p.deadlines = slices.Insert(p.deadlines, k, d)
}

// Relax takes back every Hurry for exactly these leaves.
func (p *Picker) Relax(first, count int) {
	p.deadlines = slices.DeleteFunc(p.deadlines, func(d deadline) bool {
		return d.first == first && d.count == count
	})
}

// urgent takes leaves that have a deadline.
func (k *picking) urgent() {
	done := false
	for n := range k.deadlines {
		d := &k.deadlines[n]
		for d.held < d.count && k.have.Has(d.first+d.held) {
			d.held++
		}
		done = done || d.held == d.count
		if !k.takeUrgent(*d) {
			break
		}
	}
	if done {
		k.deadlines = slices.DeleteFunc(k.deadlines, func(d deadline) bool { return d.held == d.count })
	}
}

// takeUrgent takes what it can of d and tells whether there was room.
func (k *picking) takeUrgent(d deadline) bool {
	for i := d.first + d.held; i < d.first+d.count; i++ {
		if k.have.Has(i) || !k.s.has(i) || !k.worthHurry(i, d.at) {
			continue
		}
		if !k.take(i, NoSource) {
			return false
		}
		k.chosen[len(k.chosen)-1].Urgent = true
	}
	return true
}

// worthHurry tells whether to ask s for leaf i, which a reader needs at a time: it was asked of nobody,
// or of one that will be late, and s is much sooner.
func (k *picking) worthHurry(i int, at time.Time) bool {
	switch r := k.requests.of(i); {
	case r == nil:
		return true
	case r.twin != nil || r.source == k.s:
		return false
	default:
		wait := k.wait(r.source)
		return wait > at.Sub(k.now).Seconds() && wait > soonerGain*k.ownWait(r.source, r.size)
	}
}
