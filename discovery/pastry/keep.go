package pastry

import (
	"encoding/binary"
	"hash/fnv"
	"slices"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// The records under a key are kept by the replicas that are numerically closest to it. Who holds some compares them with
// those who should, from time to time and when its leaf set changes: the owner with the other replicas, any other with
// the owner. So records follow their key when nodes come, leave and fail, and copies that nobody needs are dropped.

// An offer is what this node holds of keys, shown to another and not answered yet, or records handed to it.
type offer struct {
	number uint64
	keys   []overlay.Key
	handed bool
}

const (
	maxOffers = 64
	maxKept   = 4096 // keys that are looked at in one turn
)

// keepSoon has records compared soon, as who should have them has changed.
func (n *Node) keepSoon(now overlay.Time, out *overlay.Actions) {
	if keys, _ := n.shelf.Len(); keys > 0 && (n.keepAt == 0 || n.keepAt > now.Add(keepAfter)) {
		n.keepAt = now.Add(keepAfter)
		out.Set(overlay.Timer{Kind: timeKeep}, keepAfter)
	}
}

// keepLater begins to compare records when there are some.
func (n *Node) keepLater(now overlay.Time, out *overlay.Actions) {
	if n.keepAt == 0 {
		after := n.about(keepEvery)
		n.keepAt = now.Add(after)
		out.Set(overlay.Timer{Kind: timeKeep}, after)
	}
}

func (n *Node) onTimeKeep(now overlay.Time, out *overlay.Actions) {
	n.keepAt = 0
	n.shelf.Expire(now)
	keys := n.shelf.Keys()
	if len(keys) == 0 {
		n.keepFrom = overlay.Key{}
		return
	}
	i, _ := slices.BinarySearchFunc(keys, n.keepFrom, overlay.Key.Compare)
	keys, n.keepFrom = keys[i:], overlay.Key{}
	if len(keys) > maxKept {
		n.keepFrom, keys = keys[maxKept], keys[:maxKept]
		n.keepAt = now.Add(keepAfter)
		out.Set(overlay.Timer{Kind: timeKeep}, keepAfter)
	} else {
		n.keepLater(now, out)
	}
	n.offerAll(now, keys, out)
}

// offerAll shows to each who should have the records of some of keys what this node has.
func (n *Node) offerAll(now overlay.Time, keys []overlay.Key, out *overlay.Actions) {
	type share struct {
		with  overlay.Ref
		items []item
	}
	var shares []share
	for _, key := range keys {
		it := item{key, sum(n.shelf.Get(now, key))}
		for _, node := range n.compareWith(idOf(key)) {
			i := slices.IndexFunc(shares, func(s share) bool { return s.with == node })
			if i < 0 {
				i, shares = len(shares), append(shares, share{with: node})
			}
			shares[i].items = append(shares[i].items, it)
		}
	}
	for _, s := range shares {
		for part := range slices.Chunk(s.items, maxItems) {
			n.offer(s.with, part, out)
		}
	}
}

// compareWith returns with whom to compare the records under key.
func (n *Node) compareWith(key id) []overlay.Ref {
	near := n.closest(key, replicas)
	if near[0] == n.self {
		return near[1:]
	}
	return near[:1]
}

// sum is the same for the same records in any order.
func sum(records []*overlay.Record) (total uint64) {
	for _, r := range records {
		h := fnv.New64a()
		h.Write([]byte(r.Publisher))
		h.Write(binary.BigEndian.AppendUint64([]byte{byte(r.Kind)}, r.Sequence))
		total += h.Sum64()
	}
	return total
}

func (n *Node) offer(with overlay.Ref, items []item, out *overlay.Actions) {
	if len(n.offers) >= maxOffers {
		return
	}
	o := offer{number: n.next()}
	for _, it := range items {
		o.keys = append(o.keys, it.key)
	}
	n.offers = append(n.offers, o)
	out.Ask(with, &holdsMessage{items}, tag(askOffer, o.number), n.patienceWith(with))
}

func (n *Node) dropOffer(number uint64) (offer, bool) {
	i := slices.IndexFunc(n.offers, func(o offer) bool { return o.number == number })
	if i < 0 {
		return offer{}, false
	}
	o := n.offers[i]
	n.offers = slices.Delete(n.offers, i, i+1)
	return o, true
}

// onHolds answers which of the keys this node has not, or not the same records of.
func (n *Node) onHolds(now overlay.Time, m *holdsMessage, reply overlay.ReplyTo, out *overlay.Actions) {
	if reply == 0 {
		return
	}
	w := &wantsMessage{}
	for _, it := range m.items {
		if sum(n.shelf.Get(now, it.key)) != it.sum {
			w.keys = append(w.keys, it.key)
		}
	}
	out.Reply(reply, w)
}

// onOffered takes what the other wants of an offer, or how it took what was handed to it.
func (n *Node) onOffered(now overlay.Time, number uint64, from overlay.Ref, m overlay.Message, out *overlay.Actions) {
	o, ok := n.dropOffer(number)
	if !ok {
		return
	}
	switch m := m.(type) {
	case *ackMessage:
		if o.handed && m.taken {
			n.dropForeign(o.keys, nil)
		}
	case *wantsMessage:
		if o.handed {
			return
		}
		n.dropForeign(o.keys, m.keys)
		for _, key := range o.keys {
			if slices.Contains(m.keys, key) {
				n.hand(from, []overlay.Key{key}, n.shelf.Get(now, key), out)
			}
		}
	}
}

// dropForeign drops the records under keys that others are to keep, and the owner has. Those in but are not dropped.
func (n *Node) dropForeign(keys, but []overlay.Key) {
	for _, key := range keys {
		if !slices.Contains(but, key) && !n.replica(idOf(key)) {
			n.shelf.Drop(key)
		}
	}
}

// hand has a node keep records, which are of keys.
func (n *Node) hand(to overlay.Ref, keys []overlay.Key, records []*overlay.Record, out *overlay.Actions) {
	for len(records) > 0 {
		part := overlay.Fit(records, maxBytes)
		if records = records[len(part):]; len(records) > 0 {
			out.Ask(to, &storeMessage{part}, tag(askOffer, 0), n.patienceWith(to))
			continue
		}
		o := offer{number: n.next(), keys: keys, handed: true}
		n.offers = append(n.offers, o)
		out.Ask(to, &storeMessage{part}, tag(askOffer, o.number), n.patienceWith(to))
	}
}

// handOver gives the records of each key to the node that becomes a replica when this one leaves.
func (n *Node) handOver(now overlay.Time, out *overlay.Actions) {
	for _, key := range n.shelf.Keys() {
		near := n.closest(idOf(key), replicas+1)
		if i := slices.Index(near, n.self); i >= 0 {
			near = slices.Delete(near, i, i+1)
		}
		if len(near) == 0 {
			return
		}
		n.hand(near[len(near)-1], nil, n.shelf.Get(now, key), out)
	}
}
