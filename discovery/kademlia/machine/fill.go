package machine

import (
	"slices"
	"sort"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// fill gives each machine k random nodes for each bucket, or all that there are. Buckets are at random moments of their
// refresh period, as in a network that has run for a while.
func fill(w overlay.World) {
	for _, m := range w.Machines {
		m.(*Node).fill(w)
	}
}

func (n *Node) fill(w overlay.World) {
	// Those who share i bits with this node are neighbours in the order of ids, and the half of them without bit i is
	// bucket i.
	for lo, hi, i := 0, len(w.Nodes), 0; hi-lo > 1; i++ {
		mid := lo + sort.Search(hi-lo, func(j int) bool { return bit(w.Nodes[lo+j].ID, i) })
		others := w.Nodes[lo:mid]
		if bit(n.self.ID, i) {
			lo = mid
		} else {
			others, hi = w.Nodes[mid:hi], mid
		}
		if len(others) > 0 {
			n.table.fill(i, pick(w, others, n.c.K), w.Now.Add(-time.Duration(w.Rand.Int64N(int64(n.c.Refresh)))))
		}
	}
}

func (t *table) fill(i int, nodes []overlay.Ref, touched overlay.Time) {
	for len(t.buckets) <= i {
		t.buckets = append(t.buckets, bucket{})
	}
	b := &t.buckets[i]
	b.touched = touched
	b.nodes = make([]contact, len(nodes))
	for j, node := range nodes {
		b.nodes[j] = contact{node: node}
	}
}

// pick returns k different nodes at random, or all.
func pick(w overlay.World, of []overlay.Ref, k int) []overlay.Ref {
	if len(of) <= k {
		return of
	}
	picked := make([]overlay.Ref, 0, k)
	for len(picked) < k {
		if r := of[w.Rand.IntN(len(of))]; !slices.Contains(picked, r) {
			picked = append(picked, r)
		}
	}
	return picked
}

func bit(k overlay.Key, i int) bool { return k[i/8]&(0x80>>(i%8)) != 0 }
