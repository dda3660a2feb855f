package machine_test

import (
	"fmt"
	"testing"

	"github.com/seed4134be55/peer/discovery/kademlia/machine"
	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
	"github.com/seed4134be55/peer/internal/papertest"
)

// The paper gives no number of hops: ours come from independent models of k-buckets (see docs/discovery.md). 16,384 peers
// take about 0.5 hops less than 100,000.
func TestPaperLookups(t *testing.T) {
	peers := papertest.Pick(1<<14, 100_000)
	low, high := papertest.Pick(2.2, 2.7), papertest.Pick(2.8, 3.2)
	for _, alpha := range []int{3, 10} {
		var hops, found, after, timeouts papertest.Sample
		for _, seed := range papertest.Seeds(t) {
			s := network(t, machine.Config{Alpha: alpha}, sim.Config{Peers: peers, Seed: seed, Latency: sim.Internet(seed)})
			s.Freeze(true)
			all := count(s)
			for i := range 1000 {
				r := s.Do(s.Random(), overlay.Op{Key: number(i)})
				hops.Add(float64(r.Hops()))
				found.Add(recall(r.Owners, all.closest(number(i), 20)))
			}
			s.CrashShare(0.2)
			all = count(s)
			for i := range 1000 {
				r := s.Do(s.Random(), overlay.Op{Key: number(1000 + i)})
				after.Add(recall(r.Owners, all.closest(number(1000+i), 1)))
				timeouts.Add(float64(r.Timeouts))
			}
		}
		name := fmt.Sprintf("Kademlia, N=%d, alpha=%d: ", peers, alpha)
		papertest.Between(t, name+"hops", fmt.Sprint(low, " to ", high), hops.Mean(), low, high)
		papertest.AtLeast(t, name+"recall of the 20 closest", "0.99", found.Mean(), 0.99)
		papertest.AtLeast(t, name+"20 % dead, the closest is found", "0.99", after.Mean(), 0.99)
		papertest.Row(t, name+"20 % dead, timeouts", "-", fmt.Sprintf("%.2f", timeouts.Mean()))
	}
}
