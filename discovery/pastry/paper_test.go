package pastry

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
	"github.com/seed4134be55/peer/internal/papertest"
)

// static returns a network whose tables are filled and whose timers wait. Messages are not decoded: that costs the most.
func static(t *testing.T, c sim.Config) *sim.Sim {
	t.Helper()
	c.Protocol = protocol(t, Config{})
	s, err := sim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Fill()
	s.Freeze(true)
	return s
}

// A survey is what a number of lookups for random keys from random peers found.
type survey struct {
	hops, timeouts papertest.Sample
	wrong, failed  int     // lookups that ended elsewhere than with the closest, or with an error
	way, direct    float64 // what all took by their hops, and would have without: seconds there and back
}

func (v *survey) measure(s *sim.Sim, l sim.Latency, seed uint64, lookups int) {
	r, alive := source(seed), newRing(s)
	for range lookups {
		from, key := s.Random(), randomKey(r)
		res := s.Do(from, overlay.Op{Kind: overlay.Route, Key: key})
		if res.Err != nil {
			v.failed++
			continue
		}
		if res.Owners[0] != alive.closest(key) {
			v.wrong++
		}
		v.hops.Add(float64(res.Hops()))
		v.timeouts.Add(float64(res.Timeouts))
		v.travel(s, l, from, res.Path)
	}
}

func (v *survey) travel(s *sim.Sim, l sim.Latency, from int, path []overlay.Hop) {
	far := func(a, b int) float64 {
		if a == b {
			return 0
		}
		return l.RoundTrip(a, b).Seconds()
	}
	at := from
	for _, h := range path {
		next := s.PeerOf(h.Node)
		v.way += far(at, next)
		at = next
	}
	v.direct += far(from, at)
}

// A ring is the live nodes in the order of their ids.
type ring []overlay.Ref

func newRing(s *sim.Sim) (r ring) {
	for _, p := range s.Live() {
		r = append(r, s.Ref(p))
	}
	slices.SortFunc(r, func(a, b overlay.Ref) int { return a.ID.Compare(b.ID) })
	return r
}

// closest returns who is numerically closest to a key: one of the two beside it.
func (r ring) closest(key overlay.Key) overlay.Ref {
	i, _ := slices.BinarySearchFunc(r, key, func(x overlay.Ref, k overlay.Key) int { return x.ID.Compare(k) })
	a, b := r[i%len(r)], r[(i+len(r)-1)%len(r)]
	if closer(idOf(key), idOf(b.ID), idOf(a.ID)) {
		return b
	}
	return a
}

// sound fails the test if a lookup failed or ended elsewhere than with the numerically closest.
func (v *survey) sound(t *testing.T) {
	t.Helper()
	if v.failed > 0 || v.wrong > 0 {
		t.Errorf("of %d lookups %d failed and %d ended with another than the closest", len(v.hops)+v.failed, v.failed, v.wrong)
	}
}

// Hops with 100,000 peers, counted to the numerically closest (§3: the average and the distribution for b = 4, |L| = 16).
func TestPaperHops(t *testing.T) {
	const peers = 100_000
	flat := sim.Constant(50 * time.Millisecond)
	var v survey
	seeds := papertest.Seeds(t)
	for _, seed := range seeds[:papertest.Pick(1, len(seeds))] {
		v.measure(static(t, sim.Config{Peers: peers, Seed: seed, Latency: flat}), flat, seed, papertest.Pick(10_000, 20_000))
	}
	v.sound(t)
	papertest.Between(t, "Pastry, N=100,000, b=4, L=16: mean hops", "3.9–4.1", v.hops.Mean(), 3.9, 4.1)
	papertest.AtLeast(t, "… share of lookups within 5 hops", "0.98", v.hops.Share(5), 0.98)
	for h := range 7 {
		papertest.Row(t, fmt.Sprintf("… in %d hops", h), "", fmt.Sprintf("%.4f", v.hops.Share(float64(h))-v.hops.Share(float64(h)-1)))
	}
}

// How much longer routes are than the direct way, by the sum of all: on the paper's plane (§3), and on a model of the
// internet, of which the paper says nothing.
func TestPaperStretch(t *testing.T) {
	peers := papertest.Pick(5_000, 100_000)
	for _, c := range []struct {
		what string
		of   func(uint64) sim.Latency
		most float64
	}{{"plane", sim.Plane, 1.5}, {"internet", sim.Internet, 2}} {
		var v survey
		seeds := papertest.Seeds(t)
		for _, seed := range seeds[:papertest.Pick(1, 3)] {
			l := c.of(seed)
			v.measure(static(t, sim.Config{Peers: peers, Seed: seed, Latency: l}), l, seed, 10_000)
		}
		v.sound(t)
		papertest.AtMost(t, fmt.Sprintf("Pastry, N=%d, %s: stretch", peers, c.what), "1.5 on the plane", v.way/v.direct, c.most)
	}
}

// A tenth of the peers fail silently. Right after that, with no repair but what lookups begin, none fails; a
// quarter of an hour later they take as many hops as before (§3).
func TestPaperFailures(t *testing.T) {
	peers, lookups := papertest.Pick(2_000, 5_000), papertest.Pick(2_000, 10_000)
	flat := sim.Constant(50 * time.Millisecond)
	var whole, broken, repaired survey
	seeds := papertest.Seeds(t)
	for _, seed := range seeds[:papertest.Pick(1, len(seeds))] {
		s := static(t, sim.Config{Peers: peers, Seed: seed, Latency: flat})
		whole.measure(s, flat, seed, lookups)
		s.CrashShare(0.1)
		broken.measure(s, flat, seed+100, lookups/10)
		s.Freeze(false)
		s.Run(16 * time.Minute)
		s.Freeze(true)
		repaired.measure(s, flat, seed+200, lookups)
	}
	for _, v := range []*survey{&whole, &broken, &repaired} {
		v.sound(t)
	}
	before := whole.hops.Mean()
	papertest.Row(t, fmt.Sprintf("Pastry, N=%d: mean hops before", peers), "", fmt.Sprintf("%.3f", before))
	papertest.Row(t, "… 10 % failed, no periodic repair", "", fmt.Sprintf("%.3f", broken.hops.Mean()))
	papertest.Row(t, "… timeouts a lookup meanwhile", "", fmt.Sprintf("%.3f", broken.timeouts.Mean()))
	papertest.Between(t, "… after repair, of before", "1 ± 0.02", repaired.hops.Mean()/before, 0.98, 1.02)
	papertest.AtMost(t, "… timeouts a lookup after repair", "", repaired.timeouts.Mean(), 0.01)
}

// With 5,000 peers the paper's 2.7 hops (§3) are those of lookups that may stop at any of five replicas. To the
// numerically closest there are 3.0.
func TestPaperReplicas(t *testing.T) {
	const peers, keys = 5_000, 200
	var first, closest papertest.Sample
	for _, seed := range papertest.Seeds(t) {
		s, r := static(t, sim.Config{Peers: peers, Seed: seed}), source(seed)
		for range keys {
			key := randomKey(r)
			publish(t, s, s.Random(), key)
			for range 20 {
				one := s.Do(s.Random(), overlay.Op{Kind: overlay.Find, Key: key, Want: 1})
				all := find(s, s.Random(), key)
				if len(one.Records) != 1 || len(all.Records) != 1 {
					t.Fatalf("seed %d: %v is not found: %v, %v", seed, key, one.Err, all.Err)
				}
				first.Add(float64(one.Hops()))
				closest.Add(float64(all.Hops()))
			}
		}
	}
	papertest.Between(t, "Pastry, N=5,000: mean hops to any of 5 replicas", "2.7", first.Mean(), 2.6, 2.8)
	papertest.Between(t, "… to the numerically closest", "3.0", closest.Mean(), 2.9, 3.1)
}

// What a full machine takes: the tables of the paper, about log₁₆ N rows of 15, and two sets.
func TestPaperState(t *testing.T) {
	peers := papertest.Pick(20_000, 100_000)
	s := static(t, sim.Config{Peers: peers, Seed: 1})
	var bytes, entries papertest.Sample
	for p := range peers {
		c := s.Machine(p).Census()
		bytes.Add(float64(c.Bytes))
		entries.Add(float64(s.Machine(p).(*Node).table.len()))
	}
	rows := math.Ceil(math.Log(float64(peers)) / math.Log(16))
	papertest.AtMost(t, fmt.Sprintf("Pastry, N=%d: entries of a routing table", peers), fmt.Sprintf("%.0f at most", 15*rows), entries.Mean(), 15*rows)
	papertest.AtMost(t, "… bytes of a machine", "", bytes.Mean(), 5_000)
}

// Tables that grew by joins are as near as those that Fill makes, on the paper's plane.
func TestJoinsMakeNearTables(t *testing.T) {
	const peers = 300
	l := sim.Plane(1)
	s := network(t, sim.Config{Seed: 1, Latency: l})
	s.Grow(peers, time.Second/2)
	var grown, filled survey
	grown.measure(s, l, 1, 2000)
	filled.measure(static(t, sim.Config{Peers: peers, Seed: 1, Latency: l}), l, 1, 2000)
	grown.sound(t)
	a, b := grown.way/grown.direct, filled.way/filled.direct
	t.Logf("stretch %.3f after joins, %.3f filled", a, b)
	if a > 1.1*b {
		t.Errorf("stretch %.3f after joins, %.3f filled", a, b)
	}
}
