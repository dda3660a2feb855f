package machine_test

import (
	"fmt"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/kademlia/machine"
	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
	"github.com/seed4134be55/peer/internal/papertest"
)

func network(t testing.TB, c machine.Config, s sim.Config) *sim.Sim {
	t.Helper()
	var err error
	if s.Protocol, err = machine.Protocol(c); err != nil {
		t.Fatal(err)
	}
	network, err := sim.New(s)
	if err != nil {
		t.Fatal(err)
	}
	network.Fill()
	return network
}

// A census knows who lives, in the order of ids.
type census []overlay.Ref

func count(s *sim.Sim) (c census) {
	for _, p := range s.Live() {
		c = append(c, s.Ref(p))
	}
	slices.SortFunc(c, func(a, b overlay.Ref) int { return a.ID.Compare(b.ID) })
	return c
}

// closest returns the k nodes that are closest to key. They are in the smallest subtree around it that has k.
func (c census) closest(key overlay.Key, k int) []overlay.Ref {
	lo, hi := 0, len(c)
	for depth := 0; depth < overlay.KeyBits; depth++ {
		bit := func(id overlay.Key) bool { return id[depth/8]&(0x80>>(depth%8)) != 0 }
		mid := lo + sort.Search(hi-lo, func(i int) bool { return bit(c[lo+i].ID) })
		l, h := lo, mid
		if bit(key) {
			l, h = mid, hi
		}
		if h-l < k {
			break
		}
		lo, hi = l, h
	}
	near := slices.Clone(c[lo:hi])
	slices.SortFunc(near, func(a, b overlay.Ref) int { return a.ID.Xor(key).Compare(b.ID.Xor(key)) })
	return near[:min(k, len(near))]
}

// recall is which share of want is in got.
func recall(got, want []overlay.Ref) float64 {
	n := 0
	for _, w := range want {
		if slices.Contains(got, w) {
			n++
		}
	}
	return float64(n) / float64(len(want))
}

func number(i int) overlay.Key { return overlay.NameKey(fmt.Sprint("key ", i)) }

// Peers that join one after the other find the same as if their tables had been filled.
func TestJoinsConverge(t *testing.T) {
	for seed := range papertest.Pick[uint64](1, 10) {
		s := network(t, machine.Config{}, sim.Config{Seed: seed, Latency: sim.Internet(seed), Check: true})
		s.Grow(200, time.Second)
		s.Run(time.Minute)
		all, sum := count(s), 0.0
		for i := range 200 {
			r := s.Do(s.Random(), overlay.Op{Key: number(i)})
			if r.Err != nil {
				t.Fatalf("seed %d: %v", seed, r.Err)
			}
			sum += recall(r.Owners, all.closest(number(i), 20))
		}
		if sum/200 < 0.999 {
			t.Errorf("seed %d: recall %.4f", seed, sum/200)
		}
		if st := s.Stats(); st.Rejected > 0 {
			t.Errorf("seed %d: %d messages were rejected: %v", seed, st.Rejected, st.Why)
		}
	}
}

// Two, three and five peers are a network.
func TestSmallNetworks(t *testing.T) {
	for n := 1; n <= 5; n++ {
		s := network(t, machine.Config{}, sim.Config{Seed: uint64(n)})
		s.Grow(n, time.Second)
		rec := s.Record(0, number(1), overlay.Value, time.Hour, []byte("v"))
		r := s.Do(0, overlay.Op{Kind: overlay.Publish, Key: rec.Key, Record: rec})
		if (r.Err != nil) != (n == 1) {
			t.Errorf("%d peers: publish: %v", n, r.Err)
		}
		for p := range n {
			r := s.Do(p, overlay.Op{Kind: overlay.Find, Key: rec.Key})
			if r.Err != nil || len(r.Records) != 1 {
				t.Errorf("%d peers: peer %d finds %d records, %v", n, p, len(r.Records), r.Err)
			}
		}
	}
}

// Records survive half of the peers, then the rest as new ones come, and expire.
func TestRecordsStay(t *testing.T) {
	for seed := range papertest.Pick[uint64](1, 10) {
		s := network(t, machine.Config{}, sim.Config{Peers: 200, Seed: seed, Check: true})
		for i := range 30 {
			at := s.Random()
			rec := s.Record(at, number(i), overlay.Value, 4*time.Hour, []byte("v"))
			if r := s.Do(at, overlay.Op{Kind: overlay.Publish, Key: rec.Key, Record: rec}); r.Err != nil {
				t.Fatal(r.Err)
			}
		}
		found := func(when string, want int) {
			t.Helper()
			got := 0
			for i := range 30 {
				got += len(s.Do(s.Random(), overlay.Op{Kind: overlay.Find, Key: number(i)}).Records)
			}
			if got != want {
				t.Errorf("seed %d: %s %d of 30 records are found, want %d", seed, when, got, want)
			}
		}
		found("at once", 30)
		s.CrashShare(0.5)
		found("without half of the peers", 30)
		s.SetChurn(sim.Churn{Joins: 0.02, Crashes: 0.02})
		s.Run(3 * time.Hour)
		s.SetChurn(sim.Churn{})
		found("after churn", 30)
		s.Run(time.Hour + time.Minute)
		found("after their time", 0)
	}
}

// A network that was cut is one again once it heals, without an introduction.
func TestPartitionHeals(t *testing.T) {
	s := network(t, machine.Config{}, sim.Config{Peers: 100, Seed: 4})
	s.Partition(func(peer int) int { return peer % 2 })
	s.Run(3 * time.Hour)
	s.Heal()
	s.Run(3 * time.Hour)
	all := count(s)
	for i := range 50 {
		r := s.Do(s.Random(), overlay.Op{Key: number(i)})
		if got := recall(r.Owners, all.closest(number(i), 20)); got < 0.9 {
			t.Errorf("recall of %v is %.2f after the cut", number(i), got)
		}
	}
}

// Two networks of which one hears of one peer of the other become one.
func TestNetworksMerge(t *testing.T) {
	s := network(t, machine.Config{}, sim.Config{Seed: 5})
	for _, first := range []int{0, 30} {
		s.JoinThrough()
		for range 29 {
			s.JoinThrough(first)
			s.Run(time.Second)
		}
	}
	s.Meet(7, 43)
	s.Run(3 * time.Hour)
	all := count(s)
	for i := range 50 {
		r := s.Do(s.Random(), overlay.Op{Key: number(i)})
		if got := recall(r.Owners, all.closest(number(i), 20)); got < 0.9 {
			t.Errorf("recall of %v is %.2f", number(i), got)
		}
	}
}

// A newcomer whose first contact knows only dead neighbours, and a node whose closest contacts all died at once, find
// their way all the same.
func TestDeadNeighbours(t *testing.T) {
	s := network(t, machine.Config{}, sim.Config{Peers: 400, Seed: 6})
	s.CrashShare(0.8)
	for range 20 {
		s.Join()
	}
	s.Run(2 * time.Minute)
	for _, p := range s.Live() {
		if r := s.Do(p, overlay.Op{Key: number(p)}); r.Err != nil {
			t.Errorf("peer %d of %d: %v after %d timeouts", p, s.Peers(), r.Err, r.Timeouts)
		}
	}
}
