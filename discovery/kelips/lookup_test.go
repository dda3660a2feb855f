package kelips

import (
	"errors"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// asks returns whom the last step asked, and the result of an operation if it ended.
func asks(out *overlay.Actions) (to []overlay.Ref, tag overlay.Tag, r *overlay.Result) {
	for _, a := range out.List {
		switch a.Do {
		case overlay.DoAsk:
			to, tag = append(to, a.To), a.Tag
		case overlay.DoDone:
			r = a.Result
		}
	}
	out.Reset()
	return to, tag, r
}

// withContacts returns a machine that has met two nodes of the next group, and a key of that group.
func withContacts() (n *Node, a, b overlay.Ref, k overlay.Key) {
	n = lone(Config{Groups: 3, Contacts: 2}, 1)
	n.out = new(overlay.Actions)
	g := (n.group + 1) % 3
	a, b = n.at(g, 1), n.at(g, 2)
	n.spoke(a, time.Millisecond)
	n.spoke(b, 9*time.Millisecond)
	return n, a, b, n.at(g, 3).ID
}

// The order in which a lookup asks: the nearest contact, another after silence, then who was named and is of the home.
func TestLookupOrder(t *testing.T) {
	n, a, b, k := withContacts()
	named, outsider := n.at(n.config.group(k), 4), n.at((n.config.group(k)+1)%3, 5)
	var out overlay.Actions
	n.Step(1, overlay.Call{ID: 7, Op: overlay.Op{Kind: overlay.Find, Key: k}}, &out)
	to, tag, _ := asks(&out)
	if len(to) != 1 || to[0] != a {
		t.Fatalf("first it asks %v, not %v", to, a)
	}
	n.Step(2, overlay.Unreachable{Node: a, Tag: tag}, &out)
	if to, _, _ = asks(&out); len(to) != 1 || to[0] != b {
		t.Fatalf("then it asks %v, not %v", to, b)
	}
	n.Step(3, overlay.Answered{From: b, Tag: tag, Msg: &found{home: true, nodes: []overlay.Ref{outsider, named, n.self, a}}}, &out)
	if to, _, _ = asks(&out); len(to) != 1 || to[0] != named {
		t.Fatalf("then it asks %v, not %v", to, named)
	}
	rec := &overlay.Record{Key: k, Kind: overlay.Value, Publisher: "p", Expiry: overlay.Time(time.Hour)}
	n.Step(4, overlay.Answered{From: named, Tag: tag, Msg: &found{home: true, records: []*overlay.Record{rec}}, Took: 1}, &out)
	_, _, r := asks(&out)
	if r == nil || r.Err != nil || len(r.Records) != 1 || r.Hops() != 2 || r.Timeouts != 1 || len(n.searches) != 0 {
		t.Fatalf("%+v", r)
	}
}

// Of an answer counts what was asked for: records of the key that live no longer than may be, from whom it was asked of.
func TestAnswersAreChecked(t *testing.T) {
	n, a, b, k := withContacts()
	var out overlay.Actions
	n.Step(1, overlay.Call{ID: 7, Op: overlay.Op{Kind: overlay.Find, Key: k}}, &out)
	_, tag, _ := asks(&out)
	rec := func(publisher peer.ID, k overlay.Key, expiry time.Duration) *overlay.Record {
		return &overlay.Record{Key: k, Kind: overlay.Value, Publisher: publisher, Expiry: overlay.Time(expiry)}
	}
	good := &found{home: true, records: []*overlay.Record{rec("p", k, time.Hour)}}
	n.Step(2, overlay.Answered{From: b, Tag: tag, Msg: good}, &out) // it was not asked
	n.Step(2, overlay.Answered{From: a, Tag: tag + 1, Msg: good}, &out)
	n.Step(2, overlay.Received{From: a, Msg: good}, &out)
	if _, _, r := asks(&out); r != nil {
		t.Fatalf("an answer to no question counts: %+v", r)
	}
	bad := []*overlay.Record{rec("a", key(1), time.Hour), rec("b", k, 1), rec("c", k, overlay.MaxLifetime+time.Hour)}
	n.Step(2, overlay.Answered{From: a, Tag: tag, Msg: &found{home: true, records: bad}}, &out)
	if _, _, r := asks(&out); r != nil {
		t.Fatalf("records that are none count: %+v", r)
	}
	n.Step(3, overlay.Answered{From: b, Tag: tag, Msg: &join{}}, &out) // an answer of another kind is none
	if _, _, r := asks(&out); r == nil || len(r.Records) != 0 || r.Timeouts != 1 || r.Err != nil {
		t.Fatalf("%+v", r)
	}
}

// What is published goes to both contacts at once; nobody's taking it is an error, and it stays here until somebody does.
func TestPublish(t *testing.T) {
	for _, kept := range []uint8{0, 1} {
		n, a, b, k := withContacts()
		var out overlay.Actions
		rec := &overlay.Record{Key: k, Kind: overlay.Value, Publisher: "p", Expiry: overlay.Time(time.Hour)}
		n.Step(1, overlay.Call{ID: 7, Op: overlay.Op{Kind: overlay.Publish, Key: k, Record: rec}}, &out)
		to, tag, _ := asks(&out)
		if len(to) != 2 {
			t.Fatalf("it asks %v", to)
		}
		n.Step(2, overlay.Answered{From: a, Tag: tag, Msg: &stored{kept: kept}}, &out)
		n.Step(3, overlay.Answered{From: b, Tag: tag, Msg: &stored{}}, &out)
		_, _, r := asks(&out)
		if r == nil || errors.Is(r.Err, overlay.ErrFailed) != (kept == 0) || len(r.Owners) != int(kept) {
			t.Errorf("%d kept it: %+v", kept, r)
		}
		if n.shelf.Has(rec) != (kept == 0) {
			t.Errorf("%d kept it, and it is here: %t", kept, n.shelf.Has(rec))
		}
	}
}

// A node that is alone keeps what it publishes, finds it, and says that it is alone.
func TestAlone(t *testing.T) {
	n := lone(Config{}, 1)
	var out overlay.Actions
	rec := &overlay.Record{Key: key(1), Kind: overlay.Value, Publisher: "p", Expiry: overlay.Time(time.Hour)}
	for i, c := range []struct {
		op   overlay.Op
		want error
		has  int
	}{
		{overlay.Op{Kind: overlay.Publish, Key: key(1), Record: rec}, overlay.ErrAlone, 0},
		{overlay.Op{Kind: overlay.Find, Key: key(1)}, nil, 1},
		{overlay.Op{Kind: overlay.Find, Key: key(2)}, overlay.ErrAlone, 0},
		{overlay.Op{Kind: overlay.Route, Key: key(2)}, nil, 0},
	} {
		n.Step(1, overlay.Call{ID: 1, Op: c.op}, &out)
		if _, _, r := asks(&out); r == nil || !errors.Is(r.Err, c.want) || len(r.Records) != c.has || r.Owners[0] != n.self {
			t.Errorf("operation %d: %+v", i, r)
		}
	}
}
