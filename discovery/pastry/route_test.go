package pastry

import (
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// The three rules of §2.2, on one node: the leaf set where it covers the key, the table elsewhere, and the rare case where
// the table has nobody or whoever is there did not answer.
func TestHop(t *testing.T) {
	n := newNode(&rules{b: 4, half: 2}, ref("8000"), source(1))
	for _, x := range []string{"7e00", "7f00", "8100", "8200", "8a00", "8a30", "3000", "c000", "b000"} {
		n.alive(0, ref(x), time.Duration(len(n.neighbours)+1)*time.Millisecond, new(overlay.Actions))
	}
	for _, c := range []struct {
		key   string
		avoid []string
		by    way
		to    string // "" if the message has arrived
	}{
		{"8001", nil, byLeafSet, ""},
		{"80c0", nil, byLeafSet, "8100"},
		{"7e01", nil, byLeafSet, "7e00"},
		{"7e01", []string{"7e00"}, byLeafSet, "7f00"},
		{"80c0", []string{"8100"}, byLeafSet, ""},
		{"8a31", nil, byTable, "8a00"},
		{"c100", nil, byTable, "c000"},
		{"8a31", []string{"8a00"}, byRare, "8a30"}, // two digits more, from the neighbourhood set
		{"8b00", nil, byRare, "8a30"},              // the closest of those that share one digit
		{"b100", []string{"b000"}, byRare, "c000"}, // no digit shared, and closer
		{"d000", nil, byRare, "c000"},
		{"d000", []string{"c000", "b000"}, byRare, "8a30"},
	} {
		var avoid []overlay.Ref
		for _, x := range c.avoid {
			avoid = append(avoid, ref(x))
		}
		to, by, ok := n.hop(key(c.key), avoid)
		if by != c.by || ok != (c.to != "") || ok && to.node != ref(c.to) {
			t.Errorf("%s, not by %v: by %s to %v, want by %s to %s", c.key, c.avoid, by, to.node, c.by, c.to)
		}
	}
}
