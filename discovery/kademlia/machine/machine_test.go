package machine

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

// world returns n nodes in the order of their ids.
func world(t *testing.T, c Config, n int) overlay.World {
	t.Helper()
	p, err := Protocol(c)
	if err != nil {
		t.Fatal(err)
	}
	w := overlay.World{Rand: rand.New(rand.NewPCG(1, 2))}
	for i := range n {
		id := overlay.PeerKey(peer.ID(fmt.Sprint(i)), 0)
		w.Nodes = append(w.Nodes, overlay.Ref{ID: id, Handle: overlay.Handle(i + 1)})
	}
	slices.SortFunc(w.Nodes, func(a, b overlay.Ref) int { return a.ID.Compare(b.ID) })
	for _, r := range w.Nodes {
		w.Machines = append(w.Machines, p.New(r, rand.New(rand.NewPCG(3, uint64(r.Handle)))))
	}
	return w
}

// The closest nodes of a table are those that sorting all of it finds.
func TestClosest(t *testing.T) {
	w := world(t, Config{}, 500)
	fill(w)
	r := rand.New(rand.NewPCG(7, 7))
	for i := range 2000 {
		n := w.Machines[r.IntN(len(w.Machines))].(*Node)
		key := overlay.NameKey(fmt.Sprint(i))
		if i%2 == 0 { // near the node, where the buckets are small
			key = n.self.ID
			key[19] ^= byte(r.Uint32())
			key[r.IntN(3)] ^= byte(1 << r.IntN(8))
		}
		all := slices.Collect(n.table.each)
		sortByDistance(all, key)
		if got := n.table.closest(key, 20); !slices.Equal(got, all[:20]) {
			t.Fatalf("the closest to %v of %v are %v, want %v", key, n.self, got, all[:20])
		}
	}
}

// A filled table has k nodes in each bucket, or all that belong there.
func TestFill(t *testing.T) {
	w := world(t, Config{K: 5}, 300)
	fill(w)
	for _, m := range w.Machines {
		n := m.(*Node)
		belong := map[int]int{}
		for _, r := range w.Nodes {
			belong[n.self.ID.Xor(r.ID).LeadingZeros()]++
		}
		for i, b := range n.table.buckets {
			if len(b.nodes) != min(5, belong[i]) {
				t.Fatalf("%v: bucket %d has %d nodes, and %d belong there", n.self, i, len(b.nodes), belong[i])
			}
			for _, c := range b.nodes {
				if n.self.ID.Xor(c.node.ID).LeadingZeros() != i {
					t.Fatalf("%v is in bucket %d of %v", c.node, i, n.self)
				}
			}
		}
	}
}

// Who has been there longest stays while it answers, and a newcomer takes the place of one that does not (§2.2, §4.1).
func TestBucket(t *testing.T) {
	node := func(i byte) overlay.Ref {
		return overlay.Ref{ID: overlay.Key{0x80, i}, Handle: overlay.Handle(i) + 1}
	}
	has := func(t *testing.T, tab *table, want ...byte) {
		t.Helper()
		var got []byte
		for _, c := range tab.buckets[0].nodes {
			got = append(got, c.node.ID[1])
		}
		if !slices.Equal(got, want) {
			t.Errorf("the bucket has %v, want %v", got, want)
		}
	}
	tab := &table{k: 3}
	for i := range byte(3) {
		if !tab.heard(node(i), 0) {
			t.Errorf("%d is not new", i)
		}
	}
	if tab.heard(node(0), 0) || tab.heard(node(3), 0) {
		t.Error("one that is there, or one for whom there is no room, is new")
	}
	has(t, tab, 1, 2, 0)
	if !tab.failed(node(2)) {
		t.Error("2 was kept though 3 waits")
	}
	has(t, tab, 1, 0, 3)
	if tab.failed(node(1)) {
		t.Error("1 was dropped at once though nobody waits")
	}
	if got := tab.closest(node(1).ID, 3); slices.Contains(got, node(1)) {
		t.Error("1, which did not answer, is among those to ask")
	}
	tab.heard(node(1), 0)
	tab.failed(node(1))
	if !tab.failed(node(1)) {
		t.Error("1 failed twice and was kept")
	}
	has(t, tab, 0, 3)
}

func TestConfig(t *testing.T) {
	var c Config
	for name, value := range map[string]string{"k": "8", "alpha": "10", "refresh": "20m", "republish": "30m"} {
		if err := c.Set(name, value); err != nil {
			t.Error(err)
		}
	}
	if c != (Config{8, 10, 20 * time.Minute, 30 * time.Minute}) {
		t.Errorf("%+v", c)
	}
	for _, s := range [][2]string{{"k", "x"}, {"refresh", "7"}, {"j", "1"}} {
		if err := c.Set(s[0], s[1]); fault.KindOf(err) != fault.BadInput {
			t.Errorf("%v: %v", s, err)
		}
	}
	for _, c := range []Config{{K: -1}, {K: maxK + 1}, {Alpha: -1}, {Refresh: time.Millisecond}} {
		if _, err := Protocol(c); fault.KindOf(err) != fault.BadInput {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// strangers is a book in which every contact is a new node.
type strangers []overlay.Contact

func (b *strangers) Contact(h overlay.Handle) overlay.Contact { return (*b)[h-1] }
func (b *strangers) ContactSize(h overlay.Handle) int         { return (*b)[h-1].Size() }
func (b *strangers) Verify(*overlay.Record) error             { return nil }
func (b *strangers) Learn(c overlay.Contact) (overlay.Ref, error) {
	*b = append(*b, c)
	return overlay.Ref{ID: overlay.PeerKey(c.Peer, c.Virtual), Handle: overlay.Handle(len(*b))}, nil
}

func FuzzDecode(f *testing.F) {
	b := new(strangers)
	node, _ := b.Learn(overlay.Contact{Peer: "somebody"})
	r := &overlay.Record{Kind: overlay.Value, Publisher: "somebody", Payload: []byte("v")}
	for _, m := range []overlay.Message{&find{records: true}, &found{[]overlay.Ref{node}, []*overlay.Record{r}},
		&store{[]*overlay.Record{r}}, &stored{1}} {
		wire, err := overlay.Encode(nil, m, b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		b := new(strangers)
		m, err := overlay.Decode(wire, newMessage, b)
		if err != nil {
			if !errors.Is(err, overlay.ErrMalformed) {
				t.Error(err)
			}
			return
		}
		if again, err := overlay.Encode(nil, m, b); err != nil || !bytes.Equal(again, wire) {
			t.Errorf("%x\nis encoded as\n%x, %v", wire, again, err)
		}
	})
}
