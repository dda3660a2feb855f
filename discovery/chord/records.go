package chord

import (
	"encoding/binary"
	"slices"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// Records live at the owner of their key and at the Replicas-1 nodes after it (ToN 2003, §IV-E.3). Whoever becomes
// responsible for keys is given their records; the owner compares what it has with its replicas every few rounds, and soon
// after these have changed. A node that is no replica any more keeps what it has until it expires.

// onFetch answers as the owner, or says who is nearer.
func (n *Node) onFetch(m *fetch, reply overlay.ReplyTo) {
	answer := &fetched{}
	answer.Mine, answer.Nodes = n.mine(m.Key, maxNamed)
	if m.Most > 0 {
		answer.Records = fit(n.shelf.Get(n.now, m.Key), m.Most)
	}
	n.out.Reply(reply, answer)
}

// mine says whether this node is responsible for a key, and names its replicas; if it is not, after its predecessor, which
// is nearer. Without a predecessor it takes itself for responsible: whoever asks was sent here.
func (n *Node) mine(key overlay.Key, most int) (yes bool, nodes []overlay.Ref) {
	if yes = n.pred.IsZero() || n.owns(key); !yes {
		nodes = append(nodes, n.pred)
	}
	nodes = append(nodes, n.replicas()...)
	return yes, nodes[:min(len(nodes), most)]
}

// onStore keeps records. If they were moved here and belong elsewhere, they are moved on.
func (n *Node) onStore(m *store, reply overlay.ReplyTo) {
	answer := new(stored)
	if len(m.Records) > 0 {
		answer.Mine, answer.Nodes = n.mine(m.Records[0].Key, maxSuccessors)
	}
	for _, r := range m.Records {
		if n.shelf.Put(n.now, r) != nil {
			continue
		}
		answer.Kept++
		if m.Moved {
			n.dirty = true
			if !n.owns(r.Key) && !n.pred.IsZero() {
				n.move(r.Key)
			}
		}
	}
	n.out.Reply(reply, answer)
}

// fit returns the first of records: at most most of them, and no more than fit into a message.
func fit(records []*overlay.Record, most int) []*overlay.Record {
	return overlay.Fit(records[:min(len(records), most)], overlay.MaxAnswer)
}

// handOver gives records to whoever is now responsible for them.
func (n *Node) handOver(to overlay.Ref, keys []overlay.Key) {
	if len(keys) > 0 {
		n.out.Trace("hands over records", keys[0], to)
	}
	n.sendAll(to, keys, true)
}

func (n *Node) sendAll(to overlay.Ref, keys []overlay.Key, moved bool) {
	var records []*overlay.Record
	for _, k := range keys {
		records = append(records, n.shelf.Get(n.now, k)...)
	}
	for len(records) > 0 {
		batch := fit(records, maxBatch)
		records = records[len(batch):]
		n.ask(to, &store{moved, batch}, tagMove)
	}
}

// move remembers that the records of a key are to go to whoever is responsible.
func (n *Node) move(key overlay.Key) {
	if len(n.moving) < overlay.MaxRecords && (len(n.moving) == 0 || n.moving[len(n.moving)-1] != key) {
		n.moving = append(n.moving, key)
	}
}

// tendRecords is the part of a round that is about records.
func (n *Node) tendRecords() {
	if n.round%offerRounds == 0 {
		n.shelf.Expire(n.now)
	}
	if n.alone() {
		return
	}
	for range min(movesRound, len(n.moving)) {
		key := n.moving[0]
		if n.moving = n.moving[1:]; !n.owns(key) {
			n.begin(&lookup{for_: forMove, key: key})
		}
	}
	if len(n.moving) == 0 {
		n.moving = nil
	}
	if !n.pred.IsZero() && (n.dirty || n.round%offerRounds == 0) {
		n.dirty = false
		for _, x := range n.replicas() {
			n.compare(x)
		}
	}
}

// compare offers a replica what this node has of the keys that it is responsible for: one sum for all of them. If the
// replica's differs, detail goes through them.
func (n *Node) compare(x overlay.Ref) {
	keys := n.kept(n.pred.ID, n.self.ID)
	m := &offer{From: n.pred.ID, To: n.self.ID}
	for _, k := range keys {
		m.Sum += n.sum(k)
	}
	n.ask(x, m, tagOffer)
}

// detail offers the next keys after from, each with its sum.
func (n *Node) detail(x overlay.Ref, from overlay.Key) {
	keys, to := n.kept(from, n.self.ID), n.self.ID
	if len(keys) > maxItems {
		keys, to = keys[:maxItems], keys[maxItems-1]
	}
	m := &offer{From: from, To: to, Detail: true}
	for _, k := range keys {
		m.Items = append(m.Items, item{k, n.sum(k)})
	}
	n.ask(x, m, detailTag(to))
}

// A detailTag holds where the offer ends: the first 56 bits.
func detailTag(to overlay.Key) overlay.Tag {
	return tagDetail | overlay.Tag(binary.BigEndian.Uint64(to[:])>>8)
}

// after returns the last key that a detailTag may stand for.
func after(tag overlay.Tag) (k overlay.Key) {
	for i := range k {
		k[i] = 0xff
	}
	binary.BigEndian.PutUint64(k[:], uint64(tag)<<8|0xff)
	return k
}

// kept returns the keys in (from, to] of which there are records, in order from from on.
func (n *Node) kept(from, to overlay.Key) []overlay.Key {
	keys := slices.DeleteFunc(n.shelf.Keys(), func(k overlay.Key) bool { return !within(from, k, to) })
	slices.SortFunc(keys, func(a, b overlay.Key) int { return a.Sub(from).Compare(b.Sub(from)) })
	return keys
}

// sum is a number that two nodes with the same records of a key have both. It only finds out what to send: records are
// checked, so nobody gains by another that gives the same.
func (n *Node) sum(k overlay.Key) (total uint64) {
	for _, r := range n.shelf.Get(n.now, k) {
		h := binary.BigEndian.Uint64(k[:]) ^ uint64(r.Kind)<<56 ^ r.Sequence
		for _, c := range []byte(r.Publisher) {
			h = (h ^ uint64(c)) * 0x100000001b3 // FNV-1a
		}
		total += h
	}
	return total
}

// onOffer compares. To an offer in detail the answer is what is wanted, and what is here and may not be there.
func (n *Node) onOffer(m *offer, reply overlay.ReplyTo) {
	answer := new(offered)
	keys := n.kept(m.From, m.To)
	if !m.Detail {
		rest := m.Sum
		for _, k := range keys {
			rest -= n.sum(k)
		}
		answer.Differs = rest != 0
		n.out.Reply(reply, answer)
		return
	}
	var records []*overlay.Record
	for _, it := range m.Items {
		if n.sum(it.Key) != it.Sum {
			answer.Want = append(answer.Want, it.Key)
		}
	}
	for _, k := range keys {
		if i := slices.IndexFunc(m.Items, func(it item) bool { return it.Key == k }); i < 0 || n.sum(k) != m.Items[i].Sum {
			records = append(records, n.shelf.Get(n.now, k)...)
		}
	}
	answer.Records = fit(records, maxBatch)
	n.out.Reply(reply, answer)
}

// onOffered goes into detail if a replica has something else.
func (n *Node) onOffered(x overlay.Ref, m *offered) {
	if m.Differs && !n.pred.IsZero() {
		n.detail(x, n.pred.ID)
	}
}

// onDetailed makes two nodes have the same, and goes on with the next keys.
func (n *Node) onDetailed(x overlay.Ref, m *offered, tag overlay.Tag) {
	for _, r := range m.Records {
		if n.shelf.Put(n.now, r) == nil {
			n.dirty = true // for the other replicas, and as there may be more
		}
	}
	n.sendAll(x, m.Want, false)
	if from := after(tag); !n.pred.IsZero() && detailTag(n.self.ID) != tag && n.owns(from) {
		n.detail(x, from)
	}
}
