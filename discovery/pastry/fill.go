package pastry

import (
	"github.com/seed4134be55/peer/discovery/overlay"
)

// Filling.
const (
	// sample is how many nodes are looked at for one slot; where there are fewer all are. It is what joins look at too,
	// about: a slot is filled from a table met on the way, and then from each of a row (§2.4, §2.5).
	sample = 16
	// passes is how often each node looks for nearer nodes in the tables of those in its own: the second stage of §2.5.
	passes = 2
)

// A filler gives all machines of a world their tables.
type filler struct {
	rules *rules
	world overlay.World
	nodes []*Node
	index map[overlay.Handle]int32
	flat  bool // all are equally far from each other, as far as was seen
}

// fill gives machines the leaf sets that they would have when all joins have settled, a node in each slot for which there
// is one, and nodes that are near: those that the paper's two stages find, first among some for each slot, then among
// those that the near ones know.
func fill(r *rules, w overlay.World) {
	f := &filler{rules: r, world: w, nodes: make([]*Node, len(w.Machines)), flat: true}
	for i, m := range w.Machines {
		f.nodes[i] = m.(*Node)
		f.nodes[i].ready = true
	}
	for i := range f.nodes {
		f.leaves(i)
		f.rows(i)
	}
	if f.flat {
		return
	}
	f.index = make(map[overlay.Handle]int32, len(f.nodes))
	for i, n := range f.nodes {
		f.index[n.self.Handle] = int32(i)
	}
	for range passes {
		for _, n := range f.nodes {
			f.second(n)
		}
	}
}

// measured returns a node with its round trip from n.
func (f *filler) measured(n *Node, node overlay.Ref) entry {
	return entry{node, micros(f.world.Distance(n.self, node))}
}

// leaves gives node i the nodes around it.
func (f *filler) leaves(i int) {
	n, count := f.nodes[i], len(f.nodes)
	for d := 1; d <= f.rules.half && d < count; d++ {
		for _, j := range [...]int{(i + d) % count, (i - d + count) % count} {
			n.leaves.put(n.id, f.measured(n, f.world.Nodes[j]), f.rules.half)
		}
	}
}

// rows gives node i its table. Those who share r digits with it are a range of the nodes, which are ordered by id, and
// those of a slot a range of that.
func (f *filler) rows(i int) {
	n := f.nodes[i]
	lo, hi := 0, len(f.nodes)
	for r := 0; hi-lo > 1 && r < idBits/f.rules.b; r++ {
		own := digit(n.self.ID, r, f.rules.b)
		from, ownLo, ownHi := lo, lo, hi
		for col := 0; col < 1<<f.rules.b; col++ {
			to := f.end(from, hi, r, col)
			if col == own {
				ownLo, ownHi = from, to
			} else {
				f.slot(n, from, to)
			}
			from = to
		}
		lo, hi = ownLo, ownHi
	}
	for i, row := range n.table.rows { // no room to spare: there may be a hundred thousand nodes
		n.table.rows[i] = append(make([]entry, 0, len(row)), row...)
	}
}

// end returns the first of the nodes from lo to hi, which share r digits, whose next is greater than col.
func (f *filler) end(lo, hi, r, col int) int {
	for lo < hi {
		mid := (lo + hi) / 2
		if digit(f.nodes[mid].self.ID, r, f.rules.b) <= col {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// slot gives n the nearest of some of the nodes from lo to hi.
func (f *filler) slot(n *Node, lo, hi int) {
	if hi == lo {
		return
	}
	from, count := lo, hi-lo
	if count > sample {
		from, count = lo+f.world.Rand.IntN(count), sample
	}
	for k := range count {
		f.offer(n, f.world.Nodes[lo+(from-lo+f.stride(hi-lo, k))%(hi-lo)])
	}
}

// stride spreads a sample over the range: nodes that are beside each other may be so for a reason.
func (f *filler) stride(size, k int) int {
	if size <= sample {
		return k
	}
	return k * (size / sample)
}

func (f *filler) offer(n *Node, node overlay.Ref) {
	e := f.measured(n, node)
	n.table.put(n.id, e, f.rules.b)
	if len(n.neighbours) > 0 && n.neighbours[0].rtt != e.rtt {
		f.flat = false
	}
	if last := len(n.neighbours) - 1; last < neighbourhood-1 || e.rtt < n.neighbours[last].rtt {
		n.neighbours.put(e)
	}
}

// second offers n whom those in each of its rows have in the same row: they share as many digits with n.
func (f *filler) second(n *Node) {
	var known []overlay.Ref
	for r := range n.table.rows {
		known = known[:0]
		for _, e := range n.table.rows[r] {
			known = append(known, refs(f.nodes[f.index[e.node.Handle]].table.row(r))...)
		}
		for _, node := range known {
			if node != n.self {
				f.offer(n, node)
			}
		}
	}
}
