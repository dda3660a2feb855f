package chord

import (
	"slices"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// onStep takes an answer to a lookup's question.
func (n *Node) onStep(ev overlay.Answered) {
	l := n.find(ev.Tag)
	if l == nil {
		return
	}
	l.open--
	if l.ending {
		n.onOpinion(l, ev)
		return
	}
	l.result.Path = append(l.result.Path, overlay.Hop{Node: ev.From, Took: ev.Took})
	switch m := ev.Msg.(type) {
	case *located:
		n.onLocated(l, ev.From, m)
	case *neighbourhood:
		n.onWalked(l, ev.From, m)
	case *fetched:
		if m.Mine || !n.elsewhere(l, ev, m.Nodes) {
			n.accept(l, ev)
		}
	case *stored:
		if m.Mine || !n.elsewhere(l, ev, m.Nodes) {
			n.accept(l, ev)
		}
	default:
		n.next(l)
	}
}

// accept takes an answer as the owner's.
func (n *Node) accept(l *lookup, ev overlay.Answered) {
	l.result.Owners = append(l.result.Owners, ev.From)
	switch m := ev.Msg.(type) {
	case *fetched:
		n.take(l, m.Records)
		n.finding(l, others(m.Mine, m.Nodes))
	case *stored:
		if m.Kept > 0 {
			l.kept++
		}
		if l.for_ == forMove {
			n.end(l, nil) // the owner tells its replicas
			return
		}
		n.spread(l, others(m.Mine, m.Nodes))
	}
}

// others are the replicas that an answer names.
func others(mine bool, nodes []overlay.Ref) []overlay.Ref {
	if !mine && len(nodes) > 0 {
		return nodes[1:]
	}
	return nodes
}

// onSilence goes on with the next node.
func (n *Node) onSilence(x overlay.Ref, tag overlay.Tag) {
	l := n.find(tag)
	if l == nil {
		return
	}
	l.open--
	l.silent = append(l.silent, x)
	if l.walk && !l.best.IsZero() { // what it said before is old, and with x dead it may be the one
		l.tried = slices.DeleteFunc(slices.Clone(l.tried), func(y overlay.Ref) bool { return y == l.best })
		n.candidates(l, []overlay.Ref{l.best})
	}
	l.result.Timeouts++
	switch {
	case l.ending:
		n.settle(l)
	case l.held != nil: // the one before it is dead, so it is the owner
		n.accept(l, *l.held)
	case l.last && len(l.owners) == 0 && len(l.far) == 0 && l.turns < maxNamed && n.past(l, x):
		n.again(l)
	default:
		n.next(l)
	}
}

// past moves the target past an owner that is dead. It reports whether whoever named it may know the next.
func (n *Node) past(l *lookup, x overlay.Ref) bool {
	l.turns++
	l.target = x.ID.Add(power(0))
	return !l.by.IsZero()
}

// again asks whoever named dead owners for those that follow them.
func (n *Node) again(l *lookup) {
	if l.by != n.self {
		l.pool = append(l.pool, l.by)
		n.next(l)
		return
	}
	owner, nodes := n.locate(l.target, maxPool, overlay.Ref{})
	nodes = slices.DeleteFunc(nodes, func(x overlay.Ref) bool { return slices.Contains(l.tried, x) })
	if owner {
		l.owners = nodes
	} else {
		n.candidates(l, nodes)
	}
	n.next(l)
}

// onLocated takes what a node on the way says. Nearer nodes count if they are nearer than itself and before the key.
func (n *Node) onLocated(l *lookup, from overlay.Ref, m *located) {
	if !m.Owner {
		nearer := slices.DeleteFunc(slices.Clone(m.Nodes), func(x overlay.Ref) bool { return !between(from.ID, x.ID, l.target) })
		n.candidates(l, nearer[:min(len(nearer), maxPassed)])
		if len(m.Nodes) >= maxPassed && l.skip < maxSkip {
			l.more = append(l.more, source{from, l.skip + maxPassed})
		}
		n.next(l)
		return
	}
	if l.for_ == forJoin {
		l.walk, l.tried = true, l.silent // those who answered are asked again, something else
		l.pool = append(l.pool, from)
		n.next(l)
		return
	}
	owners := slices.DeleteFunc(slices.Clone(m.Nodes), func(x overlay.Ref) bool { return x != from && slices.Contains(l.tried, x) })
	switch {
	case len(owners) == 0:
	case n.unlikely(l.target, owners[0]):
		if len(l.far) == 0 || owners[0].ID.Sub(l.key).Compare(l.far[0].ID.Sub(l.key)) < 0 {
			l.far, l.by = owners, from
		}
	default:
		l.owners, l.by = owners, from
	}
	n.next(l)
}

// unlikelyGaps is how many mean gaps between nodes an owner may be from its key. In a ring of nodes whose ids are hashes
// one lookup in e^24 meets a wider gap.
const unlikelyGaps = 24

// unlikely reports whether an owner is so far from its key that whoever names it is mistaken or lies: one that answers
// with itself for every key is found out by that. Our own part of the ring is the measure.
func (n *Node) unlikely(key overlay.Key, owner overlay.Ref) bool {
	if n.whole || len(n.list) < maxNamed {
		return false
	}
	return part(owner.ID.Sub(key)) > unlikelyGaps*part(n.span())/float64(len(n.list))
}

// elsewhere goes on with the node before the one that was asked as the owner, if that says that it is not, and the other
// may be. Its answer counts if the other is silent.
func (n *Node) elsewhere(l *lookup, ev overlay.Answered, nodes []overlay.Ref) bool {
	l.held = nil
	if len(nodes) == 0 {
		return false
	}
	x := nodes[0]
	if x.ID == n.self.ID || slices.Contains(l.tried, x) || !between(l.key, x.ID, ev.From.ID) && x.ID != l.key {
		return false
	}
	l.held = &ev
	l.last = true
	n.query(l, x)
	return true
}

// onWalked takes what a node near the place of a joining one says, and goes on until it is the one before.
func (n *Node) onWalked(l *lookup, from overlay.Ref, m *neighbourhood) {
	nearer := slices.DeleteFunc(slices.Clone(m.List), func(x overlay.Ref) bool {
		return !between(from.ID, x.ID, n.self.ID) || slices.Contains(l.tried, x)
	})
	switch {
	case len(m.List) == 0 && !m.Whole: // it is in no ring yet
		n.next(l)
	case len(nearer) == 0:
		n.finish(l)
		n.onPlaced(from, m)
	default:
		l.best = from
		n.candidates(l, nearer)
		n.next(l)
	}
}
