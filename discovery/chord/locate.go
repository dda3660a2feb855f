package chord

import (
	"slices"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// locate names nodes for a key: the one responsible and those that follow it, if it is this node or in its successor list,
// or else up to most nodes before the key, the nearest first. Who asks is not told of itself.
func (n *Node) locate(key overlay.Key, most int, asker overlay.Ref) (owner bool, nodes []overlay.Ref) {
	if n.owns(key) {
		return true, n.named(append([]overlay.Ref{n.self}, n.list...), asker)
	}
	d := key.Sub(n.self.ID)
	if i := n.search(n.list, d); i < len(n.list) {
		if nodes = n.named(n.sure(i), asker); len(nodes) > 0 {
			return true, nodes
		}
	} else if n.whole && (n.pred.IsZero() || len(n.list) > 0 && n.pred == n.list[len(n.list)-1]) {
		return true, n.named(append([]overlay.Ref{n.self}, n.list...), asker)
	}
	return false, n.preceding(d, most, asker)
}

func (n *Node) named(nodes []overlay.Ref, asker overlay.Ref) []overlay.Ref {
	nodes = slices.DeleteFunc(nodes, func(x overlay.Ref) bool { return x == asker })
	return nodes[:min(len(nodes), maxNamed)]
}

// sure returns the entries of the successor list from i on that have answered.
func (n *Node) sure(i int) (nodes []overlay.Ref) {
	for ; i < len(n.list) && len(nodes) <= maxNamed; i++ {
		if n.unheard>>i&1 == 0 {
			nodes = append(nodes, n.list[i])
		}
	}
	return nodes
}

// preceding returns nodes whose distance is less than d, the nearest to it first: of the fingers, then, as all of these
// are farther, of the successor list (ToN 2003, §IV-E.3: both are searched).
func (n *Node) preceding(d overlay.Key, most int, asker overlay.Ref) (nodes []overlay.Ref) {
	for i := n.search(n.fingers, d) - 1; i >= 0 && len(nodes) < most; i-- {
		if n.fingers[i] != asker {
			nodes = append(nodes, n.fingers[i])
		}
	}
	for i := n.search(n.list, d) - 1; i >= 0 && len(nodes) < most; i-- {
		if n.unheard>>i&1 == 0 && n.list[i] != asker && !slices.Contains(nodes, n.list[i]) {
			nodes = append(nodes, n.list[i])
		}
	}
	return nodes
}

// onLocate answers from the tables.
func (n *Node) onLocate(from overlay.Ref, m *locate, reply overlay.ReplyTo) {
	answer := new(located)
	if !n.starting() {
		if m.Key != from.ID {
			from = overlay.Ref{} // only who looks for its own place must not be told of itself
		}
		if answer.Owner, answer.Nodes = n.locate(m.Key, m.Skip+maxPassed, from); !answer.Owner {
			answer.Nodes = answer.Nodes[min(m.Skip, len(answer.Nodes)):]
		}
	}
	n.out.Reply(reply, answer)
}
