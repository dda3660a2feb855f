package kelips

import (
	"slices"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// Bounds of what a node remembers while it knows nobody.
const (
	maxSeeds   = 8
	maxWaiting = 64 // operations
)

// onStart begins: a filled node with its table, another by joining through one of those known.
func (n *Node) onStart(ev overlay.Start) {
	if n.idle = false; n.epoch == 0 {
		n.epoch = n.now
	}
	n.out.Set(timerRound, time.Duration(n.rand.Int64N(int64(interval))))
	if len(n.table) > 0 {
		return
	}
	n.bare = true
	for _, r := range ev.Known {
		if r != n.self && len(n.seeds) < maxSeeds {
			n.seeds = add(n.seeds, r)
		}
	}
	n.joinNext()
}

// joinNext tries the next of those known at the start. When all were tried, operations no longer wait.
func (n *Node) joinNext() {
	if n.joining = n.seed < len(n.seeds); n.joining {
		n.joinThrough(n.seeds[n.seed])
		n.seed++
		return
	}
	n.seed = 0
	n.resume()
}

func (n *Node) joinThrough(node overlay.Ref) {
	n.joining = true
	n.out.Ask(node, new(join), tagJoin, patience)
}

// resume begins what waited for the end of joining.
func (n *Node) resume() {
	waiting := n.waiting
	n.waiting = nil
	for _, c := range waiting {
		n.begin(c)
	}
}

// onWelcome takes what a node gave to begin with. If it was of another group, it will have known few of ours: one of those
// is asked for the rest.
func (n *Node) onWelcome(from overlay.Ref, tag overlay.Tag, m *welcome) {
	n.bare = n.bare || n.mates == 0
	for _, t := range m.nodes {
		n.hear(t)
	}
	if tag&tagKind == tagMates {
		return
	}
	if i := slices.IndexFunc(m.nodes, func(t told) bool { return n.mate(t.node) && t.node != n.self }); i >= 0 && !n.mate(from) {
		n.out.Ask(m.nodes[i].node, new(join), tagMates, patience)
	}
	n.out.Trace("joins", overlay.Key{}, from)
	n.joining = false
	n.resume()
}

// welcoming answers join: with the nodes of the asker's group, and of the others as many as fit, evenly spread.
func (n *Node) welcoming(to overlay.Ref) *welcome {
	m := new(welcome)
	give := func(e *entry, most int) {
		if e.good() && e.ref != to && len(m.nodes) < most {
			m.nodes = append(m.nodes, told{e.ref, min(n.age(e), maxAge)})
		}
	}
	lo, hi := n.bounds(n.config.group(to.ID))
	first := 0
	if hi > lo {
		first = n.rand.IntN(hi - lo)
	}
	for k := range hi - lo {
		give(&n.table[lo+(first+k)%(hi-lo)], maxWelcome*2/3)
	}
	rest := len(n.table) - (hi - lo)
	step := max(1, rest/(maxWelcome/3))
	for i := n.rand.IntN(step); i < rest; i += step {
		if i < lo {
			give(&n.table[i], maxWelcome)
		} else {
			give(&n.table[i+hi-lo], maxWelcome)
		}
	}
	return m
}

// onMet hears of a node by other means. Whoever is alone joins through it. Otherwise one that is not in the table is
// asked, at most once a round: it is of the same network or of another, and gossip then joins the two.
func (n *Node) onMet(node overlay.Ref) {
	if n.idle || node == n.self || node.IsZero() {
		return
	}
	if n.alone() {
		if !n.joining {
			n.joinThrough(node)
		}
		if len(n.seeds) < maxSeeds {
			n.seeds = add(n.seeds, node)
		}
		return
	}
	if i, known := n.find(node.ID); (!known || n.table[i].state == dead) && n.round >= n.introduce {
		n.introduce = n.round + 1
		n.out.Ask(node, n.telling(node), tagGossip, patience)
	}
}

// maxGoodbyes bounds the nodes of each sort that a node takes leave of. The others find out by themselves.
const maxGoodbyes = 32

// onStop gives records that hardly anybody has yet to one that keeps them, and then takes leave: whoever hears more of a
// node after its goodbye believes it back.
func (n *Node) onStop() {
	if n.idle {
		return
	}
	for _, r := range n.fresh[:min(len(n.fresh), maxGoodbyes)] {
		if home := n.home(r.record.Key); len(home) > 0 {
			n.out.Send(home[0].ref, &store{[]*overlay.Record{r.record}})
		}
	}
	mates, others := maxGoodbyes, maxGoodbyes
	for i := range n.table {
		e := &n.table[i]
		left := &others
		if n.mate(e.ref) {
			left = &mates
		}
		if *left > 0 && e.good() {
			*left--
			n.out.Send(e.ref, new(leave))
		}
	}
	n.out.Cancel(timerRound)
	n.idle = true
}

func (n *Node) onLeave(from overlay.Ref) {
	if i, known := n.find(from.ID); known && n.table[i].state != dead {
		n.bury(i)
	}
}
