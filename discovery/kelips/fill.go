package kelips

import (
	"slices"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// fillSample is how many nodes of a group are looked at for each contact: about as many as proximity has chosen from by
// the time that a network has settled.
const fillSample = 3

// fill gives all nodes their views and contacts.
func fill(w overlay.World) {
	if len(w.Nodes) == 0 {
		return
	}
	c := w.Machines[0].(*Node).config
	starts := make([]int, c.Groups+1) // of each group's nodes, as they are ordered by id
	for _, ref := range w.Nodes {
		starts[c.group(ref.ID)+1]++
	}
	for g := range c.Groups {
		starts[g+1] += starts[g]
	}
	for i, m := range w.Machines {
		m.(*Node).fill(&w, i, starts)
	}
}

// fill makes the table of the node at self. Heartbeats have the ages of a network that runs, not all the same.
func (n *Node) fill(w *overlay.World, self int, starts []int) {
	n.now, n.epoch = w.Now, w.Now
	n.mates = starts[n.group+1] - starts[n.group] - 1
	n.table = make([]entry, 0, n.mates+n.config.Contacts*(n.config.Groups-1)+maxNews)
	near := make([]entry, 0, fillSample*n.config.Contacts)
	for g := range n.config.Groups {
		lo, hi := starts[g], starts[g+1]
		if g != n.group {
			n.table = append(n.table, n.contacts(w, self, lo, hi, near)...)
			continue
		}
		for i := lo; i < hi; i++ {
			if i != self {
				n.table = append(n.table, entry{ref: w.Nodes[i], rtt: millis(w, self, i), state: met})
			}
		}
	}
	view, contact := n.timeout(true)/4, n.timeout(false)/4
	for i := range n.table {
		limit := contact
		if n.mate(n.table[i].ref) {
			limit = view
		}
		n.table[i].born = epochTicks - w.Rand.Uint32N(limit)
	}
}

// contacts returns the nearest of some nodes between lo and hi, in the order of their ids.
func (n *Node) contacts(w *overlay.World, self, lo, hi int, near []entry) []entry {
	count := min(hi-lo, cap(near))
	if count == 0 {
		return nil
	}
	step := float64(hi-lo) / float64(count)
	for k := range count { // one of each of so many parts, so none twice
		from := lo + int(float64(k)*step)
		to := lo + int(float64(k+1)*step)
		i := from + w.Rand.IntN(max(to-from, 1))
		near = append(near, entry{ref: w.Nodes[i], rtt: millis(w, self, i), state: met})
	}
	slices.SortFunc(near, func(a, b entry) int { return int(a.rtt) - int(b.rtt) })
	near = near[:min(count, n.config.Contacts)]
	slices.SortFunc(near, func(a, b entry) int { return a.ref.ID.Compare(b.ref.ID) })
	return near
}

func millis(w *overlay.World, a, b int) uint16 {
	return uint16(min(max(w.Distance(w.Nodes[a], w.Nodes[b]).Milliseconds(), 1), 1<<15))
}
