package chord

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/internal/papertest"
)

// A model is a network in which anything that may happen next may be what happens next: a message arrives, in any order, a
// timer fires, a node joins or dies. It is Zave's, with our machines in it: after each step its ring is checked for the
// properties that her proof gives it (TSE 2017, and the Alloy model: OneOrderedRing, ConnectedAppendages), and nobody dies
// whom her operating assumptions keep alive (Fail's preconditions).
type model struct {
	rand    *rand.Rand
	r       int
	made    []overlay.Ref
	nodes   map[overlay.Handle]*Node // the live ones
	inRing  map[overlay.Handle]bool  // those that have joined
	flying  []parcel
	replies map[overlay.ReplyTo]parcel
	asked   uint64
	now     overlay.Time

	// published has nodes adopt a successor's predecessor without asking it, as ToN 2003, Fig. 6 does: what the machine
	// asks of it is answered, dead or not.
	published bool
	log       []string
}

type parcel struct {
	to    overlay.Handle
	ev    overlay.Event
	reply overlay.ReplyTo // of a question that waits
}

func newModel(seed uint64, r int) *model {
	return &model{
		rand: rand.New(rand.NewPCG(seed, uint64(r))), r: r, nodes: map[overlay.Handle]*Node{}, inRing: map[overlay.Handle]bool{},
		replies: map[overlay.ReplyTo]parcel{},
	}
}

func (m *model) join() {
	self := overlay.Ref{ID: overlay.NameKey(fmt.Sprint(m.rand.Uint64())), Handle: overlay.Handle(len(m.made) + 1)}
	var known []overlay.Ref
	for _, n := range m.members() {
		known = append(known, n.self)
	}
	if len(known) > 0 {
		known = []overlay.Ref{known[m.rand.IntN(len(known))]}
	}
	m.made = append(m.made, self)
	c := Config{Successors: m.r}.filled()
	m.nodes[self.Handle] = &Node{config: &c, self: self, rand: m.rand, whole: true}
	m.say("%v joins through %v", self, known)
	m.inRing[self.Handle] = len(known) == 0
	m.step(self.Handle, overlay.Start{Known: known})
}

func (m *model) live() (refs []overlay.Ref) {
	for _, x := range m.made {
		if m.nodes[x.Handle] != nil {
			refs = append(refs, x)
		}
	}
	return refs
}

func (m *model) say(format string, args ...any) { m.log = append(m.log, fmt.Sprintf(format, args...)) }

func (m *model) step(at overlay.Handle, ev overlay.Event) {
	n := m.nodes[at]
	if n == nil {
		return
	}
	m.now++
	out := &overlay.Actions{Tracing: true}
	n.Step(m.now, ev, out)
	for _, a := range out.List {
		m.act(n.self, a)
	}
	m.inRing[at] = m.inRing[at] || !n.alone()
	if !m.inRing[at] && !n.starting() { // whoever it wanted to join through died
		m.say("%v gives up", n.self)
		delete(m.nodes, at)
	}
}

func (m *model) act(self overlay.Ref, a overlay.Action) {
	switch a.Do {
	case overlay.DoSend:
		m.flying = append(m.flying, parcel{a.To.Handle, overlay.Received{From: self, Msg: a.Msg}, 0})
	case overlay.DoAsk:
		m.asked++
		id := overlay.ReplyTo(m.asked)
		m.replies[id] = parcel{self.Handle, overlay.Answered{From: a.To, Tag: a.Tag}, id}
		m.flying = append(m.flying, parcel{a.To.Handle, overlay.Received{From: self, Msg: a.Msg, Reply: id}, id})
	case overlay.DoReply:
		p := m.replies[a.Reply]
		ev := p.ev.(overlay.Answered)
		ev.Msg = a.Msg
		m.flying = append(m.flying, parcel{p.to, ev, 0})
		delete(m.replies, a.Reply)
	case overlay.DoTrace:
		m.say("  %v %s %v", self, a.Trace.What, a.Trace.Node)
	}
}

// deliver has the i-th parcel arrive. Who asks the dead, or does not hear of them again, is told so.
func (m *model) deliver(i int) {
	p := m.flying[i]
	m.flying = slices.Delete(m.flying, i, i+1)
	if m.nodes[p.to] != nil || p.reply == 0 {
		m.step(p.to, p.ev)
		return
	}
	m.silence(p.reply)
}

func (m *model) silence(id overlay.ReplyTo) {
	q, ok := m.replies[id]
	if !ok {
		return
	}
	delete(m.replies, id)
	asker, ev := m.nodes[q.to], q.ev.(overlay.Answered)
	if m.published && asker != nil && ev.Tag == tagBetter {
		ev.Msg = &neighbourhood{List: asker.list}
		m.step(q.to, ev)
		return
	}
	m.step(q.to, overlay.Unreachable{Node: ev.From, Tag: ev.Tag})
}

// crash ends a node, if the assumptions allow it.
func (m *model) crash(x overlay.Ref) {
	n := m.nodes[x.Handle]
	if !m.mayFail(n) {
		return
	}
	m.say("%v dies", x)
	delete(m.nodes, x.Handle)
	for id := range m.asked + 1 { // what it was asked and did not answer
		if q, ok := m.replies[overlay.ReplyTo(id)]; ok && q.ev.(overlay.Answered).From == x && !m.carried(overlay.ReplyTo(id)) {
			m.silence(overlay.ReplyTo(id))
		}
	}
}

func (m *model) carried(id overlay.ReplyTo) bool {
	return slices.ContainsFunc(m.flying, func(p parcel) bool { return p.reply == id })
}

// members are the live nodes that have joined.
func (m *model) members() (ns []*Node) {
	for _, x := range m.live() {
		if m.inRing[x.Handle] {
			ns = append(ns, m.nodes[x.Handle])
		}
	}
	return ns
}

// chains are the extended successor lists of all but one, and what will be one as soon as it arrives. A list that closes
// ends with the node itself.
func (m *model) chains(but *Node) (all [][]overlay.Ref) {
	add := func(x overlay.Ref, list []overlay.Ref, whole bool) {
		c := append([]overlay.Ref{x}, list...)
		if whole {
			c = append(c, x)
		}
		all = append(all, c)
	}
	for _, n := range m.members() {
		if n != but {
			add(n.self, n.list, n.whole)
		}
	}
	for _, p := range m.flying {
		if ev, ok := p.ev.(overlay.Answered); ok {
			if a, ok := ev.Msg.(*neighbourhood); ok && a.inRing() {
				add(ev.From, a.List, a.Whole)
			}
		}
	}
	return all
}

// principal reports whether nobody's list skips n (Zave's principals).
func principal(n *Node, chains [][]overlay.Ref) bool {
	for _, c := range chains {
		for i := range len(c) - 1 {
			if between(c[i].ID, n.self.ID, c[i+1].ID) {
				return false
			}
		}
	}
	return true
}

// mayFail is Zave's precondition of Fail: all others keep a live successor, and a base of r+1 principals stays; in a ring
// that has no more members than that, everyone lists everyone. Her queries take no time; here a list that is on its way
// counts as one that is there.
func (m *model) mayFail(f *Node) bool {
	chains, principals, everyone := m.chains(f), 0, true
	members := m.members()
	for _, n := range members {
		if n == f {
			continue
		}
		if n.head() != (overlay.Ref{}) && m.best(n, f) == nil {
			return false
		}
		if principal(n, chains) {
			principals++
		}
		everyone = everyone && n.whole && len(n.list) == len(members)-1
	}
	for _, p := range m.flying {
		if ev, ok := p.ev.(overlay.Answered); ok && m.nodes[p.to] != nil {
			if a, ok := ev.Msg.(*neighbourhood); ok && a.inRing() && !m.any(m.nodes[p.to], m.comes(p.to, ev.From, a), f) {
				return false
			}
		}
	}
	return principals > m.r || everyone && len(members) > 1 && len(members) <= m.r+1
}

// comes returns the list that a node makes of another's: with that one in front, unless it joins after it.
func (m *model) comes(to overlay.Handle, from overlay.Ref, a *neighbourhood) []overlay.Ref {
	if m.inRing[to] {
		return append([]overlay.Ref{from}, a.List...)
	}
	list := slices.DeleteFunc(slices.Clone(a.List), func(x overlay.Ref) bool { return between(from.ID, x.ID, m.made[to-1].ID) })
	if a.Whole {
		list = append(list, from)
	}
	return list
}

// any reports whether one of the first r in a list for n is alive, but for one.
func (m *model) any(n *Node, list []overlay.Ref, but *Node) bool {
	return slices.ContainsFunc(list[:min(len(list), m.r)], func(x overlay.Ref) bool {
		s := m.nodes[x.Handle]
		return s != nil && s != but && s != n
	})
}

// best is a node's first live successor, but for one.
func (m *model) best(n, but *Node) *Node {
	for _, x := range n.list {
		if s := m.nodes[x.Handle]; s != nil && s != but {
			return s
		}
	}
	return nil
}

// check returns what is wrong with the ring, or nothing.
func (m *model) check() string {
	members := m.members()
	next := map[*Node]*Node{}
	for _, n := range members {
		switch s := m.best(n, nil); {
		case s != nil:
			next[n] = s
		case len(n.list) == 0 && n.whole:
			next[n] = n
		default:
			return fmt.Sprintf("%v has no live successor", n.self)
		}
	}
	onRing := func(n *Node) bool {
		x := n
		for range members {
			if x = next[x]; x == n {
				return true
			}
		}
		return false
	}
	var ring []*Node
	for _, n := range members {
		if onRing(n) {
			ring = append(ring, n)
		}
	}
	if len(ring) == 0 && len(members) > 0 {
		return "no ring"
	}
	for _, n := range ring {
		for _, x := range ring {
			if x != n && between(n.self.ID, x.self.ID, next[n].self.ID) {
				return fmt.Sprintf("two rings, or one out of order: %v is between %v and its successor", x.self, n.self)
			}
		}
	}
	for _, n := range members {
		x := n
		for range members {
			x = next[x]
		}
		if !slices.Contains(ring, x) {
			return fmt.Sprintf("%v does not get to the ring", n.self)
		}
	}
	return ""
}

// explore lets what may happen happen, in one of its orders, and returns what went wrong.
func (m *model) explore(steps, most int) string {
	m.join()
	for range steps {
		live := m.live()
		switch k := m.rand.IntN(40); {
		case k == 0 && len(live) < most:
			m.join()
		case k == 1:
			m.crash(live[m.rand.IntN(len(live))])
		case k < 6 || len(m.flying) == 0:
			m.step(live[m.rand.IntN(len(live))].Handle, overlay.Fired{Timer: timerRound})
		default:
			m.deliver(m.rand.IntN(len(m.flying)))
		}
		if wrong := m.check(); wrong != "" {
			return wrong
		}
	}
	return ""
}

// settle ends the coming and going, and returns how far from ideal the ring stays.
func (m *model) settle() string {
	for range 200 {
		for _, x := range m.live() {
			m.step(x.Handle, overlay.Fired{Timer: timerRound})
		}
		for len(m.flying) > 0 {
			m.deliver(m.rand.IntN(len(m.flying)))
		}
		if wrong := m.check(); wrong != "" {
			return wrong
		}
	}
	nodes := m.live()
	slices.SortFunc(nodes, func(a, b overlay.Ref) int { return a.ID.Compare(b.ID) })
	for i, x := range nodes {
		n := m.nodes[x.Handle]
		if len(nodes) == 1 {
			continue
		}
		list, whole := around(nodes, i, m.r)
		if pred := nodes[(i+len(nodes)-1)%len(nodes)]; n.pred != pred || !slices.Equal(n.list, list) || n.whole != whole {
			return fmt.Sprintf("%v is not ideal: %v", x, n)
		}
	}
	return ""
}

// In no order of joins and deaths that Zave's assumptions allow is the ring anything but one ordered ring with connected
// appendages, and it becomes ideal once they end.
func TestRing(t *testing.T) {
	for r := 2; r <= 4; r++ {
		deaths := 0
		for seed := range papertest.Pick(uint64(30), 1500) {
			m := newModel(seed, r)
			wrong := m.explore(1500, 2*r+4)
			if wrong == "" {
				wrong = m.settle()
			}
			if wrong != "" {
				t.Fatalf("seed %d, r %d: %s after\n%s", seed, r, wrong, strings.Join(m.log[max(0, len(m.log)-60):], "\n"))
			}
			deaths += len(m.made) - len(m.live())
		}
		t.Logf("r %d: %d deaths", r, deaths)
	}
}

// With published Chord's rule it is not.
func TestRingAsPublished(t *testing.T) {
	for seed := range uint64(300) {
		m := newModel(seed, 2)
		m.published = true
		if wrong := m.explore(1500, 8); wrong != "" {
			t.Logf("seed %d: %s", seed, wrong)
			return
		}
	}
	t.Error("the rule that Zave corrected does no harm: the model does not explore")
}
