package sim_test

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
	"github.com/seed4134be55/peer/internal/papertest"
)

// Networks of every overlay fit into memory: 100,000 peers with 10,000 lookups in 2 GB where there is a figure to reach. The
// time is logged; it is a minute at most on two cores that do nothing else.
func TestPaperScale(t *testing.T) {
	peers := papertest.Pick(2000, 100_000)
	for _, o := range overlays {
		atMost := map[string]float64{"chord": 2, "pastry": 4, "kelips": 8, "kademlia": 2}[o.name]
		t.Run(o.name, func(t *testing.T) { static(t, o.make, o.name, peers, atMost) })
	}
	t.Run("more", func(t *testing.T) { static(t, overlays[0].make, overlays[0].name, 10*peers, 6) })
}

// static fills a network and looks up keys in it before any maintenance. The memory that it takes is at most so many GB.
func static(t *testing.T, protocol func(n int) (overlay.Protocol, error), name string, peers int, atMost float64) {
	p, err := protocol(peers)
	if err != nil {
		t.Fatal(err)
	}
	lookups := papertest.Pick(1000, 10_000)
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
	gigabytes := float64(max(after.HeapInuse, before.HeapInuse)-before.HeapInuse) / (1 << 30)
	papertest.AtMost(t, fmt.Sprintf("%s, %d peers, %d lookups: GB", name, peers, lookups), fmt.Sprint(atMost), gigabytes, atMost)
}
