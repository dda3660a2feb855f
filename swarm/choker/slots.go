package choker

import "time"

const (
	minSlots = 8  // libtorrent's default
	maxSlots = 64 // beyond it each gets too little to pass on
	nearFull = 0.9
	gain     = 1.05        // times the rate that one more slot must bring to be kept
	hold     = time.Minute // before more is tried after it brought nothing
)

// slots is how many peers are served at once. One that cannot take more leaves room on the uplink, so
// the number grows as long as that makes more bytes leave.
type slots struct {
	n       int
	grown   bool      // at the last rechoke
	before  float64   // the rate then
	retryAt time.Time // not to grow before
	enough  bool      // the last slot tried brought nothing: the uplink is full
}

func newSlots() slots { return slots{n: minSlots} }

// adapt looks whether another slot is worth it, once a rechoke.
func (s *slots) adapt(now time.Time, up Uplink, interested int) {
	if s.grown && up.Rate < gain*s.before {
		s.n--
		s.retryAt, s.enough = now.Add(hold), true
	}
	s.grown = false
	if limited(up) || interested <= s.n || s.n >= maxSlots || now.Before(s.retryAt) {
		return
	}
	s.n++
	s.grown, s.before, s.enough = true, up.Rate, false
}

// full tells whether more peers would only share what there is.
func (s *slots) full(up Uplink) bool { return s.enough || limited(up) }

func limited(up Uplink) bool { return up.Limit > 0 && up.Rate >= nearFull*up.Limit }

// divide shares the slots out in proportion, at least one to either kind that has somebody.
func (s *slots) divide(traders, takers int) (forTraders, forTakers int) {
	all := traders + takers
	switch {
	case all <= s.n:
		return traders, takers
	case traders == 0:
		return 0, s.n
	case takers == 0:
		return s.n, 0
	}
	forTraders = min(max((s.n*traders+all/2)/all, 1), s.n-1)
	return forTraders, s.n - forTraders
}
