package chord

import (
	"github.com/seed4134be55/peer/discovery/overlay"
)

// fill gives all machines the tables of the ideal ring (ToN 2003, §IV-D; Zave's model, Ideal): the successor lists that
// stabilization ends in, which share the memory of w.Nodes, and the fingers that fix_fingers does.
func fill(w overlay.World) {
	for i, m := range w.Machines {
		n := m.(*Node)
		n.filled = true
		if len(w.Nodes) == 1 {
			continue
		}
		n.list, n.whole = around(w.Nodes, i, n.config.Successors)
		n.pred = w.Nodes[(i+len(w.Nodes)-1)%len(w.Nodes)]
		if !n.whole {
			n.fingers = fingers(w.Nodes, n)
		}
	}
}

// around returns up to r nodes after the i-th, and whether they are all there are.
func around(nodes []overlay.Ref, i, r int) (list []overlay.Ref, whole bool) {
	if len(nodes)-1 <= r {
		list = append(list, nodes[i+1:]...)
		return append(list, nodes[:i]...), true
	}
	if end := i + 1 + r; end <= len(nodes) {
		return nodes[i+1 : end : end], false
	}
	list = append(list, nodes[i+1:]...)
	return append(list, nodes[:r-len(list)]...), false
}

// fingers returns the fingers that fixFingers would find.
func fingers(nodes []overlay.Ref, n *Node) []overlay.Ref {
	var found [overlay.KeyBits]overlay.Ref
	count := 0
	for i := octave(n.span()) + 1; i < overlay.KeyBits; i++ {
		x := successor(nodes, n.self.ID.Add(power(i)))
		d := n.away(x)
		if d.Compare(power(i)) < 0 { // all round
			break
		}
		found[count] = x
		count++
		i = octave(d)
	}
	return append(make([]overlay.Ref, 0, count), found[:count]...)
}

// successor returns the first of nodes, which are in order, that is at a key or after it.
func successor(nodes []overlay.Ref, key overlay.Key) overlay.Ref {
	low, high := 0, len(nodes)
	for low < high {
		if mid := (low + high) / 2; nodes[mid].ID.Compare(key) < 0 {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return nodes[low%len(nodes)]
}
