package swarm

import (
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Bounds of what is believed by hearsay, and of visits, by which a peer tells of itself. Whoever tells lies, names strangers or gives addresses where nobody is, gains
// nothing but a few dials: it has a share of the table that is not the others', its candidates take turns with those of
// others, and what does not answer is forgotten.
const (
	maxRumours       = 500
	maxRumoursOfOne  = 100 // told by one peer
	maxTellers       = 4   // remembered of one candidate
	maxRumourFails   = 3   // attempts
	maxRumourAddrs   = 8   // by one teller
	maxVain          = 200 // attempts in a row at what one teller told, after which it is no longer heard
	rumourGivesWayAt = 1   // failed attempts after which a candidate gives way to a new one when the table is full
)

// rumours are the candidates of whom nothing is known but what other peers said.
type rumours struct {
	order []peer.ID
	by    map[peer.ID]*rumourer
}

// A rumourer is a peer that told of candidates.
type rumourer struct {
	told  int // candidates that count as its own
	tries int // dials that they cost
	vain  int // dials that failed since one did not
}

// visit remembers a peer that came to us: it told of itself. A peer known already is tried again soon, since it is there.
func (c *candidates) visit(p peer.AddrInfo, now time.Time) {
	if k := c.known[p.ID]; k != nil {
		if soon := now.Add(firstRedial); k.next.After(soon) {
			k.next = soon
		}
		if k.tellers == nil {
			k.learn(p.Addrs)
		}
	}
	c.hear(p, p.ID)
}

// hear remembers what teller says of p, within bounds. What is known of a peer at first hand is not touched.
func (c *candidates) hear(p peer.AddrInfo, teller peer.ID) {
	p.Addrs = p.Addrs[:min(len(p.Addrs), maxRumourAddrs)]
	k, ok := c.known[p.ID]
	if ok && (k.tellers == nil || k.open || len(k.tellers) == maxTellers || slices.Contains(k.tellers, teller)) {
		return
	}
	by := c.told.by[teller]
	if by == nil {
		by = new(rumourer)
	}
	if by.vain >= maxVain || by.told == maxRumoursOfOne || !ok && len(c.told.order) == maxRumours && !c.giveWay() {
		return
	}
	if c.told.by == nil {
		c.told.by = make(map[peer.ID]*rumourer)
	}
	c.told.by[teller] = by
	by.told++
	if !ok {
		k = &candidate{info: peer.AddrInfo{ID: p.ID}, origin: hearsay}
		if teller == p.ID {
			k.origin = incoming
		}
		c.known[p.ID] = k
		c.told.order = append(c.told.order, p.ID)
	}
	if k.fails > 0 && len(p.Addrs) > 0 {
		k.info.Addrs = nil // led nowhere
	}
	k.tellers = append(k.tellers, teller)
	k.learn(p.Addrs)
}

// unhear takes back what teller said of a candidate. One that nobody else told of, and that was never met, is forgotten.
func (c *candidates) unhear(id, teller peer.ID) {
	k := c.known[id]
	if k == nil || k.open || k.dialing || k.banned || !slices.Contains(k.tellers, teller) {
		return
	}
	if len(k.tellers) == 1 {
		c.forget(k)
		return
	}
	k.tellers = slices.DeleteFunc(k.tellers, func(t peer.ID) bool { return t == teller })
	c.told.release(teller)
}

// confirm makes a candidate that was known by hearsay one of the others. Addresses that were only said are dropped for
// those that are known now, if there are any.
func (c *candidates) confirm(k *candidate, p peer.AddrInfo, origin string) {
	c.unlist(k)
	k.origin = origin
	if len(p.Addrs) > 0 {
		k.info.Addrs = nil
	}
	c.order = append(c.order, p.ID)
}

// forget removes a candidate known by hearsay.
func (c *candidates) forget(k *candidate) {
	c.unlist(k)
	delete(c.known, k.info.ID)
}

// unlist takes a candidate off what is known by hearsay.
func (c *candidates) unlist(k *candidate) {
	for _, t := range k.tellers {
		c.told.release(t)
	}
	k.tellers = nil
	c.told.order = slices.DeleteFunc(c.told.order, func(id peer.ID) bool { return id == k.info.ID })
}

func (r *rumours) release(teller peer.ID) {
	by := r.by[teller]
	if by.told--; by.told == 0 && by.vain == 0 {
		delete(r.by, teller)
	}
}

// tried says whether somebody was met whom these told of.
func (r *rumours) tried(tellers []peer.ID, met bool) {
	for _, t := range tellers {
		if by := r.by[t]; met {
			by.vain = 0
		} else {
			by.vain++
		}
	}
}

// giveWay forgets a candidate that was tried in vain, and tells whether there was one.
func (c *candidates) giveWay() bool {
	for _, id := range c.told.order {
		if k := c.known[id]; k.fails >= rumourGivesWayAt && !k.open && !k.dialing && !k.banned {
			c.forget(k)
			return true
		}
	}
	return false
}

// rumour returns the candidate to dial next, nil if there is none: one of whoever has cost the fewest dials, so that
// many names of one teller do not keep those of others waiting.
func (c *candidates) rumour(now time.Time) *candidate {
	var best *candidate
	var least *rumourer
	for _, id := range c.told.order {
		k := c.known[id]
		if !k.ready(now) {
			continue
		}
		for _, t := range k.tellers {
			if by := c.told.by[t]; best == nil || by.tries < least.tries {
				best, least = k, by
			}
		}
	}
	if best != nil {
		least.tries++
	}
	return best
}
