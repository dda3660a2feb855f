package sim_test

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/chord"
	"github.com/seed4134be55/peer/discovery/kademlia/machine"
	"github.com/seed4134be55/peer/discovery/kelips"
	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/pastry"
	"github.com/seed4134be55/peer/discovery/sim"
	"github.com/seed4134be55/peer/internal/papertest"
)

// Networks of every overlay fit into memory: 100,000 peers with 10,000 lookups in 2 GB where there is a figure to reach. The
// time is logged; it is a minute at most on two cores that do nothing else.
func TestPaperScale(t *testing.T) {
	lookups := papertest.Pick(1000, 10_000)
	few, many := papertest.Pick(2_000, 100_000), papertest.Pick(5_000, 1_000_000)
	for _, c := range []struct {
		name     string
		peers    int
		gigabyte float64 // at most, on the heap; at full size
		protocol func(n int) (overlay.Protocol, error)
	}{
		{"chord", few, 2, func(n int) (overlay.Protocol, error) { return chord.Protocol(chord.Config{Size: n}) }},
		{"pastry", few, 4, func(n int) (overlay.Protocol, error) { return pastry.Protocol(pastry.Config{Size: n}) }},
		{"kelips", few, 8, func(n int) (overlay.Protocol, error) { return kelips.Protocol(kelips.Config{Size: n}) }},
		{"kademlia", few, 2, func(int) (overlay.Protocol, error) { return machine.Protocol(machine.Config{}) }},
		{"chord", many, 6, func(n int) (overlay.Protocol, error) { return chord.Protocol(chord.Config{Size: n}) }},
	} {
		t.Run(fmt.Sprint(c.name, " ", c.peers), func(t *testing.T) {
			p, err := c.protocol(c.peers)
			if err != nil {
				t.Fatal(err)
			}
			gigabytes := static(t, p, c.peers, lookups)
			papertest.AtMost(t, fmt.Sprintf("%s, %d peers, %d lookups: GB", c.name, c.peers, lookups), fmt.Sprint(c.gigabyte), gigabytes, c.gigabyte)
		})
	}
}

// static fills a network and looks up keys in it before any maintenance. It returns the memory that was in use, in GB.
func static(t *testing.T, p overlay.Protocol, peers, lookups int) float64 {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	s, err := sim.New(sim.Config{Protocol: p, Peers: peers, Seed: 1, Latency: sim.Internet(1)})
	if err != nil {
		t.Fatal(err)
	}
	s.Freeze(true)
	s.Fill()
	filled := time.Now()
	var hops papertest.Sample
	for i := range lookups {
		r := s.Do(s.Random(), overlay.Op{Kind: overlay.Route, Key: overlay.NameKey(strconv.Itoa(i))})
		if r.Err != nil {
			t.Errorf("lookup %d: %v", i, r.Err)
		}
		hops.Add(float64(r.Hops()))
	}
	runtime.ReadMemStats(&after)
	t.Logf("filled in %v, lookups in %v, %.2f hops", filled.Sub(began), time.Since(filled), hops.Mean())
	runtime.KeepAlive(s)
	return float64(max(after.HeapInuse, before.HeapInuse)-before.HeapInuse) / (1 << 30)
}
