package chord

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// small is a node of a filled ring of peers 1 to 60, with a lookup under way.
func small(t testing.TB, seed [32]byte) *Node {
	t.Helper()
	p, err := Protocol(Config{Successors: 8})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(binary.BigEndian.Uint64(seed[:]), 0))
	w := overlay.World{Nodes: refs(60), Rand: r}
	slices.SortFunc(w.Nodes, func(a, b overlay.Ref) int { return a.ID.Compare(b.ID) })
	for _, x := range w.Nodes {
		w.Machines = append(w.Machines, p.New(x, r))
	}
	p.Fill(w)
	n := w.Machines[r.IntN(60)].(*Node)
	var out overlay.Actions
	n.Step(0, overlay.Start{}, &out)
	n.Step(0, overlay.Call{ID: 1, Op: overlay.Op{Key: n.self.ID.Add(power(159))}}, &out)
	return n
}

// answers has everybody whom a node asks answer as a liar would, and returns how the lookup of key ended.
func answers(t *testing.T, n *Node, key overlay.Key, liar func(to overlay.Ref, m overlay.Message) overlay.Message) *overlay.Result {
	t.Helper()
	var result *overlay.Result
	now := overlay.Time(time.Second)
	queue := []overlay.Event{overlay.Call{ID: 7, Op: overlay.Op{Kind: overlay.Find, Key: key}}}
	for steps := 0; len(queue) > 0; steps++ {
		if steps > 2000 {
			t.Fatal("it does not end")
		}
		var out overlay.Actions
		n.Step(now, queue[0], &out)
		queue = queue[1:]
		now = now.Add(10 * time.Millisecond)
		for _, a := range out.List {
			switch {
			case a.Do == overlay.DoDone && a.Op == 7:
				result = a.Result
			case a.Do == overlay.DoAsk:
				if m := liar(a.To, a.Msg); m != nil {
					queue = append(queue, overlay.Answered{From: a.To, Tag: a.Tag, Msg: m})
				} else {
					queue = append(queue, overlay.Unreachable{Node: a.To, Tag: a.Tag})
				}
			}
		}
	}
	if result == nil {
		t.Fatal("no result")
	}
	return result
}

// Liars make no lookup loop, grow a table, or go on.
func TestLiars(t *testing.T) {
	made := uint32(1000)
	invented := func() (rs []overlay.Ref) {
		for range maxNamed {
			made++
			rs = append(rs, ref(made))
		}
		return rs
	}
	for name, liar := range map[string]func(to overlay.Ref, m overlay.Message) overlay.Message{
		"itself as nearer":    func(to overlay.Ref, m overlay.Message) overlay.Message { return &located{false, []overlay.Ref{to}} },
		"itself as owner":     func(to overlay.Ref, m overlay.Message) overlay.Message { return &located{true, []overlay.Ref{to}} },
		"nobody":              func(to overlay.Ref, m overlay.Message) overlay.Message { return &located{} },
		"the wrong kind":      func(to overlay.Ref, m overlay.Message) overlay.Message { return pong{} },
		"invented, answering": func(to overlay.Ref, m overlay.Message) overlay.Message { return &located{false, invented()} },
		"invented owners":     func(to overlay.Ref, m overlay.Message) overlay.Message { return &located{true, invented()} },
		"invented, silent": func(to overlay.Ref, m overlay.Message) overlay.Message {
			if to.Handle > 1000 {
				return nil
			}
			return &located{to.Handle%2 == 0, invented()}
		},
		"somebody else": func(to overlay.Ref, m overlay.Message) overlay.Message { return &fetched{false, invented(), nil} },
		"records of another key": func(to overlay.Ref, m overlay.Message) overlay.Message {
			if _, ok := m.(*fetch); ok {
				return &fetched{true, nil, []*overlay.Record{record(1)}}
			}
			return &located{true, []overlay.Ref{to}}
		},
	} {
		n := small(t, [32]byte{1})
		tables := len(n.fingers) + len(n.list)
		r := answers(t, n, n.self.ID.Add(power(159)), liar)
		if r.Hops()+r.Timeouts > maxHops+maxTimeouts || len(r.Records) > 0 {
			t.Errorf("%s: %d hops, %d timeouts, %d records", name, r.Hops(), r.Timeouts, len(r.Records))
		}
		if len(n.fingers)+len(n.list) > tables || slices.ContainsFunc(n.fingers, func(x overlay.Ref) bool { return x.Handle > 1000 }) {
			t.Errorf("%s: it got into the tables", name)
		}
	}
}

// One that names itself for every key is passed by: the lookup finds the owner through others.
func TestOneLiar(t *testing.T) {
	for seed := range byte(20) {
		n := small(t, [32]byte{seed})
		nodes := refs(60)
		slices.SortFunc(nodes, func(a, b overlay.Ref) int { return a.ID.Compare(b.ID) })
		liar := n.fingers[len(n.fingers)-1]
		key := liar.ID.Add(power(155))
		if successor(nodes, key) == liar || n.owns(key) {
			continue
		}
		r := answers(t, n, key, func(to overlay.Ref, m overlay.Message) overlay.Message {
			if to == liar {
				return &located{true, []overlay.Ref{liar}}
			}
			switch m := m.(type) {
			case *locate:
				return honest(nodes, to, m)
			case *fetch:
				return &fetched{Mine: successor(nodes, m.Key) == to}
			}
			return pong{}
		})
		if r.Err != nil || r.Owners[0] != successor(nodes, key) {
			t.Errorf("seed %d: %v, %v", seed, r.Owners, r.Err)
		}
	}
}

// honest answers as a node with no fingers would.
func honest(nodes []overlay.Ref, to overlay.Ref, m *locate) overlay.Message {
	i := slices.Index(nodes, to)
	list, _ := around(nodes, i, 8)
	for j, x := range list {
		if within(to.ID, m.Key, x.ID) {
			return &located{true, list[j:]}
		}
	}
	return &located{false, []overlay.Ref{list[7], list[6]}}
}

// Neighbourhoods full of made-up nodes get no further than the successor list, where lookups leave them out until they
// have answered.
func TestInventedNeighbours(t *testing.T) {
	n := small(t, [32]byte{2})
	h := n.head()
	var lie []overlay.Ref
	for i := range uint32(400) {
		lie = append(lie, ref(2000+i))
	}
	slices.SortFunc(lie, func(a, b overlay.Ref) int { return a.ID.Sub(h.ID).Compare(b.ID.Sub(h.ID)) })
	var out overlay.Actions
	n.Step(1, overlay.Answered{From: h, Tag: tagStabilize, Msg: &neighbourhood{Pred: lie[300], List: lie[:7]}}, &out)
	if n.head() != h || len(n.list) > 8 {
		t.Errorf("%v", n)
	}
	for d := range 100 {
		_, nodes := n.locate(n.self.ID.Add(power(d+59)), maxPool, overlay.Ref{})
		if slices.ContainsFunc(nodes, func(x overlay.Ref) bool { return x.Handle >= 2000 }) {
			t.Fatalf("made-up nodes are named: %v", nodes)
		}
	}
	for _, x := range lie[:7] {
		n.Step(2, overlay.Unreachable{Node: x, Tag: tagPing}, &out)
	}
	if len(n.list) != 1 || n.list[0] != h {
		t.Errorf("they stay: %v", n)
	}
}
