package main

import (
	"math"
	"strings"
	"testing"

	"github.com/seed4134be55/peer/swarm/sim"
)

// Every scenario runs, small, and a seed prints the same line twice, but for the time it took.
func TestRun(t *testing.T) {
	lines := func() (rows []string) {
		var out strings.Builder
		if err := run([]string{"-peers", "12", "-leaves", "64", "-seeds", "7", "all"}, &out); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			cells := strings.Split(line, "|")
			rows = append(rows, strings.Join(append(cells[:12:12], cells[13:]...), "|"))
		}
		return rows
	}
	one, two := lines(), lines()
	if len(one) != 2+len(scenarios) {
		t.Fatalf("%d lines: %q", len(one), one)
	}
	for i := range one {
		if one[i] != two[i] {
			t.Errorf("first %s then %s", one[i], two[i])
		}
		if strings.Contains(one[i], "not complete") {
			t.Error(one[i])
		}
	}
}

func TestBadWords(t *testing.T) {
	for _, args := range []string{"", "nosuch", "-seeds x crowd", "-peers 3 crowd", "-leaves 0 crowd", "-nosuch crowd"} {
		var out strings.Builder
		if err := run(strings.Fields(args), &out); err == nil || out.Len() > 0 {
			t.Errorf("%q: %v, %q", args, err, out.String())
		}
	}
}

func TestBound(t *testing.T) {
	c := crowdOf(t, 1024, 256)
	if got, want := bound(c), 256*(1+10.0/256)*leaf/up; math.Abs(got-want) > 1e-9 {
		t.Errorf("%f, not %f", got, want)
	}
}

func crowdOf(t *testing.T, peers, leaves int) sim.Config {
	t.Helper()
	chosen, err := choose([]string{"crowd"})
	if err != nil {
		t.Fatal(err)
	}
	return chosen[0].config(size{peers: peers, leaves: leaves}, 1)
}

func TestFairness(t *testing.T) {
	for _, tc := range []struct {
		xs   []float64
		want float64
	}{{nil, 1}, {[]float64{2, 2, 2}, 1}, {[]float64{3, 0, 0}, 1.0 / 3}} {
		if got := jain(tc.xs); math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("%v: %f, not %f", tc.xs, got, tc.want)
		}
	}
}

func TestQuantile(t *testing.T) {
	xs := []float64{1, 2, 3, 4}
	for q, want := range map[float64]string{0: "1.000", 0.5: "2.000", 0.95: "4.000", 1: "4.000"} {
		if got := quantile(xs, q); got != want {
			t.Errorf("%g: %s, not %s", q, got, want)
		}
	}
	if got := quantile(nil, 1); got != "–" {
		t.Errorf("of nothing: %s", got)
	}
}
