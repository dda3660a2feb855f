package chord

import (
	"slices"
	"testing"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// at returns a node of the ring of small, by its place from n on.
func (n *Node) at(i int) overlay.Ref {
	nodes := refs(60)
	slices.SortFunc(nodes, func(a, b overlay.Ref) int { return n.away(a).Compare(n.away(b)) })
	return nodes[(i+60)%60]
}

// asked returns whom a step asks, with messages of one kind.
func asked(n *Node, ev overlay.Event, kind overlay.Kind) (to []overlay.Ref) {
	var out overlay.Actions
	n.Step(1, ev, &out)
	for _, a := range out.List {
		if (a.Do == overlay.DoAsk || a.Do == overlay.DoSend) && a.Msg.Kind() == kind {
			to = append(to, a.To)
		}
	}
	return to
}

// Rectify: a nearer sender becomes the predecessor at once, and the displaced one is told; a farther one only if the
// predecessor is dead.
func TestRectify(t *testing.T) {
	n := small(t, [32]byte{3})
	pred := n.pred
	if to := asked(n, overlay.Received{From: n.at(-4), Msg: notify{}}, kindPing); n.pred != pred || !slices.Equal(to, []overlay.Ref{pred}) {
		t.Fatalf("a farther one: predecessor %v, asked %v", n.pred, to)
	}
	asked(n, overlay.Answered{From: pred, Tag: tagPing, Msg: pong{}}, kindPing)
	if n.pred != pred {
		t.Errorf("the predecessor is there, and %v took its place", n.pred)
	}
	asked(n, overlay.Received{From: n.at(-4), Msg: notify{}}, kindPing)
	to := asked(n, overlay.Unreachable{Node: pred, Tag: tagPing}, kindPing)
	if !n.pred.IsZero() || !slices.Contains(to, n.at(-4)) {
		t.Errorf("the predecessor is dead: %v, asked %v", n.pred, to)
	}
	asked(n, overlay.Answered{From: n.at(-4), Tag: tagPing, Msg: pong{}}, kindPing)
	if n.pred != n.at(-4) {
		t.Errorf("predecessor %v, want the one that is there", n.pred)
	}
	if to := asked(n, overlay.Received{From: n.at(-2), Msg: notify{}}, kindIntroduce); n.pred != n.at(-2) || !slices.Equal(to, []overlay.Ref{n.at(-4)}) {
		t.Errorf("a nearer one: predecessor %v, told %v", n.pred, to)
	}
}

// StabilizeFromSuccessor: the successor's predecessor is asked first. One that is silent changes nothing.
func TestStabilize(t *testing.T) {
	n := small(t, [32]byte{4})
	s := n.head()
	between := overlay.Ref{ID: n.self.ID.Add(power(0)), Handle: 99}
	list := []overlay.Ref{n.at(2), n.at(3)}
	to := asked(n, overlay.Answered{From: s, Tag: tagStabilize, Msg: &neighbourhood{Pred: between, List: list}}, kindNeighbours)
	if n.head() != s || !slices.Equal(to, []overlay.Ref{between}) {
		t.Fatalf("successor %v, asked %v", n.head(), to)
	}
	if to := asked(n, overlay.Unreachable{Node: between, Tag: tagBetter}, kindNotify); n.head() != s || !slices.Equal(to, []overlay.Ref{s}) {
		t.Errorf("silence: successor %v, told %v", n.head(), to)
	}
	asked(n, overlay.Answered{From: between, Tag: tagBetter, Msg: &neighbourhood{Pred: n.self, List: []overlay.Ref{s, n.at(2)}}}, kindNotify)
	if want := []overlay.Ref{between, s, n.at(2)}; !slices.Equal(n.list, want) {
		t.Errorf("list %v, want %v", n.list, want)
	}
}

// A former successor that the new one does not list is introduced to those that follow, until one takes it.
func TestSeam(t *testing.T) {
	n := small(t, [32]byte{5})
	s := n.head()
	other := overlay.Ref{ID: n.self.ID.Add(power(0)), Handle: 99}
	ev := overlay.Answered{From: other, Tag: tagBetter, Msg: &neighbourhood{Pred: n.self, List: []overlay.Ref{n.at(5)}}}
	if to := asked(n, ev, kindIntroduce); !slices.Equal(to, []overlay.Ref{other}) {
		t.Errorf("told %v", to)
	}
	asked(n, overlay.Unreachable{Node: other, Tag: tagSeam}, kindIntroduce)
	if n.seam != s {
		t.Errorf("%v is forgotten: %v", s, n.seam)
	}
	asked(n, overlay.Answered{From: other, Tag: tagSeam, Msg: introduced{}}, kindIntroduce)
	if !n.seam.IsZero() {
		t.Errorf("%v is told again and again", n.seam)
	}
}

// A node is taken for dead after two silences, not after one, and then remembered for a while.
func TestTwice(t *testing.T) {
	n := small(t, [32]byte{6})
	x := n.list[2]
	if to := asked(n, overlay.Unreachable{Node: x, Tag: tagLookup}, kindPing); !slices.Equal(to, []overlay.Ref{x}) || n.index(x) != 2 {
		t.Errorf("after one silence: asked %v, %v", to, n)
	}
	if _, nodes := n.locate(x.ID, maxPool, overlay.Ref{}); slices.Contains(nodes, x) {
		t.Error("it is named in doubt")
	}
	asked(n, overlay.Answered{From: x, Tag: tagPing, Msg: pong{}}, kindPing)
	if _, nodes := n.locate(x.ID, maxPool, overlay.Ref{}); len(nodes) == 0 || nodes[0] != x {
		t.Error("it has answered and is not named")
	}
	asked(n, overlay.Unreachable{Node: x, Tag: tagPing}, kindPing)
	if n.index(x) >= 0 || !slices.Contains(slices.Collect(n.lost.Refs), x) {
		t.Errorf("after two: %v", n)
	}
}
