// Package papertest is for tests that hold our figures against published ones: with few seeds and small networks by
// default, with all of them when the environment says PEER_PAPER=full, as `make bench-overlays` does. Each figure is logged
// as a line of a table, which docs/discovery.md repeats.
//
// Scenarios keeps text scenarios, whose output is written by the test itself: scenarios.go.
package papertest

import (
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
)

// Full reports whether everything is to be measured, at full size.
func Full() bool { return os.Getenv("PEER_PAPER") == "full" }

// Pick returns small, or full if Full.
func Pick[T any](small, full T) T {
	if Full() {
		return full
	}
	return small
}

// Seeds returns the seeds to run with, and logs them: 2, or 10 if Full.
func Seeds(t testing.TB) []uint64 {
	t.Helper()
	seeds := make([]uint64, Pick(2, 10))
	for i := range seeds {
		seeds[i] = uint64(i + 1)
	}
	t.Logf("seeds %v", seeds)
	return seeds
}

// Row logs one line of the table: what was measured, the paper's figure and ours.
func Row(t testing.TB, what, paper, ours string) {
	t.Helper()
	t.Logf("| %s | %s | %s |", what, paper, ours)
}

// Between logs a line of the table and fails the test unless our figure lies from low to high.
func Between(t testing.TB, what, paper string, ours, low, high float64) {
	t.Helper()
	Row(t, what, paper, fmt.Sprintf("%.4g", ours))
	if !(ours >= low && ours <= high) {
		t.Errorf("%s is %.6g, want %g to %g", what, ours, low, high)
	}
}

// AtMost is Between without a lower end.
func AtMost(t testing.TB, what, paper string, ours, high float64) {
	t.Helper()
	Between(t, what, paper, ours, math.Inf(-1), high)
}

// AtLeast is Between without an upper end.
func AtLeast(t testing.TB, what, paper string, ours, low float64) {
	t.Helper()
	Between(t, what, paper, ours, low, math.Inf(1))
}

// A Sample is what was measured, once for each thing.
type Sample []float64

// Add appends a value.
func (s *Sample) Add(v float64) { *s = append(*s, v) }

// Mean returns the mean; of nothing it is not a number.
func (s Sample) Mean() float64 {
	sum := 0.0
	for _, v := range s {
		sum += v
	}
	return sum / float64(len(s))
}

// Percentile returns the smallest value that at least p percent are not above; of nothing it is not a number.
func (s Sample) Percentile(p float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[max(int(math.Ceil(p/100*float64(len(s)))), 1)-1]
}

// Share returns which share of the values is at most v.
func (s Sample) Share(v float64) float64 {
	n := 0
	for _, x := range s {
		if x <= v {
			n++
		}
	}
	return float64(n) / float64(len(s))
}
