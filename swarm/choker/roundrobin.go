package choker

import (
	"cmp"
	"slices"
)

// turnBytes is how many bytes a peer gets in one turn: enough leaves to have something to pass on.
const turnBytes = 16 << 20

// chooseTakers gives n slots to peers that cannot give anything back: those in the middle of their turn,
// then those who have waited longest. A turn is counted in bytes, so that a slow peer gets no less than a
// fast one.
func (c *Choker) chooseTakers(peers []Peer, n int, keep bool, chosen map[PeerID]bool) {
	slices.SortFunc(peers, func(a, b Peer) int {
		s, t := c.turns[a.ID], c.turns[b.ID]
		return cmp.Or(
			cmp.Compare(stage(s, a, keep), stage(t, b, keep)),
			s.waits.Compare(t.waits),
			cmp.Compare(a.BytesOut, b.BytesOut),
			cmp.Compare(a.ID, b.ID))
	})
	for _, p := range peers[:min(n, len(peers))] {
		chosen[p.ID] = true
	}
}

// stage is 0 for a peer in its turn, 1 for one that waits, 2 for one that has had its turn and goes last.
func stage(t *turn, p Peer, keep bool) int {
	switch {
	case !t.unchoked:
		return 1
	case keep || p.BytesOut-t.bytes < turnBytes:
		return 0
	}
	return 2
}
