package kelips

import (
	"math/bits"
	"slices"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A key's home is where its records are kept (the paper's file tuples): the key's group, and while that has fewer than c
// nodes the groups that follow, until they have c together. Everyone keeps c contacts of each group, so everyone knows of
// each group either that it is large enough or all of its nodes, and finds the same home once gossip has settled. A group
// that gets its first node is part of the homes of its keys at once, and those after it until it has c nodes: they pass
// their records on to it by gossip, and hand over what is no longer theirs before they drop it.

// A rumour is a record that is new here.
type rumour struct {
	record *overlay.Record
	left   uint8 // messages that are still to tell of it
}

// Rations of records. They are counted in bytes, since the largest is ten times the smallest.
const (
	rationTuples = 4       // records of a message
	rationBytes  = 1 << 10 // of them all; one that is larger goes alone
	lookAt       = 8       // records looked at for one message
	maxFresh     = 256
	storeBytes   = 16 << 10 // of the records of one key handed over
)

// inHome reports whether a node of id is in the home of key, as far as this one knows.
func (n *Node) inHome(key, id overlay.Key) bool {
	first, group := n.config.group(key), n.config.group(id)
	return first == group || n.living(first, n.config.after(first, group)) < n.config.Contacts
}

// living counts the nodes that live in so many groups from first on, this one too, up to Contacts.
func (n *Node) living(first, groups int) (count int) {
	if n.config.after(first, n.group) < groups {
		count++
	}
	start, _ := n.bounds(first)
	for k := range n.table {
		e := &n.table[(start+k)%len(n.table)]
		if count >= n.config.Contacts || n.config.after(first, n.config.group(e.ref.ID)) >= groups {
			break
		}
		if e.state == met {
			count++
		}
	}
	return count
}

// keep keeps a record if this node is in its key's home, and reports whether it has it.
func (n *Node) keep(r *overlay.Record) bool { return n.inHome(r.Key, n.self.ID) && n.put(r) }

// put keeps a record and passes it on if it is new.
func (n *Node) put(r *overlay.Record) bool {
	had := n.shelf.Has(r)
	if err := n.shelf.Put(n.now, r); err != nil {
		return false
	}
	if !had {
		if len(n.fresh) == maxFresh {
			n.fresh = slices.Delete(n.fresh, 0, 1)
		}
		// When each node tells of a record so often, about e^-tells of them never hear of it so. They do in its turn.
		n.fresh = append(n.fresh, rumour{r, uint8(bits.Len(uint(n.mates+1)) + 3)})
		n.out.Trace("keeps", r.Key, overlay.Ref{})
	}
	return true
}

// tuplesFor returns records for a node that keeps their keys: new ones first, but the last place is for one in turn.
func (n *Node) tuplesFor(to overlay.Ref) []*overlay.Record {
	var b batch
	for range min(len(n.fresh), lookAt) {
		if len(b.records) == rationTuples-1 {
			break
		}
		r := n.fresh[0]
		n.fresh = n.fresh[1:]
		if n.inHome(r.record.Key, to.ID) && b.add(r.record) {
			r.left--
		}
		if r.left > 0 {
			n.fresh = append(n.fresh, r)
		}
	}
	if len(n.fresh) == 0 {
		n.fresh = nil
	}
	for i := range lookAt {
		if len(b.records) == rationTuples {
			break
		}
		key, ok := n.keyFor(to, i)
		if !ok {
			break
		}
		if rs := n.shelf.Get(n.now, key); len(rs) > 0 && n.inHome(key, to.ID) {
			b.add(rs[n.rand.IntN(len(rs))])
		}
	}
	return b.records
}

// keyFor returns a key to tell a node of. Where our group is large enough to keep its keys alone, a node of another group
// hardly keeps any of ours, so that for it no key loses its turn.
func (n *Node) keyFor(to overlay.Ref, try int) (overlay.Key, bool) {
	if n.mate(to) || n.mates == 0 || n.mates+1 < n.config.Contacts {
		return n.nextKey()
	}
	if try >= len(n.turn) {
		return overlay.Key{}, false
	}
	return n.turn[n.rand.IntN(len(n.turn))], true
}

// A batch is records up to a ration.
type batch struct {
	records []*overlay.Record
	bytes   int
}

func (b *batch) add(r *overlay.Record) bool {
	size := sizeOf(r)
	if len(b.records) == rationTuples || len(b.records) > 0 && b.bytes+size > rationBytes || b.has(r) {
		return false
	}
	b.records, b.bytes = append(b.records, r), b.bytes+size
	return true
}

func (b *batch) has(r *overlay.Record) bool {
	return slices.ContainsFunc(b.records, func(o *overlay.Record) bool {
		return o.Key == r.Key && o.Kind == r.Kind && o.Publisher == r.Publisher
	})
}

// sizeOf returns about how many bytes a record takes on the wire, never less than it does.
func sizeOf(r *overlay.Record) int {
	const fixed = 60 // numbers, lengths and the key
	return len(r.Payload) + len(r.Signature) + len(r.Publisher) + fixed
}

// nextKey returns the next key in turn. A turn begins at most once a round, so that few records are not told too often,
// and anywhere, as who is asked first and last in a round is not left to chance.
func (n *Node) nextKey() (overlay.Key, bool) {
	if len(n.turn) == 0 {
		if keys, _ := n.shelf.Len(); keys == 0 || n.round < n.nextTurn {
			return overlay.Key{}, false
		}
		keys := n.shelf.Keys()
		start := n.rand.IntN(len(keys))
		n.turn, n.nextTurn = append(keys[start:], keys[:start]...), n.round+1
	}
	key := n.turn[0]
	n.turn = n.turn[1:]
	return key, true
}

// strayTuples looks for keys whose home this node is no longer in.
func (n *Node) strayTuples() {
	if keys, _ := n.shelf.Len(); keys == 0 || len(n.strays) > 0 || n.moving {
		return
	}
	for _, key := range n.shelf.Keys() {
		if !n.inHome(key, n.self.ID) {
			n.strays = append(n.strays, key)
		}
	}
	n.moveTuples()
}

// moveTuples hands the records of the next stray key to a node of its home, and drops them when that node has them. Those
// who keep a record are c at least and each does so by itself, so one liar cannot take all.
func (n *Node) moveTuples() {
	for len(n.strays) > 0 && !n.moving {
		key := n.strays[0]
		n.strays = n.strays[1:]
		if home := n.home(key); !n.inHome(key, n.self.ID) && len(home) > 0 {
			n.moving, n.moved = true, key
			n.out.Ask(home[0].ref, &store{overlay.Fit(n.shelf.Get(n.now, key), storeBytes)}, tagMove, patience)
		}
	}
}

// onMoved goes on with the next.
func (n *Node) onMoved(from overlay.Ref, m *stored) {
	n.moving = false
	if m.kept > 0 && !n.inHome(n.moved, n.self.ID) {
		n.shelf.Drop(n.moved)
		n.out.Trace("handed over", n.moved, from)
	}
	n.moveTuples()
}

// pullTuples asks a node of the home that this one is in for its records, once after joining: gossip's ration would take
// long to bring them.
func (n *Node) pullTuples() {
	if !n.bare || n.pulling {
		return
	}
	if home := n.home(n.self.ID); len(home) > 0 {
		n.pulling = true
		n.out.Ask(home[0].ref, &pull{}, tagPull, patience)
	}
}

// paging answers pull.
func (n *Node) paging(to overlay.Ref, from overlay.Key) *page {
	p, room := new(page), overlay.MaxAnswer
	for _, key := range n.shelf.Keys() {
		if key.Compare(from) < 0 || !n.inHome(key, to.ID) {
			continue
		}
		rs := n.shelf.Get(n.now, key)
		some := overlay.Fit(rs, room)
		if len(p.records) > 0 && len(some) < len(rs) || len(p.records)+len(some) > maxPage {
			p.more, p.next = true, key
			return p
		}
		for _, r := range some {
			room -= sizeOf(r)
		}
		p.records = append(p.records, some...)
	}
	return p
}

func (n *Node) onPage(from overlay.Ref, p *page) {
	for _, r := range p.records {
		n.keep(r)
	}
	if p.more && len(p.records) > 0 && p.next.Compare(p.records[len(p.records)-1].Key) > 0 {
		n.out.Ask(from, &pull{p.next}, tagPull, patience)
		return
	}
	n.pulling, n.bare = false, false
}
