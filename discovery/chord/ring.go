package chord

import (
	"encoding/binary"
	"slices"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// between reports whether x lies strictly between a and b, clockwise. Between a and itself lies everything else (Zave's
// model, between).
func between(a, x, b overlay.Key) bool {
	dx, db, zero := x.Sub(a), b.Sub(a), overlay.Key{}
	return dx != zero && (db == zero || dx.Compare(db) < 0)
}

// within reports whether x is in (a, b]: whether b is responsible for x, if a is the node before it.
func within(a, x, b overlay.Key) bool { return x == b || between(a, x, b) }

// octave returns the i for which a distance is in [2^i, 2^(i+1)).
func octave(d overlay.Key) int { return overlay.KeyBits - 1 - d.LeadingZeros() }

// power returns 2^i.
func power(i int) (k overlay.Key) {
	k[len(k)-1-i/8] = 1 << (i % 8)
	return k
}

// part returns a distance as a part of the ring.
func part(d overlay.Key) float64 { return float64(binary.BigEndian.Uint64(d[:])) / (1 << 64) }

// away returns how far clockwise a node is from this one.
func (n *Node) away(x overlay.Ref) overlay.Key { return x.ID.Sub(n.self.ID) }

// search returns the first index in nodes, ordered clockwise from this one, whose distance is at least d.
func (n *Node) search(nodes []overlay.Ref, d overlay.Key) int {
	i, _ := slices.BinarySearchFunc(nodes, d, func(x overlay.Ref, d overlay.Key) int { return n.away(x).Compare(d) })
	return i
}

// arrange returns the successor list that nodes make: clockwise and each once, as far as they are, up to this node, where
// the ring closes, and up to the length of a list. all says that the ring closes after them.
func (n *Node) arrange(nodes []overlay.Ref, all bool) (list []overlay.Ref, whole bool) {
	list, last := make([]overlay.Ref, 0, min(len(nodes), n.config.Successors)), overlay.Key{}
	for _, x := range nodes {
		if x.ID == n.self.ID {
			return list, true
		}
		d := n.away(x)
		if d.Compare(last) <= 0 {
			break
		}
		if len(list) == n.config.Successors {
			return list, false
		}
		list, last = append(list, x), d
	}
	return list, all
}

// index returns where a node is in the successor list, or -1.
func (n *Node) index(x overlay.Ref) int {
	if i := n.search(n.list, n.away(x)); i < len(n.list) && n.list[i] == x {
		return i
	}
	return -1
}

// head returns the successor, or nobody.
func (n *Node) head() overlay.Ref {
	if len(n.list) == 0 {
		return overlay.Ref{}
	}
	return n.list[0]
}

// span returns how far the successor list goes.
func (n *Node) span() (d overlay.Key) {
	if len(n.list) > 0 {
		d = n.away(n.list[len(n.list)-1])
	}
	return d
}

// replicas returns those who keep this node's records beside it.
func (n *Node) replicas() []overlay.Ref { return n.list[:min(len(n.list), n.config.Replicas-1)] }

// owns reports whether this node is responsible for a key, as far as it knows.
func (n *Node) owns(key overlay.Key) bool {
	if n.pred.IsZero() {
		return len(n.list) == 0 || key == n.self.ID
	}
	return within(n.pred.ID, key, n.self.ID)
}
