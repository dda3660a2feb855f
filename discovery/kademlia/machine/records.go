package machine

import (
	"slices"

	"github.com/seed4134be55/peer/discovery/overlay"
)

func (n *Node) onCall(ev overlay.Call, out *overlay.Actions) {
	l := lookup{key: ev.Op.Key, op: ev.ID, want: ev.Op.Want}
	switch ev.Op.Kind {
	case overlay.Route:
		l.kind = forRoute
	case overlay.Find:
		l.kind = forFind
		l.collect(n.now, n.shelf.Get(n.now, l.key))
	case overlay.Publish:
		l.kind = forPublish
		l.records = []*overlay.Record{ev.Op.Record}
	}
	n.look(l, nil, out)
}

func (n *Node) onFind(ev overlay.Received, m *find, out *overlay.Actions) {
	if ev.Reply == 0 {
		return
	}
	answer := &found{closest: n.table.closest(m.key, n.c.K)}
	if m.records {
		room := overlay.MaxAnswer - n.c.K*contactBytes
		answer.records = overlay.Fit(n.shelf.Get(n.now, m.key), room)
	}
	out.Reply(ev.Reply, answer)
}

// contactBytes is about what a node takes in an answer; more is cut by the room that MaxAnswer leaves.
const contactBytes = 150

func (n *Node) onStore(ev overlay.Received, m *store, out *overlay.Actions) {
	kept := uint8(0)
	for _, r := range m.records {
		if n.keep(r) {
			kept++
		}
	}
	if ev.Reply != 0 {
		out.Reply(ev.Reply, &stored{kept})
	}
}

// keep puts a record on the shelf and notes that those who are closest were told of its key just now.
func (n *Node) keep(r *overlay.Record) bool {
	if n.shelf.Put(n.now, r) != nil {
		return false
	}
	if n.stored == nil {
		n.stored = make(map[overlay.Key]overlay.Time)
	}
	n.stored[r.Key] = n.now
	return true
}

// storeAt tells the k closest to store what the lookup carries. This node keeps it where it is one of them, and where it
// has found nobody else.
func (n *Node) storeAt(l *lookup, out *overlay.Actions) {
	l.storing = true
	for _, owner := range l.owners(n.self, n.c.K) {
		if owner == n.self {
			for _, r := range l.records {
				n.keep(r)
			}
			continue
		}
		l.flying++
		out.Ask(owner, &store{l.records}, overlay.Tag(l.id), deadline)
	}
	if l.flying == 0 {
		n.end(l, out)
	}
}

// republish tells the closest nodes again of what nobody told this node of for a while (§2.5): one holder does it for all
// others, as they hear of it then.
func (n *Node) republish(out *overlay.Actions) {
	n.shelf.Expire(n.now)
	for _, key := range n.shelf.Keys() {
		if n.now.Sub(n.stored[key]) < n.c.Republish {
			continue
		}
		n.stored[key] = n.now
		n.look(lookup{key: key, kind: forKeep, records: overlay.Fit(n.shelf.Get(n.now, key), overlay.MaxAnswer)}, nil, out)
	}
	for key := range n.stored {
		if len(n.shelf.Get(n.now, key)) == 0 {
			delete(n.stored, key)
		}
	}
}

// handOver gives a new node what it is to keep: the keys that it is one of the k closest to, if this node is the closest
// of the others, so that one does it and not all (§2.5).
func (n *Node) handOver(node overlay.Ref, out *overlay.Actions) {
	if keys, _ := n.shelf.Len(); keys == 0 {
		return
	}
	for _, key := range n.shelf.Keys() {
		near := n.table.closest(key, n.c.K+1)
		near = slices.DeleteFunc(near, func(r overlay.Ref) bool { return r == node })
		own, its := n.self.ID.Xor(key), node.ID.Xor(key)
		first := len(near) == 0 || own.Compare(near[0].ID.Xor(key)) < 0
		wanted := len(near) < n.c.K || its.Compare(near[n.c.K-1].ID.Xor(key)) < 0
		if records := n.shelf.Get(n.now, key); first && wanted && len(records) > 0 {
			out.Send(node, &store{overlay.Fit(records, overlay.MaxAnswer)})
		}
	}
}
