package compare

import (
	"slices"
	"time"
)

// A tally counts what lookups came to.
type tally struct {
	began, ended    int
	succeeded       int
	hops            []int
	took            []float64 // milliseconds
	timeouts        int
	living, answers int // records, over all lookups
	messages, bytes uint64
}

// end counts a lookup that ended: without an error or not, with so many of the records that lived when it began. It missed
// if it found none though somebody has one.
func (t *tally) end(reached bool, hops, timeouts int, took time.Duration, living, found int, missed bool) {
	t.ended++
	t.timeouts += timeouts
	t.living, t.answers = t.living+living, t.answers+found
	if !reached {
		return
	}
	if !missed {
		t.succeeded++
	}
	t.hops = append(t.hops, hops)
	t.took = append(t.took, float64(took)/float64(time.Millisecond))
}

// into fills in what it counted. A lookup that did not end has failed.
func (t *tally) into(r *Result) {
	slices.Sort(t.hops)
	slices.Sort(t.took)
	r.Success = ratio(float64(t.succeeded), float64(t.began))
	r.Recall = ratio(float64(t.answers), float64(t.living))
	r.Hops.Mean = ratio(sum(t.hops), float64(len(t.hops)))
	r.Hops.P1, r.Hops.P50, r.Hops.P99 = percentile(t.hops, 1), percentile(t.hops, 50), percentile(t.hops, 99)
	r.MessagesPerLookup = ratio(float64(t.messages), float64(t.began))
	r.BytesPerLookup = ratio(float64(t.bytes), float64(t.began))
	r.Timeouts.Mean = ratio(float64(t.timeouts), float64(t.ended))
	r.Latency.P50, r.Latency.P99 = rounded(percentile(t.took, 50)), rounded(percentile(t.took, 99))
}
