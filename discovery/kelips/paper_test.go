package kelips

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
	"github.com/seed4134be55/peer/internal/papertest"
)

// census is what the peers of a network hold on average.
func census(s *sim.Sim) (peers, keys float64) {
	live := s.Live()
	for _, p := range live {
		c := s.Machine(p).Census()
		peers += float64(c.Peers)
		keys += float64(c.Keys)
	}
	return peers / float64(len(live)), keys / float64(len(live))
}

// entries checks how much peers hold: n/k + c(k-1) + F/k (IPTPS 2003, §2).
func entries(t *testing.T, s *sim.Sim, files int) {
	t.Helper()
	c, n := node(s, s.Live()[0]).config, float64(len(s.Live()))
	k := float64(c.Groups)
	want := n/k + float64(c.Contacts)*(k-1) + float64(files)/k
	peers, keys := census(s)
	papertest.Between(t, fmt.Sprintf("entries of a node, %.0f peers, %d files", n, files), fmt.Sprintf("%.1f", want), peers+keys, want*0.95, want*1.05)
}

// hopsOf looks random keys up from random peers, some at a time while gossip goes on, and checks that 99 % take one hop.
func hopsOf(t *testing.T, s *sim.Sim, lookups, files int, what string) {
	t.Helper()
	var hops papertest.Sample
	failed, timeouts := 0, 0
	for i := range lookups {
		s.Call(s.Random(), overlay.Op{Kind: overlay.Find, Key: key(i % files)}, func(r *overlay.Result) {
			timeouts += r.Timeouts
			if len(r.Records) == 0 {
				failed++
			}
			hops.Add(float64(r.Hops()))
		})
		if i%20 == 19 {
			s.Run(10 * time.Millisecond)
		}
	}
	s.Finish(time.Minute)
	papertest.AtLeast(t, "lookups in one hop, "+what, "1 (O(1))", hops.Share(1), 0.99)
	papertest.AtMost(t, "failed lookups, "+what, "", float64(failed)/float64(lookups), 0)
	t.Logf("mean %.3f hops, %d timeouts", hops.Mean(), timeouts)
}

// Each test is for all seeds at 1,000 peers, and when everything is measured for one at 10,000 too.
func forSizes(t *testing.T, test func(t *testing.T, seed uint64, n int)) {
	for _, seed := range papertest.Seeds(t)[:papertest.Pick(1, 10)] {
		test(t, seed, 1000)
	}
	if papertest.Full() {
		test(t, 1, 10_000)
	}
}

// Files published in a network that gossips get to all of their groups, and are found in one hop.
func TestPaperGossiping(t *testing.T) {
	forSizes(t, func(t *testing.T, seed uint64, n int) {
		files := 3 * n / 10
		s := network(t, Config{Size: n}, sim.Config{Seed: seed, Peers: n, Latency: sim.Internet(seed)})
		// The ration of new records limits how many a group can spread.
		every := 3 * time.Second / time.Duration(node(s, 0).config.Groups)
		for i := range files {
			p := s.Random()
			r := s.Record(p, key(i), overlay.Provider, 3*time.Hour, make([]byte, 40))
			s.Call(p, overlay.Op{Kind: overlay.Publish, Key: key(i), Record: r}, func(*overlay.Result) {})
			s.Run(every)
		}
		s.Run(time.Minute)
		entries(t, s, files)
		hopsOf(t, s, 10*files, files, fmt.Sprintf("%d gossiping peers", n))
	})
}

// With the tables and records of a network that has settled, a lookup takes one hop.
func TestPaperSettled(t *testing.T) {
	n, files := papertest.Pick(4000, 100_000), papertest.Pick(200, 2000)
	s := network(t, Config{Size: n}, sim.Config{Seed: 1, Peers: n, Latency: sim.Internet(1)})
	s.Freeze(true)
	settleRecords(s, files)
	entries(t, s, files)
	hopsOf(t, s, 10*files, files, fmt.Sprintf("%d peers, settled views", n))
}

// settleRecords gives records of so many keys to all that keep them.
func settleRecords(s *sim.Sim, files int) {
	members := map[int][]*Node{}
	for _, p := range s.Live() {
		n := node(s, p)
		members[n.group] = append(members[n.group], n)
	}
	for i := range files {
		r := s.Record(i%s.Peers(), key(i), overlay.Provider, 3*time.Hour, make([]byte, 40))
		for _, n := range members[node(s, 0).config.group(r.Key)] {
			_ = n.shelf.Put(s.Now(), r)
		}
	}
}

// egress runs a network and returns what a peer sends in a second.
func egress(t *testing.T, n, files int, d time.Duration) float64 {
	s := network(t, Config{Size: n}, sim.Config{Seed: 1, Peers: n})
	settleRecords(s, files*node(s, 0).config.Groups)
	s.Run(10 * time.Second)
	before := s.Stats().Maintenance.Bytes
	s.Run(d)
	return float64(s.Stats().Maintenance.Bytes-before) / float64(n) / d.Seconds()
}

// What a peer sends in the background does not grow with the network, whether or not there are enough records to fill
// their ration.
func TestPaperEgress(t *testing.T) {
	for _, files := range []int{0, 150} {
		var rates papertest.Sample
		for _, n := range papertest.Pick([]int{250, 1000, 2000}, []int{250, 1000, 4000, 10_000}) {
			rate := egress(t, n, files, papertest.Pick(20*time.Second, time.Minute))
			papertest.Row(t, fmt.Sprintf("bytes a second that each of %d peers sends, %d files a group", n, files), "constant", fmt.Sprintf("%.0f", rate))
			rates.Add(rate)
		}
		papertest.AtMost(t, "greatest of these over the smallest", "1", rates.Percentile(100)/rates.Percentile(0), 1.1)
	}
}

// After half of all peers died at once, hardly any entry is of a dead one when the timeout has passed.
func TestPaperHalfDie(t *testing.T) {
	forSizes(t, func(t *testing.T, seed uint64, n int) {
		const files = 100
		s := network(t, Config{Size: n}, sim.Config{Seed: seed, Peers: n})
		settleRecords(s, files)
		s.Run(20 * time.Second)
		timeout := time.Duration(max(node(s, 0).timeout(true), node(s, 0).timeout(false))) * tick
		s.CrashShare(0.5)
		report(t, s, files, "at once")
		s.Run(timeout / 4)
		report(t, s, files, "a quarter of the timeout later")
		s.Run(timeout - timeout/4)
		stale := report(t, s, files, "after the timeout")
		papertest.AtMost(t, fmt.Sprintf("stale entries %v after half of %d died", timeout.Round(time.Second), n), "none after the timeout", stale, 0.01)
	})
}

// report logs the share of entries that are stale, and how lookups do.
func report(t *testing.T, s *sim.Sim, files int, when string) float64 {
	stale, all := 0, 0
	for _, p := range s.Live() {
		n := node(s, p)
		for i := range n.table {
			if e := &n.table[i]; e.state != dead {
				if all++; !s.Alive(s.PeerOf(e.ref)) {
					stale++
				}
			}
		}
	}
	var hops, timeouts papertest.Sample
	failed := 0
	for i := range 500 {
		s.Call(s.Random(), overlay.Op{Kind: overlay.Find, Key: key(i % files)}, func(r *overlay.Result) {
			if len(r.Records) == 0 {
				failed++
			}
			hops.Add(float64(r.Hops()))
			timeouts.Add(float64(r.Timeouts))
		})
	}
	s.Freeze(true)
	s.Finish(time.Minute)
	s.Freeze(false)
	t.Logf("%s: %.2f %% of entries stale; lookups: %d of 500 failed, %.2f hops, %.2f timeouts", when, 100*float64(stale)/float64(all), failed, hops.Mean(), timeouts.Mean())
	return float64(stale) / float64(all)
}

// Heartbeats have the ages that the timeouts count on, and nobody who lives is timed out. With the 25 s that p2psim has,
// many would be.
func TestPaperAges(t *testing.T) {
	n := papertest.Pick(1000, 10_000)
	s := network(t, Config{Size: n}, sim.Config{Seed: 1, Peers: n, Latency: sim.Internet(1)})
	s.Run(papertest.Pick(2*time.Minute, 5*time.Minute))
	var ages papertest.Sample
	for _, p := range s.Live() {
		n := node(s, p)
		n.now = s.Now()
		for i := range n.table {
			if e := &n.table[i]; e.state == met && n.mate(e.ref) {
				ages.Add(float64(n.age(e)))
			}
		}
	}
	mates := float64(n)/float64(node(s, 0).config.Groups) - 1
	rounds := math.Log((1+rationOwn)/1e-3) / (2 * targets * (1 + rationOwn) / mates)
	want := rounds * float64(interval/tick)
	papertest.Between(t, "age of heartbeats in ticks, 99.9th percentile", fmt.Sprintf("%.0f by the form", want), ages.Percentile(99.9), 0.6*want, timeoutSlack*want)
	papertest.AtMost(t, "oldest heartbeat over the timeout", "", ages.Percentile(100)/float64(node(s, 0).timeout(true)), 0.9)
	papertest.Row(t, fmt.Sprintf("live mates older than 25 s, %d peers", n), "", fmt.Sprintf("%.1f %%", 100-100*ages.Share(float64(25*time.Second/tick))))
	if mates, contacts := missing(s); float64(mates+contacts) > 1e-4*float64(len(ages)) {
		t.Errorf("%d mates and %d contacts are missing", mates, contacts)
	}
}

// The memory of one node of the paper's example: 100,000 nodes and 10 million files. Tables are measured over many, since
// one is too small to be seen in the heap.
func TestPaperMemory(t *testing.T) {
	const nodes, files = 100_000, 10_000_000
	heap := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	ns := make([]*Node, 100)
	refs := map[int][]overlay.Ref{}
	before := heap()
	for i := range ns {
		ns[i] = full(lone(Config{Size: nodes}, uint64(i)), nodes, refs)
	}
	n, k := ns[0], ns[0].config.Groups
	table := (heap() - before) / float64(len(ns))
	before = heap()
	for i := range files / k {
		r := &overlay.Record{Key: key(i), Kind: overlay.Provider, Publisher: peer.ID(fmt.Sprintf("%038d", i)), Sequence: 1,
			Expiry: overlay.Time(time.Hour), Payload: make([]byte, 40), Signature: make([]byte, 64)}
		if err := n.shelf.Put(0, r); err != nil {
			t.Fatal(err)
		}
	}
	tuples := heap() - before
	papertest.Row(t, "bytes of a view or contact entry", "60", fmt.Sprintf("%.0f", table/float64(len(n.table))))
	papertest.Row(t, "bytes of a file tuple (ours is a signed record)", "60", fmt.Sprintf("%.0f", tuples/float64(files/k)))
	papertest.Row(t, "MB of a node, 100,000 nodes, 10 million files", "1.95 (32,569 entries of 60 B)", fmt.Sprintf("%.2f", (table+tuples)/1e6))
	papertest.AtMost(t, "MB of the table alone", "0.06", table/1e6, 0.06)
	runtime.KeepAlive(ns)
}

// full gives n the table of a network of so many nodes. refs are made once for all.
func full(n *Node, nodes int, refs map[int][]overlay.Ref) *Node {
	n.out = new(overlay.Actions)
	for g := range n.config.Groups {
		count := n.config.Contacts
		if g == n.group {
			count = nodes/n.config.Groups - 1
		}
		for i := range count {
			if i >= len(refs[g]) {
				refs[g] = append(refs[g], n.at(g, i))
			}
			n.spoke(refs[g][i], time.Millisecond)
		}
	}
	n.out = nil
	return n
}
