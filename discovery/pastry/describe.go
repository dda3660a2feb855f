package pastry

import (
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// Refs yields each node that the machine holds.
func (n *Node) Refs(yield func(overlay.Ref) bool) {
	for _, node := range n.held() {
		if !node.IsZero() && !yield(node) {
			return
		}
	}
}

func (n *Node) held() (list []overlay.Ref) {
	for e := range n.everybody {
		list = append(list, e.node)
	}
	for _, p := range n.probes {
		list = append(list, p.node)
	}
	for _, d := range n.dead {
		list = append(list, d.node)
	}
	list = append(append(slices.AppendSeq(list, n.lost.Refs), n.boot...), n.met...)
	if n.join != nil {
		list = append(append(list, n.join.via), refs(n.join.tries)...)
	}
	for _, f := range n.forwards {
		list = append(append(append(list, f.to), f.failed...), f.msg.held()...)
	}
	for _, p := range n.answers {
		list = append(append(list, p.relay), p.msg.held()...)
	}
	for _, o := range n.ops {
		list = append(list, o.held()...)
	}
	return list
}

func (m *routeMessage) held() []overlay.Ref {
	return append(append(nodesOf(m.path), m.origin), m.nodes...)
}

func (m *answerMessage) held() []overlay.Ref {
	return append(append(append(nodesOf(m.path), m.origin), m.near...), m.nodes...)
}

func nodesOf(path []step) (list []overlay.Ref) {
	for _, s := range path {
		list = append(list, s.node)
	}
	return list
}

func (o *op) held() []overlay.Ref {
	list := append(append(slices.Clone(o.first), o.asked...), o.result.Owners...)
	for _, h := range o.result.Path {
		list = append(list, h.Node)
	}
	return list
}

// unique returns nodes, each once, in the order in which they first come.
func unique(nodes []overlay.Ref) []overlay.Ref {
	list := nodes[:0:0]
	for _, node := range nodes {
		if !slices.Contains(list, node) {
			list = append(list, node)
		}
	}
	return list
}

// Keeps is overlay.Machine's.
func (n *Node) Keeps(key overlay.Key) bool { return n.shelf.Keeps(key) }

// Census counts what the machine holds.
func (n *Node) Census() overlay.Census {
	var nodes []overlay.Ref
	for e := range n.everybody {
		nodes = append(nodes, e.node)
	}
	keys, records := n.shelf.Len()
	entries := cap(n.leaves.after) + cap(n.leaves.before) + cap(n.neighbours)
	for _, row := range n.table.rows {
		entries += cap(row)
	}
	bytes := int(unsafe.Sizeof(*n)) + entries*int(unsafe.Sizeof(entry{})) + cap(n.table.rows)*int(unsafe.Sizeof([]entry(nil)))
	return overlay.Census{Peers: len(unique(nodes)), Keys: keys, Records: records, Bytes: bytes + n.shelf.Bytes()}
}

// String describes the tables: the leaf set in the order of the ring, the rows that are not empty.
func (n *Node) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "leaves %s < %s < %s\n", names(reversed(n.leaves.before)), n.self, names(n.leaves.after))
	for r, row := range n.table.rows {
		if len(row) > 0 {
			fmt.Fprintf(&b, "row %d: %s\n", r, names(row))
		}
	}
	if keys, records := n.shelf.Len(); keys > 0 {
		fmt.Fprintf(&b, "keeps %d records under %d keys\n", records, keys)
	}
	return b.String()
}

func names(entries []entry) string {
	if len(entries) == 0 {
		return "-"
	}
	words := make([]string, len(entries))
	for i, e := range entries {
		words[i] = e.node.String()
	}
	return strings.Join(words, " ")
}

func reversed(entries []entry) []entry {
	list := slices.Clone(entries)
	slices.Reverse(list)
	return list
}
