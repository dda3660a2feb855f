package choker

import (
	"cmp"
	"slices"
	"time"
)

// chooseTraders gives n slots to peers that can give something back: most to those who give most, the
// rest to optimistic unchokes. It returns how many got one.
func (c *Choker) chooseTraders(now time.Time, peers []Peer, n int, keep bool, chosen map[PeerID]bool) int {
	if n >= len(peers) {
		for _, p := range peers {
			chosen[p.ID] = true
			c.turns[p.ID].optimistic = false
		}
		return len(peers)
	}
	slices.SortFunc(peers, func(a, b Peer) int {
		return cmp.Or(
			cmp.Compare(given(b, now), given(a, now)),
			cmp.Compare(int64(a.BytesOut-a.BytesIn), int64(b.BytesOut-b.BytesIn)), // of those who give the same, who owes least
			cmp.Compare(a.ID, b.ID))
	})
	taken := 0
	if keep {
		taken = c.keepTraders(peers, chosen)
	}
	for _, p := range peers {
		if taken >= n-optimistsOf(n) {
			break
		}
		if !chosen[p.ID] {
			chosen[p.ID] = true
			c.turns[p.ID].optimistic = false
			taken++
		}
	}
	c.chooseOptimists(now, peers, n-taken, chosen)
	return max(taken, n)
}

// keepTraders chooses those who have a slot by what they give, and returns how many there are.
func (c *Choker) keepTraders(peers []Peer, chosen map[PeerID]bool) int {
	kept := 0
	for _, p := range peers {
		if t := c.turns[p.ID]; t.unchoked && !t.optimistic {
			chosen[p.ID] = true
			kept++
		}
	}
	return kept
}

// given returns the bytes a second that count for p: none if it snubs us, that is, owes us bytes and sends
// none.
func given(p Peer, now time.Time) float64 {
	quietSince := p.LastIn
	if quietSince.IsZero() {
		quietSince = p.Since
	}
	if p.Owes && now.Sub(quietSince) > snubbedAfter {
		return 0
	}
	return p.RateIn
}

// optimistsOf returns how many of n slots are for optimistic unchokes: one in five, at least one. A peer
// with only one slot serves whoever serves it.
func optimistsOf(n int) int {
	if n < 2 {
		return 0
	}
	return max(1, n/5)
}

// chooseOptimists fills n optimistic slots: first those who have one still, then others at random.
// A new peer is three times as likely as others (BEP 3).
func (c *Choker) chooseOptimists(now time.Time, peers []Peer, n int, chosen map[PeerID]bool) {
	var others []PeerID
	for _, p := range peers {
		switch t := c.turns[p.ID]; {
		case chosen[p.ID]:
		case t.optimistic && n > 0:
			chosen[p.ID] = true
			n--
		default:
			others = append(others, p.ID)
			if now.Sub(p.Since) < newFor {
				others = append(others, p.ID, p.ID)
			}
		}
	}
	for ; n > 0 && len(others) > 0; n-- {
		id := others[c.rand.IntN(len(others))]
		chosen[id] = true
		c.turns[id].optimistic = true
		others = slices.DeleteFunc(others, func(o PeerID) bool { return o == id })
	}
}

// endOptimists lets optimistic unchokes move on if it is time.
func (c *Choker) endOptimists(now time.Time) {
	if now.Before(c.optimist) {
		return
	}
	c.optimist = now.Add(optimistEvery)
	for _, t := range c.turns {
		t.optimistic = false
	}
}
