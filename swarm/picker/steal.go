package picker

import (
	"math"
	"time"
)

const (
	stealRatio    = 10 // times faster a source is to take over a request
	stealRatioEnd = 3  // the same once no leaf is free
	soonerGain    = 2  // times sooner a leaf must come to be asked of another as well

	// repeatShare of the bytes in scope, but one leaf in any case, may be asked for a second time because that is
	// sooner. Many sources that are alike would otherwise all be asked for the last leaves of one another. Of a source
	// that has stopped everything may be asked for again.
	repeatShare = 1.0 / 256

	// patience is how long a source may deliver nothing before its rate is no longer believed, or patienceGaps times
	// what passes between two of its leaves: one that is slow, or serves many in turn, is silent in between.
	// mostPatience bounds it.
	patience, mostPatience = 2 * time.Second, 30 * time.Second
	patienceGaps           = 3

	// maxSteps is how many requests of one source are looked at for one to take.
	maxSteps = 64
)

// steal takes over requests from sources that are much slower and, at the end, from those that would take
// much longer. The newest request of a queue goes first: it is the last to be served and has most likely
// not begun. Only the oldest one, which most likely has, is asked for a second time instead.
func (k *picking) steal() {
	for k.budget.Leaves > 0 {
		r, over := k.victim()
		switch {
		case r == nil || !k.room(r.size):
			return
		case over:
			k.takeOver(r)
			continue
		case k.believed(r.source) > 0:
			k.repeated += uint64(r.size)
		}
		k.take(r.leaf, NoSource)
	}
}

// takeOver asks s for what another was asked for, and tells whether there was room.
func (k *picking) takeOver(r *request) bool {
	if !k.room(r.size) {
		return false
	}
	i, from := r.leaf, r.source.id
	k.requests.remove(r)
	return k.take(i, from)
}

// victim returns the request to take over, or to ask a second copy of (not over): of the source that would
// take longest for all that was asked of it.
func (k *picking) victim() (worst *request, over bool) {
	longest := 0.0
	for _, o := range k.order {
		if o == k.s || o.newest == nil || o.near && k.outside() {
			continue
		}
		wait := k.wait(o)
		if wait <= longest {
			continue
		}
		faster, sooner := k.compare(o, wait)
		if !faster && !sooner {
			continue
		}
		r := k.newestOf(o)
		if r == nil {
			continue
		}
		if taken := faster || r != o.oldest; taken || k.mayRepeat(r) {
			worst, over, longest = r, taken, wait
		}
	}
	return worst, over
}

// mayRepeat tells whether another source may be asked for the leaf of r as well.
func (k *picking) mayRepeat(r *request) bool {
	return k.repeated == 0 || k.believed(r.source) == 0 || float64(k.repeated)+float64(r.size) <= repeatShare*float64(k.scope)
}

// compare tells whether s is fast enough to take over any request of o, whose queue takes wait seconds;
// and whether, nothing being free, it would have the last of them so much sooner that asking is worth it.
func (k *picking) compare(o *source, wait float64) (faster, sooner bool) {
	own := k.ownWait(o, o.newest.size)
	ratio := float64(stealRatio)
	end := k.free.Count() == 0
	if end {
		ratio = stealRatioEnd
	}
	faster = k.s.rate > 0 && k.s.rate >= ratio*k.believed(o) && wait > own
	return faster, end && wait > soonerGain*own
}

// newestOf returns the newest request of o that s may be asked for as well, or nil.
func (k *picking) newestOf(o *source) *request {
	r := o.newest
	for range maxSteps {
		if r == nil {
			return nil
		}
		if r.twin == nil && k.s.has(r.leaf) {
			return r
		}
		r = r.prev
	}
	return nil
}

// believed returns the rate of o in bytes a second, or +Inf while it is not known and it has had no
// time to show it. A source that lets us wait too long counts as stopped.
func (k *picking) believed(o *source) float64 {
	if k.now.Sub(o.last) > k.patienceWith(o) {
		return 0
	}
	if o.rate == 0 {
		return math.Inf(1)
	}
	return o.rate
}

// patienceWith returns how long o may deliver nothing: longer if it takes longer between two leaves.
func (k *picking) patienceWith(o *source) time.Duration {
	return min(max(patience, patienceGaps*o.gap), mostPatience)
}

// wait returns the seconds until o has delivered all that was asked of it.
func (k *picking) wait(o *source) float64 {
	rate := k.believed(o)
	if math.IsInf(rate, 1) {
		rate = k.s.rate // as fast as we are, until it shows otherwise
		if rate == 0 {
			rate = 1
		}
	}
	if rate == 0 {
		return math.Inf(1)
	}
	return float64(o.bytes) / rate
}

// ownWait returns the seconds until s would have delivered size bytes more, if asked now; a source whose
// rate is not known is as fast as o.
func (k *picking) ownWait(o *source, size uint32) float64 {
	rate := k.s.rate
	if rate == 0 {
		rate = o.rate
	}
	if rate == 0 {
		rate = 1
	}
	return float64(k.s.bytes+int(size)) / rate
}
