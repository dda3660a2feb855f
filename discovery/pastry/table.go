package pastry

import (
	"slices"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A table is a routing table (§2.1). Row r holds nodes that share exactly r digits with this one, at most one for each
// next digit: of those that are known the nearest by round trip. Rows are short lists ordered by that digit, since most
// slots of the lower rows stay empty.
type table struct{ rows [][]entry }

// slot returns the row and column of a node.
func slot(self id, node overlay.Key, b int) (row, col int) {
	row = shared(self, idOf(node), b)
	return row, digit(node, row, b)
}

func (t *table) row(r int) []entry {
	if r < 0 || r >= len(t.rows) {
		return nil
	}
	return t.rows[r]
}

// find returns the place of a column in a row, and whether somebody is there.
func (t *table) find(r, col, b int) (int, bool) {
	for i, e := range t.row(r) {
		if c := digit(e.node.ID, r, b); c >= col {
			return i, c == col
		}
	}
	return len(t.row(r)), false
}

// at returns who is in a slot.
func (t *table) at(r, col, b int) (entry, bool) {
	if i, ok := t.find(r, col, b); ok {
		return t.rows[r][i], true
	}
	return entry{}, false
}

// put gives a node its slot if that is empty or its holder is farther. It reports whether the node has it now and had
// not before.
func (t *table) put(self id, e entry, b int) bool {
	r, col := slot(self, e.node.ID, b)
	for len(t.rows) <= r {
		t.rows = append(t.rows, nil)
	}
	i, taken := t.find(r, col, b)
	switch {
	case !taken:
		t.rows[r] = slices.Insert(t.rows[r], i, e)
		return true
	case t.rows[r][i].node == e.node:
		t.rows[r][i].rtt = e.rtt
		return false
	case t.rows[r][i].rtt > e.rtt:
		t.rows[r][i] = e
		return true
	}
	return false
}

// drop removes a node. It returns its row, and whether it was there.
func (t *table) drop(self id, node overlay.Ref, b int) (int, bool) {
	r, col := slot(self, node.ID, b)
	i, taken := t.find(r, col, b)
	if !taken || t.rows[r][i].node != node {
		return r, false
	}
	t.rows[r] = slices.Delete(t.rows[r], i, i+1)
	for len(t.rows) > 0 && len(t.rows[len(t.rows)-1]) == 0 {
		t.rows = t.rows[:len(t.rows)-1]
	}
	return r, true
}

// all yields each entry and its row.
func (t *table) all(yield func(int, entry) bool) {
	for r, row := range t.rows {
		for _, e := range row {
			if !yield(r, e) {
				return
			}
		}
	}
}

func (t *table) len() (n int) {
	for _, row := range t.rows {
		n += len(row)
	}
	return n
}

// neighbourhood is how many nodes a neighbourhood set holds: M of §2.1.
const neighbourhood = 32

// A neighbours holds the nodes nearest by round trip, the nearest first. It is of no use to routing but for the rare
// case; a newcomer starts from that of the node through which it joins (§2.4).
type neighbours []entry

// put adds a node if it is near enough.
func (n *neighbours) put(e entry) {
	if i := n.index(e.node); i >= 0 {
		*n = slices.Delete(*n, i, i+1)
	}
	i, _ := slices.BinarySearchFunc(*n, e, func(a, b entry) int {
		if a.rtt <= b.rtt {
			return -1
		}
		return 1
	})
	if i >= neighbourhood {
		return
	}
	if len(*n) == neighbourhood {
		*n = (*n)[:neighbourhood-1]
	}
	*n = slices.Insert(*n, i, e)
}

func (n *neighbours) drop(node overlay.Ref) bool {
	i := n.index(node)
	if i >= 0 {
		*n = slices.Delete(*n, i, i+1)
	}
	return i >= 0
}

func (n neighbours) index(node overlay.Ref) int {
	return slices.IndexFunc(n, func(e entry) bool { return e.node == node })
}
