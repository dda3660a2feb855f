package pastry

import (
	"time"

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
	index []int32  // of each node, by its handle
	seen  []uint32 // by index: the last row of which node it was offered for
	turn  uint32   // numbers those
	look  int      // how many nodes are looked at for one slot
}

// fill gives machines the leaf sets that they would have when all joins have settled, a node in each slot for which there
// is one, and nodes that are near: those that the paper's two stages find, first among some for each slot, then among
// those that the near ones know.
func fill(r *rules, w overlay.World) {
	if len(w.Machines) == 0 {
		return
	}
	f := &filler{rules: r, world: w, nodes: make([]*Node, len(w.Machines)), look: sample}
	for i, m := range w.Machines {
		f.nodes[i] = m.(*Node)
		f.nodes[i].ready = true
	}
	flat := f.flat()
	if flat {
		f.look = 1
	}
	for i := range f.nodes {
		f.leaves(i)
		f.rows(i)
	}
	if flat {
		return
	}
	f.number()
	for range passes {
		for _, n := range f.nodes {
			f.second(n)
		}
	}
}

// flat reports whether all are equally far from each other, as far as a few pairs tell: then nobody is nearer.
func (f *filler) flat() bool {
	var all time.Duration
	for range 64 {
		a, b := f.any(), f.any()
		if a == b {
			continue
		}
		d := f.world.Distance(a, b)
		if all != 0 && d != all {
			return false
		}
		all = d
	}
	return true
}

func (f *filler) any() overlay.Ref { return f.world.Nodes[f.world.Rand.IntN(len(f.world.Nodes))] }

// number notes where each node is.
func (f *filler) number() {
	most := overlay.Handle(0)
	for _, n := range f.nodes {
		most = max(most, n.self.Handle)
	}
	f.index, f.seen = make([]int32, most+1), make([]uint32, len(f.nodes))
	for i, n := range f.nodes {
		f.index[n.self.Handle] = int32(i)
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

// slot gives n the nearest of some of the nodes from lo to hi, which are spread over them.
func (f *filler) slot(n *Node, lo, hi int) {
	size := hi - lo
	if size == 0 {
		return
	}
	count := min(size, f.look)
	from := f.world.Rand.IntN(size)
	for k := range count {
		f.offer(n, f.world.Nodes[lo+(from+k*(size/count))%size])
	}
}

func (f *filler) offer(n *Node, node overlay.Ref) {
	e := f.measured(n, node)
	n.table.put(n.id, e, f.rules.b)
	if last := len(n.neighbours) - 1; last < neighbourhood-1 || e.rtt < n.neighbours[last].rtt {
		n.neighbours.put(e)
	}
}

// second offers n whom those in each of its rows have in the same row: they share as many digits with n.
func (f *filler) second(n *Node) {
	var with []int32
	for r := range n.table.rows {
		f.turn++
		with = with[:0]
		for _, e := range n.table.rows[r] {
			i := f.index[e.node.Handle]
			f.seen[i] = f.turn
			with = append(with, i)
		}
		for _, i := range with {
			f.offerRow(n, f.nodes[i].table.row(r))
		}
	}
}

// offerRow offers n nodes that it was not offered before in this row.
func (f *filler) offerRow(n *Node, row []entry) {
	for _, e := range row {
		i := f.index[e.node.Handle]
		if f.seen[i] != f.turn && f.nodes[i] != n {
			f.seen[i] = f.turn
			f.offer(n, e.node)
		}
	}
}
