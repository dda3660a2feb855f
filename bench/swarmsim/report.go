package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/seed4134be55/peer/swarm/sim"
)

// report runs and prints a row as soon as it is there.
func report(chosen []scenario, seeds []uint64, s size, out io.Writer) error {
	fmt.Fprintln(out, "| scenario | seed | peers | bound | median | 95 % | slowest | riders: first, median "+
		"| copies sent by the seed | of no use | fairness | run took | hash |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, sc := range chosen {
		for _, seed := range seeds {
			began := time.Now()
			c := sc.config(s, seed)
			r, err := sim.Run(c)
			if err != nil {
				return fmt.Errorf("%s, seed %d: %w", sc.name, seed, err)
			}
			fmt.Fprintf(out, "| %s | %d | %d | %s | %.1f s | %016x |\n",
				sc.name, seed, len(c.Peers)-1, measure(c, r), time.Since(began).Seconds(), r.Hash)
		}
	}
	return nil
}

// figures is what a run came to. Times are in units of the bound.
type figures struct {
	bound                  float64 // seconds
	shared, rode           []float64
	missed                 int // stayed, shared, and did not get everything
	copies, waste, fairest float64
}

// bound is how long nobody can beat: (F/c)(1 + log2(N)/M) for N peers with uplinks c and M leaves of F bytes in all
// (Mundinger, Weber and Weiss, Optimal scheduling of peer-to-peer file dissemination, Journal of Scheduling 11, 2008,
// pages 105 to 120), where c is the seed's uplink if that is slower.
func bound(c sim.Config) float64 {
	slowest := math.Inf(1)
	for _, p := range c.Peers {
		slowest = min(slowest, p.Up)
	}
	peers, leaves := float64(len(c.Peers)-1), float64(c.Leaves)
	return leaves * float64(c.LeafBytes) / slowest * (1 + math.Log2(peers)/leaves)
}

func measure(c sim.Config, r sim.Result) figures {
	f := figures{bound: bound(c)}
	var received, wasted int64
	var gave []float64
	for i, o := range r.Peers {
		p := c.Peers[i]
		received, wasted = received+o.Received, wasted+o.Wasted
		if p.Whole {
			f.copies += float64(o.Sent) / (float64(c.Leaves) * float64(c.LeafBytes))
			continue
		}
		switch took := o.Took.Seconds() / f.bound; {
		case !o.Done && !o.Left:
			f.missed++
		case !o.Done:
		case p.Rides:
			f.rode = append(f.rode, took)
		default:
			f.shared = append(f.shared, took)
			gave = append(gave, float64(o.Sent)/float64(o.Received))
		}
	}
	f.waste, f.fairest = float64(wasted)/float64(received), jain(gave)
	slices.Sort(f.shared)
	slices.Sort(f.rode)
	return f
}

// jain is the fairness index of Jain, Chiu and Hawe (DEC-TR-301, 1984): 1 if all are equal, 1/n if one has everything.
func jain(xs []float64) float64 {
	sum, squares := 0.0, 0.0
	for _, x := range xs {
		sum += x
		squares += x * x
	}
	if squares == 0 {
		return 1
	}
	return sum * sum / (float64(len(xs)) * squares)
}

// String is the cells of f.
func (f figures) String() string {
	rode := "–"
	if len(f.rode) > 0 {
		rode = quantile(f.rode, 0) + ", " + quantile(f.rode, 0.5)
	}
	slowest := quantile(f.shared, 1)
	if f.missed > 0 {
		slowest = strconv.Itoa(f.missed) + " did not complete"
	}
	return fmt.Sprintf("%.2f s | %s | %s | %s | %s | %.2f | %.2f %% | %.2f",
		f.bound, quantile(f.shared, 0.5), quantile(f.shared, 0.95), slowest, rode, f.copies, 100*f.waste, f.fairest)
}

// quantile returns what a share q of xs, which are sorted, do not exceed.
func quantile(xs []float64, q float64) string {
	if len(xs) == 0 {
		return "–"
	}
	return strconv.FormatFloat(xs[max(0, int(math.Ceil(q*float64(len(xs))))-1)], 'f', 3, 64)
}
