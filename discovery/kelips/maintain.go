package kelips

import (
	"math"
	"slices"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// Gossip (IPTPS 2003, §2.1). In each round a node asks four others and is asked by four on average; each question and
// each answer tells of up to six nodes. So what it sends is the same in any network.
const (
	interval   = 2 * time.Second // between rounds
	targets    = 2               // of our group in a round, and as many of others
	rationOwn  = 4               // nodes of a message within a group that are of it; the others are contacts
	rationAll  = 6               // nodes of a message
	rationNew  = 3               // of them, those that are new here
	maxNews    = 16
	newsTold   = 6  // messages that tell of a node as new
	expireEach = 64 // rounds
	strayEach  = 8  // rounds
	joinEach   = 4  // rounds, of a node that knows fewEnough
	fewEnough  = 3  // nodes, so that one liar among those known at the start does not keep a node to itself
)

// news is a node that was met for the first time lately.
type news struct {
	node overlay.Ref
	left uint8 // messages that are still to tell of it
}

// Timeouts. The paper leaves them open, and that they cannot be fixed follows from the rations: a message tells of as many
// nodes whatever the size of the group, so that the age which heartbeats have when they arrive grows with it.
//
// In a round a node hears from 2·targets of its V mates, of 1+rationOwn nodes each. The share I(a) of nodes that know a
// heartbeat younger than a rounds then follows dI/da = 2·targets/V · (1 + rationOwn·I)(1 − I), whose tail is
// (1+rationOwn)·exp(−a·2·targets·(1+rationOwn)/V). A mate times out where that is viewTail, and half of the time more, as
// some messages are lost and near mates are told more often.
//
// Contacts do not depend on that: each round asks those of them heard of longest ago, so that none is asked less often
// than every contacts/targets rounds.
const (
	viewTail     = 1e-6
	timeoutSlack = 1.5
	leastTimeout = 15 // rounds, and what is added to the other two
)

// viewTimeout and contactTimeout return the greatest age of an entry, in ticks, with that many of its sort in the table.
func viewTimeout(mates int) uint32 {
	rate := 2 * targets * (1 + rationOwn) / float64(max(mates, 1))
	return inTicks(math.Log((1+rationOwn)/viewTail) / rate)
}

func contactTimeout(contacts int) uint32 { return inTicks(float64(contacts) / targets) }

func inTicks(rounds float64) uint32 {
	return uint32((rounds*timeoutSlack + leastTimeout) * float64(interval/tick))
}

func (n *Node) timeout(mate bool) uint32 {
	if mate {
		return viewTimeout(n.mates)
	}
	return contactTimeout(len(n.table) - n.loose - n.mates)
}

// onRound is what a node does every interval.
func (n *Node) onRound() {
	if n.idle {
		return
	}
	n.round++
	s := n.survey()
	for _, to := range n.choose(&s) {
		n.out.Ask(to, n.telling(to), tagGossip, patience)
	}
	if to, due := n.lost.Due(n.now); due {
		n.out.Ask(to, n.telling(to), tagGossip, patience)
	}
	if few := s.met == 0 || s.met < fewEnough && n.seed < len(n.seeds); few && !n.joining && n.round%joinEach == 0 {
		n.joinNext()
	}
	if n.round%expireEach == 0 {
		n.shelf.Expire(n.now)
	}
	n.pullTuples()
	if n.round%strayEach == 0 {
		n.strayTuples()
	}
	jitter := time.Duration(n.rand.Int64N(int64(interval / 4)))
	n.out.Set(timerRound, interval-interval/8+jitter)
}

// A survey is what one look over the table finds.
type survey struct {
	met       int
	mates     pool
	contacts  pool
	staleMate bool // the oldest mate is at half its time
}

// pool is who of a sort may be asked in this round.
type pool struct {
	doubtful [2]overlay.Ref // of those that are hearsay or did not answer, any
	doubts   int
	oldest   [2]overlay.Ref // of the others, those not heard of for longest
	born     [2]uint32
	count    int // of the others
}

// survey looks over the table, and drops whoever has not been heard of for too long.
func (n *Node) survey() (s survey) {
	view, contact := n.timeout(true), n.timeout(false)
	kept := n.table[:0]
	for i := range n.table {
		e := &n.table[i]
		mate := n.mate(e.ref)
		limit, p := contact, &s.contacts
		if mate {
			limit, p = view, &s.mates
		}
		if n.age(e) > limit {
			n.expel(e, mate)
			continue
		}
		kept = append(kept, *e)
		if e.state == met {
			s.met++
		}
		n.sort(p, e)
	}
	clear(n.table[len(kept):])
	n.table = kept
	s.staleMate = s.mates.count > 0 && n.tick() > s.mates.born[0]+view/2
	return s
}

func (n *Node) expel(e *entry, mate bool) {
	if e.loose() {
		n.loose--
		return
	}
	if mate {
		n.mates--
	}
	n.lost.Add(n.now, e.ref)
	n.out.Trace("timed out", overlay.Key{}, e.ref)
}

// sort puts e into a pool.
func (n *Node) sort(p *pool, e *entry) {
	switch {
	case e.state == dead:
	case !e.good():
		if p.doubts++; n.rand.IntN(p.doubts) == 0 {
			p.doubtful[1], p.doubtful[0] = p.doubtful[0], e.ref
		} else if p.doubtful[1].IsZero() {
			p.doubtful[1] = e.ref
		}
	default:
		p.count++
		switch {
		case p.oldest[0].IsZero() || e.born < p.born[0]:
			p.oldest[1], p.born[1] = p.oldest[0], p.born[0]
			p.oldest[0], p.born[0] = e.ref, e.born
		case p.oldest[1].IsZero() || e.born < p.born[1]:
			p.oldest[1], p.born[1] = e.ref, e.born
		}
	}
}

// choose returns whom to ask in this round. Of our group, one at random, the nearer of two (IPTPS 2003, §2, where the
// odds fall with the distance), and one at random whatever the distance, so that news crosses; of others, those heard of
// longest ago. Whoever is only hearsay or did not answer comes first in each sort, but one of two while there is somebody
// to lose in the other. What one sort has too few of goes to the other.
func (n *Node) choose(s *survey) []overlay.Ref {
	var mates, contacts []overlay.Ref
	mates = add(mates, s.mates.doubtful[0])
	if s.mates.doubts > targets {
		mates = add(mates, s.mates.doubtful[1])
	}
	if s.staleMate {
		mates = add(mates, s.mates.oldest[0])
	}
	for range 4 * targets {
		if len(mates) < targets {
			mates = add(mates, n.nearMate(len(mates) == 0))
		}
	}
	contacts = add(contacts, s.contacts.doubtful[0])
	if s.contacts.doubts > s.contacts.count/2 {
		contacts = add(contacts, s.contacts.doubtful[1])
	}
	for _, old := range s.contacts.oldest {
		contacts = add(contacts, old)
	}
	mates, contacts = mates[:min(len(mates), targets)], contacts[:min(len(contacts), 2*targets-len(mates))]
	if len(mates) == targets {
		contacts = contacts[:min(len(contacts), targets)]
	}
	return append(mates, contacts...)
}

func add(to []overlay.Ref, r overlay.Ref) []overlay.Ref {
	if r.IsZero() || slices.Contains(to, r) {
		return to
	}
	return append(to, r)
}

// nearMate returns a mate at random; if near is true the nearer of two.
func (n *Node) nearMate(near bool) overlay.Ref {
	lo, hi := n.bounds(n.group)
	best := n.random(lo, hi)
	if near && best != nil {
		if other := n.random(lo, hi); other != nil && farther(best, other) {
			best = other
		}
	}
	if best == nil {
		return overlay.Ref{}
	}
	return best.ref
}

// random returns a good entry of table[lo:hi], or nil if a few tries found none.
func (n *Node) random(lo, hi int) *entry {
	for range 8 {
		if hi <= lo {
			break
		}
		if e := &n.table[lo+n.rand.IntN(hi-lo)]; e.good() {
			return e
		}
	}
	return nil
}

// announce has the next messages tell of a node that is new here.
func (n *Node) announce(node overlay.Ref) {
	if len(n.news) == maxNews {
		n.news = slices.Delete(n.news, 0, 1)
	}
	n.news = append(n.news, news{node, newsTold})
}

// telling returns what to tell a node.
func (n *Node) telling(to overlay.Ref) *gossip {
	m := &gossip{nodes: make([]told, 0, rationAll)}
	n.tellNews(m, to)
	lo, hi := n.bounds(n.group)
	own := rationOwn
	if !n.mate(to) {
		own = rationAll - rationOwn
	}
	for range 2 * own {
		if own > 0 && n.tell(m, to, n.random(lo, hi)) {
			own--
		}
	}
	for range 2 * rationAll {
		if len(m.nodes) == rationAll {
			break
		}
		n.tell(m, to, n.outside(lo, hi))
	}
	m.tuples = n.tuplesFor(to)
	return m
}

// outside returns a good entry that is not in table[lo:hi], or nil if a few tries found none.
func (n *Node) outside(lo, hi int) *entry {
	rest := len(n.table) - (hi - lo)
	for range 8 {
		if rest <= 0 {
			break
		}
		i := n.rand.IntN(rest)
		if i >= lo {
			i += hi - lo
		}
		if e := &n.table[i]; e.good() {
			return e
		}
	}
	return nil
}

func (n *Node) tellNews(m *gossip, to overlay.Ref) {
	kept := n.news[:0]
	for _, w := range n.news {
		i, known := n.find(w.node.ID)
		if !known || n.table[i].state != met {
			continue
		}
		if len(m.nodes) < rationNew && n.tell(m, to, &n.table[i]) {
			w.left--
		}
		if w.left > 0 {
			kept = append(kept, w)
		}
	}
	if n.news = kept; len(kept) == 0 {
		n.news = nil
	}
}

// tell adds e to a message, unless it is there or is whom the message is for.
func (n *Node) tell(m *gossip, to overlay.Ref, e *entry) bool {
	if e == nil || e.ref == to || len(m.nodes) == rationAll {
		return false
	}
	for _, t := range m.nodes {
		if t.node == e.ref {
			return false
		}
	}
	m.nodes = append(m.nodes, told{e.ref, min(n.age(e), maxAge)})
	return true
}

func (n *Node) onGossip(m *gossip) {
	for _, t := range m.nodes {
		n.hear(t)
	}
	for _, r := range m.tuples {
		n.keep(r)
	}
}
