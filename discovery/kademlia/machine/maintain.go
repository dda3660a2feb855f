package machine

import (
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

var (
	refreshTimer = overlay.Timer{Kind: 1} // buckets and records
	tryTimer     = overlay.Timer{Kind: 2} // nodes that were lost
)

const (
	// tryEvery is how often a node looks whether it is time to try one that it lost, or to look for company.
	tryEvery = 10 * time.Second
	// tryTag is of the question to a node that was lost. Lookups are numbered from 1.
	tryTag = overlay.Tag(0)
	// pingTag is of a question that only asks whether a node lives.
	pingTag = ^overlay.Tag(0)
)

func (n *Node) onFired(t overlay.Timer, out *overlay.Actions) {
	switch t {
	case refreshTimer:
		n.ping(out)
		n.refreshAll(out)
		n.republish(out)
		out.Set(t, n.period(t))
	case tryTimer:
		if node, ok := n.lost.Due(n.now); ok {
			out.Ask(node, &find{key: n.self.ID}, tryTag, deadline)
		}
		n.rejoin(out)
		out.Set(t, n.period(t))
	}
}

// period returns how often a timer fires. Buckets and records are looked at four times in the shorter of their periods.
func (n *Node) period(t overlay.Timer) time.Duration {
	if t == tryTimer {
		return tryEvery
	}
	return min(n.c.Refresh, n.c.Republish) / 4
}

func (n *Node) jitter(t overlay.Timer) time.Duration {
	return 1 + time.Duration(n.rand.Int64N(int64(n.period(t))))
}

// ping asks the node of each bucket that was least recently heard of whether it lives, by telling it to store nothing. The
// paper does so when a newcomer wants its place (§2.2). Where nobody comes the dead would stay, and cost every lookup a
// timeout.
func (n *Node) ping(out *overlay.Actions) {
	for i := range n.table.buckets {
		if b := &n.table.buckets[i]; len(b.nodes) > 0 {
			out.Ask(b.nodes[0].node, &store{}, pingTag, deadline)
		}
	}
}

// refreshAll looks for a random id in each bucket that nobody was heard of in for a while (§2.3).
func (n *Node) refreshAll(out *overlay.Actions) {
	for i := range n.table.buckets {
		if b := &n.table.buckets[i]; n.now.Sub(b.touched) >= n.c.Refresh && (len(b.nodes) > 0 || i == 0) {
			b.touched = n.now
			n.refresh(i, out)
		}
	}
}

// refresh looks for a random id that has exactly the first i bits of this node's.
func (n *Node) refresh(i int, out *overlay.Actions) {
	key := n.self.ID
	key[i/8] ^= 0x80 >> (i % 8)
	for bit := i + 1; bit < overlay.KeyBits; bit++ {
		if n.rand.Uint32()&1 == 1 {
			key[bit/8] ^= 0x80 >> (bit % 8)
		}
	}
	n.look(lookup{key: key, kind: forRefresh}, nil, out)
}
