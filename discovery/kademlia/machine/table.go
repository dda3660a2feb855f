package machine

import (
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A table is the k-buckets of one node (§2.2). Bucket i holds nodes whose ids have exactly the first i bits of this
// node's. A full bucket keeps those that it has, as long as they answer, since nodes that have been up for long stay up;
// newcomers wait in a short cache for a place (§4.1).
type table struct {
	self    overlay.Key
	k       int
	buckets []bucket // by the length of the common prefix; grown as needed
}

type bucket struct {
	nodes   []contact     // least recently heard of first
	spare   []overlay.Ref // newest last, up to maxSpare
	touched overlay.Time  // when this node last heard of one
}

type contact struct {
	node  overlay.Ref
	fails uint8 // questions that it has not answered, since it was last heard of
}

const (
	maxSpare = 4
	maxFails = 2 // a contact without a newcomer to take its place may miss so many
)

// heard moves a node to the end of its bucket. It reports whether the node is new in the table.
func (t *table) heard(node overlay.Ref, now overlay.Time) bool {
	b := t.bucket(node.ID)
	if b == nil {
		return false
	}
	b.touched = now
	i := b.index(node)
	switch {
	case i >= 0:
		copy(b.nodes[i:], b.nodes[i+1:])
		b.nodes[len(b.nodes)-1] = contact{node: node}
		return false
	case len(b.nodes) < t.k:
		b.nodes = append(b.nodes, contact{node: node})
		b.unspare(node)
		return true
	}
	b.unspare(node)
	if len(b.spare) == maxSpare {
		b.spare = slices.Delete(b.spare, 0, 1)
	}
	b.spare = append(b.spare, node)
	return false
}

// failed notes that a node did not answer. It reports whether the node was dropped for that.
func (t *table) failed(node overlay.Ref) bool {
	b := t.bucket(node.ID)
	if b == nil {
		return false
	}
	b.unspare(node)
	i := b.index(node)
	if i < 0 {
		return false
	}
	if b.nodes[i].fails++; len(b.spare) == 0 && b.nodes[i].fails < maxFails {
		return false
	}
	b.nodes = slices.Delete(b.nodes, i, i+1)
	if last := len(b.spare) - 1; last >= 0 {
		b.nodes = append(b.nodes, contact{node: b.spare[last]})
		b.spare = b.spare[:last]
	}
	return true
}

// bucket returns where a node of this id belongs, or nil for this node's own id.
func (t *table) bucket(id overlay.Key) *bucket {
	i := t.self.Xor(id).LeadingZeros()
	if i == overlay.KeyBits {
		return nil
	}
	for len(t.buckets) <= i {
		t.buckets = append(t.buckets, bucket{})
	}
	return &t.buckets[i]
}

func (b *bucket) index(node overlay.Ref) int {
	return slices.IndexFunc(b.nodes, func(c contact) bool { return c.node == node })
}

func (b *bucket) unspare(node overlay.Ref) {
	if i := slices.Index(b.spare, node); i >= 0 {
		b.spare = slices.Delete(b.spare, i, i+1)
	}
}

// closest returns the n nodes of the table that are closest to key, closest first, without those that failed last time.
func (t *table) closest(key overlay.Key, n int) []overlay.Ref {
	all := make([]overlay.Ref, 0, 4*n)
	add := func(i int) {
		if i < len(t.buckets) {
			for _, c := range t.buckets[i].nodes {
				if c.fails == 0 {
					all = append(all, c.node)
				}
			}
		}
	}
	// Of two nodes that leave this node's id at different bits, the one that has key's bit there is closer. So bucket
	// by bucket, each has nodes closer than all of the next: first the one that key itself falls in, then those beyond,
	// which share more with this node than key does, then those before.
	own := t.self.Xor(key).LeadingZeros()
	for i := own; len(all) < n && i < len(t.buckets); i++ {
		if i == own {
			add(i)
			continue
		}
		for ; i < len(t.buckets); i++ { // together: key's further bits order them
			add(i)
		}
	}
	for i := own - 1; len(all) < n && i >= 0; i-- {
		add(i)
	}
	sortByDistance(all, key)
	return all[:min(n, len(all))]
}

func sortByDistance(nodes []overlay.Ref, key overlay.Key) {
	slices.SortFunc(nodes, func(a, b overlay.Ref) int { return a.ID.Xor(key).Compare(b.ID.Xor(key)) })
}

// each yields all nodes, those that wait for a place included.
func (t *table) each(yield func(overlay.Ref) bool) {
	for i := range t.buckets {
		for _, c := range t.buckets[i].nodes {
			if !yield(c.node) {
				return
			}
		}
		for _, r := range t.buckets[i].spare {
			if !yield(r) {
				return
			}
		}
	}
}

func (t *table) empty() bool {
	return !slices.ContainsFunc(t.buckets, func(b bucket) bool { return len(b.nodes) > 0 })
}

// size returns the number of nodes in the buckets, and about how much memory they take.
func (t *table) size() (nodes, bytes int) {
	bytes = cap(t.buckets) * int(unsafe.Sizeof(bucket{}))
	for _, b := range t.buckets {
		nodes += len(b.nodes)
		bytes += cap(b.nodes)*int(unsafe.Sizeof(contact{})) + cap(b.spare)*int(unsafe.Sizeof(overlay.Ref{}))
	}
	return nodes, bytes
}

func (t *table) String() string {
	var s strings.Builder
	for i, b := range t.buckets {
		if len(b.nodes) == 0 {
			continue
		}
		fmt.Fprintf(&s, "bucket %d:", i)
		for _, c := range b.nodes {
			fmt.Fprintf(&s, " %v", c.node)
		}
		s.WriteByte('\n')
	}
	return s.String()
}
