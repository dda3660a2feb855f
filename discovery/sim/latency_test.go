package sim

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed4134be55/peer/fault"
)

// percentiles are of round trips between 20,000 pairs of peers.
func percentiles(l Latency) (p1, p50, p99 time.Duration) {
	var times []time.Duration
	for i := range 20000 {
		times = append(times, l.RoundTrip(i, i*7+13))
	}
	slices.Sort(times)
	return times[200], times[10000], times[19800]
}

func TestLatenciesAreSymmetricAndOfTheSeed(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, l := range []func(uint64) Latency{Plane, Internet, func(uint64) Latency { return Constant(time.Second) }} {
		for i := range 200 {
			a, b := l(1).RoundTrip(i, i+1), l(1).RoundTrip(i+1, i)
			if a != b || a <= 0 {
				t.Fatalf("%T: %v there, %v back", l(1), a, b)
			}
			if one := l(1).OneWay(i, i+1, r); one < a/2 {
				t.Fatalf("%T: %v one way of %v", l(1), one, a)
			}
		}
	}
	if Plane(1).RoundTrip(1, 2) == Plane(2).RoundTrip(1, 2) || Internet(1).RoundTrip(1, 2) == Internet(2).RoundTrip(1, 2) {
		t.Error("another seed is the same place")
	}
}

// The mean distance of two random points of a unit square is 0.5214.
func TestPlane(t *testing.T) {
	sum := time.Duration(0)
	for i := range 20000 {
		sum += Plane(5).RoundTrip(i, i+1)
	}
	if mean := float64(sum) / 20000 / float64(2*planeSide*planeUnit); math.Abs(mean-0.5214) > 0.005 {
		t.Errorf("the mean distance is %.4f of the side", mean)
	}
}

// What Internet is for: near and far peers, and a middle as on the internet.
func TestInternet(t *testing.T) {
	p1, p50, p99 := percentiles(Internet(1))
	t.Logf("round trips: 1 %% below %v, half below %v, 99 %% below %v", p1, p50, p99)
	if p1 > 40*time.Millisecond || p50 < 80*time.Millisecond || p50 > 200*time.Millisecond || p99 < 300*time.Millisecond || p99 > 600*time.Millisecond {
		t.Error("that is not like the internet")
	}
	r := rand.New(rand.NewPCG(1, 1))
	if first := Internet(1).OneWay(1, 2, r); first == Internet(1).OneWay(1, 2, r) {
		t.Error("no message differs from another")
	}
}

func TestReadMatrix(t *testing.T) {
	m, err := ReadMatrix(strings.NewReader("# three hosts\n0.5 10 20\n\n10, 0.5, 30.25\n-1\t30 0.5\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		a, b int
		ms   float64
	}{{0, 1, 10}, {1, 2, 30.25}, {2, 1, 30}, {0, 3, 0.5}, {4, 5, 30.25}, {2, 0, 12.71875}} {
		want := time.Duration(c.ms * float64(time.Millisecond))
		if got := m.RoundTrip(c.a, c.b); got != want || m.OneWay(c.a, c.b, nil) != want/2 {
			t.Errorf("%d to %d takes %v, want %v", c.a, c.b, got, want)
		}
	}
	for _, bad := range []string{"", "1 2", "1 2\n3", "1 2\n3 4\n5 6", "1 x\n2 3", "nan", "1e30", "-1", strings.Repeat("1\n", MaxMatrix+1)} {
		if _, err := ReadMatrix(strings.NewReader(bad)); fault.KindOf(err) != fault.BadInput {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

func FuzzReadMatrix(f *testing.F) {
	f.Add("1 2\n3 4")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ReadMatrix(strings.NewReader(text))
		if err == nil && m.RoundTrip(3, 5) < 0 {
			t.Errorf("%q has %v", text, m.RoundTrip(3, 5))
		}
	})
}
