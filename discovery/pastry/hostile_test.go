package pastry

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
)

// tell tells a node of an event and returns what it asks for.
func tell(n *Node, now overlay.Time, ev overlay.Event) []overlay.Action {
	out := new(overlay.Actions)
	n.Step(now, ev, out)
	return out.List
}

// only returns the actions of a kind.
func only(list []overlay.Action, do overlay.Do) (some []overlay.Action) {
	for _, a := range list {
		if a.Do == do {
			some = append(some, a)
		}
	}
	return some
}

// member returns a node that has joined and has these leaves.
func member(self string, leaves ...string) *Node {
	n := newNode(&rules{b: 4, half: 8}, ref(self), source(1))
	n.ready = true
	for _, l := range leaves {
		n.alive(0, ref(l), 20*time.Millisecond, new(overlay.Actions))
	}
	return n
}

// An origin that cannot be dialled gets its answer by the node to which it gave the message.
func TestAnswerByTheFirstOnTheWay(t *testing.T) {
	origin, first, last := ref("10"), member("70", "80"), member("80", "70")
	m := &routeMessage{number: 7, key: key("81"), origin: origin, path: []step{{ref("70"), 0}, {ref("80"), 0}}}
	acts := tell(last, 0, overlay.Received{From: ref("70"), Msg: m, Reply: 1})
	ask := only(acts, overlay.DoAsk)
	if len(only(acts, overlay.DoReply)) != 1 || len(ask) != 1 || ask[0].To != origin {
		t.Fatalf("the last on the way does %v", acts)
	}
	ask = only(tell(last, 0, overlay.Unreachable{Node: origin, Tag: ask[0].Tag}), overlay.DoAsk)
	if len(ask) != 1 || ask[0].To != ref("70") {
		t.Fatalf("when the origin does not answer it does %v", ask)
	}
	acts = tell(first, 0, overlay.Received{From: ref("80"), Msg: ask[0].Msg, Reply: 2})
	if sent := only(acts, overlay.DoSend); len(sent) != 1 || sent[0].To != origin {
		t.Fatalf("the first on the way does %v", acts)
	}
}

// A message that came straight from its origin is answered in place of an acknowledgement.
func TestAnswerInPlace(t *testing.T) {
	n := member("80", "70")
	m := &routeMessage{number: 7, key: key("81"), origin: ref("10"), path: []step{{ref("80"), 0}}}
	acts := tell(n, 0, overlay.Received{From: ref("10"), Msg: m, Reply: 1})
	if len(acts) != 1 || acts[0].Do != overlay.DoReply {
		t.Fatalf("does %v", acts)
	}
	if a, ok := acts[0].Msg.(*answerMessage); !ok || a.number != 7 || a.near[0] != n.self {
		t.Fatalf("answers %+v", acts[0].Msg)
	}
}

// Who does not take part, has too much to do or is not meant says so at once.
func TestRefuse(t *testing.T) {
	newcomer, busy, other := member("80"), member("80", "70"), member("90", "70")
	newcomer.ready = false
	busy.forwards = make([]*forward, maxForwards)
	for _, n := range []*Node{newcomer, busy, other} {
		m := &routeMessage{key: key("81"), origin: ref("10"), path: []step{{ref("80"), 0}}}
		acts := tell(n, 0, overlay.Received{From: ref("10"), Msg: m, Reply: 1})
		if len(acts) != 1 || acts[0].Do != overlay.DoReply || acts[0].Msg.(*ackMessage).taken {
			t.Errorf("%v does %v", n.self, acts)
		}
	}
}

// A thousand made-up nodes enter no table, and cost a bounded number of probes and a bounded memory.
func TestMadeUpNodes(t *testing.T) {
	n, r, now := member("80", "70"), source(1), overlay.Time(time.Hour)
	under := map[overlay.Ref]bool{}
	for round := range 50 {
		m := &exchangeMessage{set: set(round % 3)}
		for i := range neighbourhood {
			m.nodes = append(m.nodes, overlay.Ref{ID: randomKey(r), Handle: overlay.Handle(1<<24 + round*100 + i)})
		}
		for _, a := range only(tell(n, now, overlay.Received{From: ref("70"), Msg: m, Reply: 1}), overlay.DoProbe) {
			under[a.To] = true
		}
		if len(under) > maxProbes {
			t.Fatalf("%d probes at once", len(under))
		}
		if round%5 == 4 {
			for x := range under {
				tell(n, now, overlay.Unreachable{Node: x})
				delete(under, x)
			}
		}
		now = now.Add(time.Second)
	}
	if n.leaves.len() != 1 || n.table.len() != 1 || len(n.neighbours) != 1 {
		t.Errorf("made-up nodes are in the tables:\n%v", n)
	}
	held := 0
	for range n.Refs {
		held++
	}
	if held > maxProbes+maxDead+10 {
		t.Errorf("%d nodes are held", held)
	}
}

// Whoever did not answer a probe is not probed again on hearsay for a while, but is once it says something itself.
func TestDeadNodesRest(t *testing.T) {
	n, x := member("80", "70"), ref("81")
	hearsay := overlay.Received{From: ref("70"), Msg: &exchangeMessage{nodes: []overlay.Ref{x}}, Reply: 1}
	probes := func(now overlay.Time, ev overlay.Event) int { return len(only(tell(n, now, ev), overlay.DoProbe)) }
	if probes(0, hearsay) != 1 || probes(0, hearsay) != 0 {
		t.Fatal("not probed once")
	}
	tell(n, 0, overlay.Unreachable{Node: x})
	if probes(0, hearsay) != 0 {
		t.Error("probed again at once")
	}
	if probes(0, overlay.Received{From: x, Msg: &exchangeMessage{}, Reply: 1}) != 1 {
		t.Error("not probed though it is heard of itself")
	}
	tell(n, 0, overlay.Unreachable{Node: x})
	if probes(overlay.Time(2*deadTime), hearsay) != 1 {
		t.Error("not probed after a while")
	}
}

// An answer counts only with the number of a question, and its records only if they are of the key and have not expired.
func TestAnswersThatDoNotCount(t *testing.T) {
	n, k := member("80", "70"), key("71")
	ask := only(tell(n, 0, overlay.Call{ID: 1, Op: overlay.Op{Kind: overlay.Find, Key: k}}), overlay.DoAsk)
	if len(ask) != 1 {
		t.Fatalf("asks %v", ask)
	}
	number := ask[0].Msg.(*routeMessage).number
	answer := &answerMessage{number: number + 1, origin: n.self, path: []step{{ref("70"), 0}}, records: []*overlay.Record{
		{Key: key("72"), Kind: overlay.Provider, Publisher: "a", Expiry: 10},
		{Key: k, Kind: overlay.Provider, Publisher: "b", Expiry: 1},
		{Key: k, Kind: overlay.Provider, Publisher: "c", Expiry: 10},
	}}
	if acts := tell(n, 5, overlay.Received{From: ref("70"), Msg: answer}); len(acts) != 0 {
		t.Fatalf("an answer to nothing makes it do %v", acts)
	}
	right := *answer
	right.number = number
	done := only(tell(n, 5, overlay.Received{From: ref("70"), Msg: &right}), overlay.DoDone)
	if len(done) != 1 || len(done[0].Result.Records) != 1 || done[0].Result.Records[0].Publisher != "c" {
		t.Fatalf("ends with %+v", done)
	}
	if acts := tell(n, 5, overlay.Received{From: ref("70"), Msg: &right}); len(acts) != 0 {
		t.Fatalf("the answer once more makes it do %v", acts)
	}
}

// A liar answers every lookup itself, for all keys, and tells of nodes that do not exist.
type liar struct {
	*Node
	madeUp []overlay.Ref
}

func (l *liar) Step(now overlay.Time, ev overlay.Event, out *overlay.Actions) {
	r, ok := ev.(overlay.Received)
	if !ok {
		l.Node.Step(now, ev, out)
		return
	}
	switch m := r.Msg.(type) {
	case *routeMessage:
		out.Reply(r.Reply, &ackMessage{true})
		out.Send(m.origin, &answerMessage{number: m.number, origin: m.origin, path: m.path, near: l.madeUp[:maxLeaves], nodes: l.madeUp})
	case *exchangeMessage:
		out.Reply(r.Reply, &exchangeMessage{set: m.set, row: m.row, nodes: l.madeUp[:maxLeaves]})
	case *holdsMessage:
		out.Reply(r.Reply, &wantsMessage{})
	case *storeMessage:
		out.Reply(r.Reply, &ackMessage{true})
	}
}

// Among liars every lookup ends, nodes that do not exist are in no table, and most of what is published is found.
func TestLiars(t *testing.T) {
	const madeUp, peers = 72, 120 // each tenth of the peers is a liar
	p := protocol(t, Config{})
	fakes := make([]overlay.Ref, 0, madeUp)
	honest := p.New
	p.New = func(self overlay.Ref, r *rand.Rand) overlay.Machine {
		n := honest(self, r).(*Node)
		if len(fakes) < madeUp {
			fakes = append(fakes, self)
		} else if self.Handle%10 == 0 {
			return &liar{n, fakes}
		}
		return n
	}
	s := network(t, sim.Config{Protocol: p, Seed: 8})
	for range madeUp { // they come and go at once: all that is left of them is their names
		s.JoinThrough()
	}
	for i := range madeUp {
		s.Crash(i)
	}
	first, r := s.JoinThrough(), source(8)
	for i := 1; i < peers; i++ {
		s.JoinThrough(first, first+r.IntN(i), first+r.IntN(i))
		s.Run(time.Second)
	}
	s.Run(5 * time.Minute)
	for _, i := range s.Live() {
		if n, ok := s.Machine(i).(*Node); ok {
			for e := range n.everybody {
				if !s.Alive(s.PeerOf(e.node)) {
					t.Fatalf("%v has %v, which does not exist", n.self, e.node)
				}
			}
		}
	}
	found := 0
	from := func() int {
		for {
			p := first + r.IntN(peers)
			if _, ok := s.Machine(p).(*Node); ok {
				return p
			}
		}
	}
	for range 100 {
		k, at := randomKey(r), from()
		s.Do(at, overlay.Op{Kind: overlay.Publish, Key: k, Record: s.Record(at, k, overlay.Provider, time.Hour, nil)})
		if res := find(s, from(), k); len(res.Records) == 1 {
			found++
		}
	}
	t.Logf("found %d of 100", found)
	if found < 50 {
		t.Errorf("found %d of 100", found)
	}
}

// The closest to a key takes messages and gives no answer. What is published under the key goes to the other replicas all
// the same, and is found there.
func TestSilentOwner(t *testing.T) {
	const peers = 200
	p, k := protocol(t, Config{}), randomKey(source(9))
	honest, silent := p.New, overlay.Handle(0)
	p.New = func(self overlay.Ref, r *rand.Rand) overlay.Machine {
		return &swallower{honest(self, r).(*Node), &silent}
	}
	p.Fill = func(w overlay.World) {
		for i, m := range w.Machines {
			w.Machines[i] = m.(*swallower).Node
		}
		fill(&rules{b: 4, half: 8}, w)
	}
	s := network(t, sim.Config{Protocol: p, Peers: peers, Seed: 9})
	s.Fill()
	owner := livingRefs(s, k)[0]
	silent = owner.Handle
	for range 5 {
		at := s.Random()
		if s.Ref(at) == owner {
			continue
		}
		r := s.Record(at, k, overlay.Provider, time.Hour, nil)
		if res := s.Do(at, overlay.Op{Kind: overlay.Publish, Key: k, Record: r}); res.Err != nil {
			t.Errorf("publish: %v", res.Err)
		}
		if res := find(s, at, k); res.Err != nil || len(res.Records) == 0 {
			t.Errorf("find: %v, %d records", res.Err, len(res.Records))
		}
	}
}

// A swallower takes every message that is routed to it and does nothing, if it is the one.
type swallower struct {
	*Node
	which *overlay.Handle
}

func (w *swallower) Step(now overlay.Time, ev overlay.Event, out *overlay.Actions) {
	if r, ok := ev.(overlay.Received); ok && w.self.Handle == *w.which {
		w.ack(r.Reply, true, out)
		return
	}
	w.Node.Step(now, ev, out)
}
