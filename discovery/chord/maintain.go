package chord

import (
	"slices"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// How much of its tables a node looks after in one round. Records are compared with all replicas every offerRounds rounds,
// or soon after these have changed.
const (
	fingersRound = 2
	fingersFresh = 8 // until each has been looked up once
	offerRounds  = 10
	movesRound   = 16
)

// onRound is one round of maintenance: stabilize, check_predecessor, some of fix_fingers (ToN 2003, §IV-E.1, Fig. 6), and
// what concerns records and lost nodes.
func (n *Node) onRound() {
	if n.idle {
		return
	}
	n.round++
	n.trySeeds()
	n.sew()
	n.stabilize()
	n.checkPredecessor()
	n.fixFingers()
	n.tendRecords()
	if x, ok := n.lost.Due(n.now); ok {
		n.ask(x, ping{}, tagLost)
	}
	n.rest()
}

// rest sets the next round, at a random time, so that nodes do not keep step.
func (n *Node) rest() {
	mean := n.config.Stabilize
	if n.fresh || len(n.seeds) > 0 && n.tries < maxHurry {
		mean = hurry
	}
	n.out.Set(timerRound, mean/2+time.Duration(n.rand.Int64N(int64(mean))))
}

// stabilize asks the successor about what is around it.
func (n *Node) stabilize() {
	if !n.alone() {
		n.ask(n.head(), neighbours{}, tagStabilize)
	}
}

// onSuccessor is Zave's StabilizeFromSuccessor: the successor is alive, so its list, behind it, becomes ours. If it has a
// predecessor that would be a better successor, that one is asked before it is adopted; published Chord adopts it unasked
// (ToN 2003, Fig. 6), dead or not.
func (n *Node) onSuccessor(s overlay.Ref, around *neighbourhood) {
	if s != n.head() || !around.inRing() {
		return
	}
	n.setList(n.arrange(append([]overlay.Ref{s}, around.List...), around.Whole))
	n.rectify(s, around.Pred)
}

// rectify tells the successor s that this node is before it, unless it says so itself, or has a predecessor that is between
// and has to be asked first. That goes on until nobody is between, so that one round is enough however many have joined.
func (n *Node) rectify(s, pred overlay.Ref) {
	switch {
	case pred == n.self:
	case !pred.IsZero() && between(n.self.ID, pred.ID, s.ID):
		n.ask(pred, neighbours{}, tagBetter)
	default:
		n.tell(s)
	}
}

func (m *neighbourhood) inRing() bool { return m.Whole || len(m.List) > 0 }

// onNeighbours says what is around this node: nothing yet, if it joins and others must not join it.
func (n *Node) onNeighbours(reply overlay.ReplyTo) {
	if n.starting() {
		n.out.Reply(reply, new(neighbourhood))
		return
	}
	n.out.Reply(reply, &neighbourhood{n.pred, n.whole, n.list})
}

// onBetter is Zave's StabilizeFromPredecessor: x is alive and becomes the successor, and its list ours. If x does not list
// the one that was the successor until now, that is dead, or it is of a ring that x is not in: x is to hear of it.
func (n *Node) onBetter(x overlay.Ref, around *neighbourhood) {
	h := n.head()
	if !around.inRing() || x.ID == n.self.ID || !h.IsZero() && !between(n.self.ID, x.ID, h.ID) {
		return
	}
	n.setList(n.arrange(append([]overlay.Ref{x}, around.List...), around.Whole))
	n.heard(x)
	if !h.IsZero() && n.index(h) < 0 {
		n.seam = h
		n.sew()
	}
	n.rectify(x, around.Pred)
}

// tell notifies a node.
func (n *Node) tell(x overlay.Ref) {
	if !x.IsZero() {
		n.out.Send(x, notify{})
	}
}

// onNotify is Zave's Rectify: a sender nearer than the predecessor becomes the predecessor, another only if the predecessor
// is dead, which is found out by asking it.
func (n *Node) onNotify(x overlay.Ref) {
	if n.idle || x.ID == n.self.ID {
		return
	}
	n.insert(x)
	switch {
	case n.pred.IsZero() || between(n.pred.ID, x.ID, n.self.ID):
		n.setPred(x)
	case x != n.pred:
		n.heir = x
		n.checkPredecessor()
	}
}

// checkPredecessor asks the predecessor whether it is there (ToN 2003, Fig. 6, check_predecessor).
func (n *Node) checkPredecessor() {
	if !n.pred.IsZero() && !n.asking {
		n.asking = true
		n.ask(n.pred, ping{}, tagPing)
	}
}

// onPong hears that a node is there. It may be one that is to be the predecessor if there is none.
func (n *Node) onPong(x overlay.Ref) {
	switch {
	case x == n.pred:
		n.asking = false
		n.heir = overlay.Ref{}
	case x == n.heir && (n.pred.IsZero() || between(n.pred.ID, x.ID, n.self.ID)):
		n.setPred(x)
	}
}

// setPred makes x the predecessor. What x is responsible for from now on is given to it. If there was another, that is told
// at once that it has a better successor, and need not find out in its next round.
func (n *Node) setPred(x overlay.Ref) {
	old := n.pred
	if x == old {
		return
	}
	n.pred, n.heir, n.asking, n.dirty = x, overlay.Ref{}, false, true
	n.out.Trace("new predecessor", overlay.Key{}, x)
	if x.IsZero() {
		return
	}
	if !old.IsZero() && between(old.ID, x.ID, n.self.ID) {
		n.ask(old, &introduce{Node: x}, tagIntroduce)
	}
	n.handOver(x, slices.DeleteFunc(n.shelf.Keys(), func(k overlay.Key) bool {
		return n.owns(k) || !old.IsZero() && !within(old.ID, k, x.ID)
	}))
}

// insert puts x into a successor list that goes all round: in a small ring everyone lists everyone at once. A list that is
// full already goes round no more, now that there is one more node than it has room for.
func (n *Node) insert(x overlay.Ref) {
	i := n.search(n.list, n.away(x))
	switch {
	case !n.whole || i < len(n.list) && n.list[i] == x:
	case len(n.list) == n.config.Successors:
		n.whole = false
	default:
		n.setList(slices.Insert(slices.Clone(n.list), i, x), true)
		n.heard(x)
	}
}

// setList replaces the successor list. Entries that are new are hearsay until they answer a ping.
func (n *Node) setList(list []overlay.Ref, whole bool) {
	n.whole = whole
	if slices.Equal(list, n.list) {
		return
	}
	old, oldUnheard := n.list, n.unheard
	n.list, n.unheard = list, 0
	for i, x := range list {
		switch j := slices.Index(old, x); {
		case j >= 0:
			n.unheard |= oldUnheard >> j & 1 << i
		case x != n.pred && !slices.Contains(n.fingers, x):
			n.unheard |= 1 << i
			n.ask(x, ping{}, tagPing)
		}
	}
	if k := n.config.Replicas - 1; !slices.Equal(old[:min(k, len(old))], n.replicas()) {
		n.dirty = true
	}
	if len(list) > 0 && (len(old) == 0 || old[0] != list[0]) {
		n.out.Trace("new successor", overlay.Key{}, list[0])
	}
}

// heard notes that a node is alive.
func (n *Node) heard(x overlay.Ref) {
	if n.unheard != 0 {
		if i := n.index(x); i >= 0 {
			n.unheard &^= 1 << i
		}
	}
	n.found(x)
}

// doubt is after one silence: the node is left out of lookups and asked again. A packet may have been lost, and a node that
// is taken for dead and is not would be skipped by the list.
func (n *Node) doubt(x overlay.Ref) {
	n.forget(x)
	if i := n.index(x); i >= 0 && n.unheard>>i&1 == 0 {
		n.unheard |= 1 << i
		n.ask(x, ping{}, tagPing)
	}
	if x == n.pred {
		n.checkPredecessor()
	}
}

// bury is after two: the node is dead, for now.
func (n *Node) bury(x overlay.Ref) {
	n.forget(x)
	if x == n.heir {
		n.heir = overlay.Ref{}
	}
	if x == n.pred {
		n.lost.Add(n.now, x)
		n.out.Trace("predecessor is dead", overlay.Key{}, x)
		heir := n.heir
		n.setPred(overlay.Ref{})
		if !heir.IsZero() { // it may have died since
			n.heir = heir
			n.ask(heir, ping{}, tagPing)
		}
	}
	i := n.index(x)
	if i < 0 {
		return
	}
	n.lost.Add(n.now, x)
	n.out.Trace("successor is dead", overlay.Key{}, x)
	n.setList(slices.Delete(slices.Clone(n.list), i, i+1), n.whole)
	switch {
	case n.alone() && !n.whole:
		n.orphaned()
	case i == 0:
		n.tell(n.head())
		n.stabilize()
	}
}

// forget removes a node from the fingers.
func (n *Node) forget(x overlay.Ref) {
	if i := slices.Index(n.fingers, x); i >= 0 {
		n.fingers = slices.Delete(n.fingers, i, i+1)
	}
}

// fixFingers looks some fingers up again (ToN 2003, Fig. 6, fix_fingers). The i-th is the first node at least 2^i away.
// Those of nodes that the successor list reaches are not kept; the others are kept once each, in order: a node that is the
// i-th finger and in [2^j, 2^(j+1)) is the j-th too, so that at most one node in each octave is a finger.
func (n *Node) fixFingers() {
	n.fingers = slices.Delete(n.fingers, 0, n.search(n.fingers, n.span().Add(power(0))))
	if n.whole || n.alone() {
		n.fingers, n.fresh = nil, false
		return
	}
	first := octave(n.span()) + 1
	count := fingersRound
	if n.fresh {
		count = fingersFresh
	}
	for range min(count, overlay.KeyBits-first) {
		if int(n.octave) < first || int(n.octave) >= overlay.KeyBits {
			n.octave = uint8(first)
		}
		i := n.octave
		n.octave++
		n.fresh = n.fresh && int(n.octave) < overlay.KeyBits
		n.begin(&lookup{for_: forFinger, finger: i, key: n.self.ID.Add(power(int(i)))})
	}
}

// onFinger puts the node that was found in the place of those it proves wrong: in the octaves from the one that was looked
// up to its own there are no others.
func (n *Node) onFinger(l *lookup, err error) {
	if err != nil || n.whole {
		return
	}
	x, from := l.result.Owners[0], power(int(l.finger))
	d := n.away(x)
	to := len(n.fingers)
	if o := octave(d) + 1; d.Compare(from) >= 0 && o < overlay.KeyBits {
		to = n.search(n.fingers, power(o))
	}
	at := min(n.search(n.fingers, from), to)
	fingers := slices.Delete(slices.Clone(n.fingers), at, to)
	if d.Compare(from) >= 0 && d.Compare(n.span()) > 0 {
		fingers = slices.Insert(fingers, at, x)
	}
	if !slices.Equal(fingers, n.fingers) {
		n.fingers = slices.Clip(fingers)
	}
}
