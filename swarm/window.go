package swarm

import "time"

// Bounds of what may be asked of one source and not yet delivered, in bytes.
const (
	minWindow   = 2 << 20
	startWindow = 2 << 20
	maxWindow   = 64 << 20

	// windowTime is how much of a source's work is kept queued at it beyond a round trip: enough to
	// bridge a pause of our loop, little enough that a source which slows down holds few pieces.
	windowTime = 500 * time.Millisecond

	// longestRTT is the longest round trip that is believed: one that includes a satellite or two.
	longestRTT = 2 * time.Second

	// rateSpan is the shortest time over which a rate is taken.
	rateSpan = 100 * time.Millisecond
)

// window follows one source's bandwidth-delay product: the bytes to keep asked for so that the source
// never waits for the next request. It grows with the measured rate, so it doubles from its start like
// TCP's slow start while more is delivered than was thought possible. It is pure and owned by the
// session loop.
type window struct {
	rate  float64       // bytes a second, smoothed
	rtt   time.Duration // to the source; 0: not known
	since time.Time     // start of the running measurement; zero: none runs
	bytes int
}

// delivered counts n bytes that arrived at now while more was asked for.
func (w *window) delivered(now time.Time, n int) {
	if w.since.IsZero() {
		w.since = now
		return
	}
	w.bytes += n
	span := now.Sub(w.since)
	if span < rateSpan {
		return
	}
	rate := float64(w.bytes) / span.Seconds()
	if w.rate == 0 {
		w.rate = rate
	} else {
		w.rate += (rate - w.rate) / 4
	}
	w.since, w.bytes = now, 0
}

// idle says that nothing is asked for any more: a pause is not a slow source.
func (w *window) idle() { w.since, w.bytes = time.Time{}, 0 }

// size returns the bytes to keep asked for.
func (w *window) size() int {
	if w.rate == 0 {
		return startWindow
	}
	return min(max(int(w.rate*(2*w.rtt+windowTime).Seconds()), minWindow), maxWindow)
}
