package chord

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
)

func newSim(t testing.TB, c Config, s sim.Config) *sim.Sim {
	t.Helper()
	p, err := Protocol(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Protocol = p
	w, err := sim.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func keyNumber(i int) overlay.Key {
	return overlay.NameKey(fmt.Sprint(binary.BigEndian.AppendUint64(nil, uint64(i))))
}

// figures are what lookups took.
type figures struct {
	hops, timeouts []int
	failed, wrong  int
}

func (f *figures) add(r *overlay.Result, owner overlay.Ref) {
	switch {
	case r.Err != nil:
		f.failed++
		fmt.Println(r.Err, r.Hops(), r.Timeouts)
		return
	case r.Owners[0] != owner:
		f.wrong++
	}
	f.hops = append(f.hops, r.Hops())
	f.timeouts = append(f.timeouts, r.Timeouts)
}

func mean(v []int) float64 {
	total := 0
	for _, x := range v {
		total += x
	}
	return float64(total) / float64(len(v))
}

func percentile(v []int, p float64) int {
	v = slices.Sorted(slices.Values(v))
	return v[min(int(p*float64(len(v))), len(v)-1)]
}

// owner is who is responsible for a key of all live peers.
func ring(s *sim.Sim) []overlay.Ref {
	var nodes []overlay.Ref
	for _, p := range s.Live() {
		nodes = append(nodes, s.Nodes(p)...)
	}
	slices.SortFunc(nodes, func(a, b overlay.Ref) int { return a.ID.Compare(b.ID) })
	return nodes
}

// lookups has every live peer look up so many keys.
func (f *figures) lookups(s *sim.Sim, each int) {
	nodes := ring(s)
	for i, p := range s.Live() {
		for j := range each {
			key := keyNumber(i*each + j)
			s.Call(p, overlay.Op{Kind: overlay.Route, Key: key}, func(r *overlay.Result) { f.add(r, successor(nodes, key)) })
		}
	}
	s.Finish(time.Hour)
}

func TestPaperFailures(t *testing.T) {
	for _, c := range []struct {
		fail, hops, within, timeouts float64
	}{{0, 3.84, 0.1, 0}, {0.3, 4.44, 0.04 * 4.44, 2.02}, {0.5, 5.09, 1, 5.1}} {
		var f figures
		for seed := range uint64(3) {
			s := newSim(t, Config{}, sim.Config{Peers: 1000, Seed: seed})
			s.Fill()
			s.Freeze(true)
			s.CrashShare(c.fail)
			f.lookups(s, 1)
		}
		hops, timeouts := mean(f.hops), mean(f.timeouts)
		t.Logf("%v failed: paper %v hops, %v timeouts; ours %.2f, %.2f; percentiles 1 %d, 10 %d, 90 %d, 99 %d", c.fail, c.hops, c.timeouts,
			hops, timeouts, percentile(f.hops, .01), percentile(f.hops, .1), percentile(f.hops, .9), percentile(f.hops, .99))
		if f.failed+f.wrong > 0 {
			t.Errorf("%v failed: %d lookups failed, %d were wrong", c.fail, f.failed, f.wrong)
		}
		if hops < c.hops-c.within || hops > c.hops+c.within || timeouts < 0.7*c.timeouts || timeouts > 1.3*c.timeouts {
			t.Errorf("%v failed: out of bounds", c.fail)
		}
	}
}
