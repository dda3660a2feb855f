package papertest

import (
	"math"
	"testing"
)

func TestSample(t *testing.T) {
	var s Sample
	if !math.IsNaN(s.Mean()) || !math.IsNaN(s.Percentile(50)) {
		t.Error("nothing has a mean")
	}
	for i := 100; i > 0; i-- {
		s.Add(float64(i))
	}
	for _, c := range []struct{ got, want float64 }{
		{s.Mean(), 50.5}, {s.Percentile(0), 1}, {s.Percentile(1), 1}, {s.Percentile(50), 50}, {s.Percentile(99), 99},
		{s.Percentile(99.5), 100}, {s.Percentile(100), 100}, {s.Share(30), 0.3}, {s.Share(0), 0}, {s[:1].Percentile(50), 100},
	} {
		if c.got != c.want {
			t.Errorf("got %v, want %v", c.got, c.want)
		}
	}
}

// A gate that is missed fails the test that holds it.
func TestBetween(t *testing.T) {
	for _, c := range []struct {
		ours float64
		ok   bool
	}{{1.9, false}, {2, true}, {3, true}, {3.1, false}, {math.NaN(), false}} {
		r := &recorder{TB: t}
		Between(r, "a figure", "2.5", c.ours, 2, 3)
		if r.failed == c.ok {
			t.Errorf("%v: failed %v", c.ours, r.failed)
		}
	}
}

type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }

func TestDifference(t *testing.T) {
	if line, has, wants := difference("a\nb\n", "a\nc\n"); line != 2 || has != "b" || wants != "c" {
		t.Errorf("line %d: %q, want %q", line, has, wants)
	}
	if line, has, _ := difference("a", "a\nc"); line != 2 || has != "(end)" {
		t.Errorf("line %d: %q", line, has)
	}
}
