package choker

import (
	"cmp"
	"slices"
	"time"
)

// turnBytes is how many bytes a peer gets in one turn: enough leaves to have something to pass on.
const turnBytes = 16 << 20

// chooseTakers gives n slots to peers that cannot give anything back: those in the middle of their turn,
// then those who have waited longest, but first those that pass on what nobody else has. A turn is counted
// in bytes, so that a slow peer gets no less than a fast one, and is over for one that asks for nothing: it
// may be that we do not let it (see package spread).
func (c *Choker) chooseTakers(now time.Time, peers []Peer, n int, keep bool, chosen map[PeerID]bool) {
	slices.SortFunc(peers, func(a, b Peer) int {
		s, t := c.turns[a.ID], c.turns[b.ID]
		return cmp.Or(
			cmp.Compare(stage(s, a, keep, now), stage(t, b, keep, now)),
			s.waits.Compare(t.waits),
			cmp.Compare(a.BytesOut, b.BytesOut),
			cmp.Compare(a.ID, b.ID))
	})
	for _, p := range peers[:min(max(n, 0), len(peers))] {
		chosen[p.ID] = true
	}
}

// stage is 0 for a peer in its turn, 1 for one that waits and passes on what it gets, 2 for another that waits, 3 for one
// that has had its turn and goes last.
func stage(t *turn, p Peer, keep bool, now time.Time) int {
	switch {
	case !t.unchoked && p.Passes:
		return 1
	case !t.unchoked:
		return 2
	case p.Asks || now.Sub(t.began) < lookEvery:
		if keep || p.BytesOut-t.bytes < turnBytes {
			return 0
		}
	}
	return 3
}
