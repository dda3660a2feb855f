package choker

const (
	// A peer that gives a quarter of what the most generous gives has a full share of the uplink.
	fullShare = 4
	// leastShare is what one gets that gives nothing: next to nothing while others ask, all that they leave otherwise.
	leastShare = 0.02
)

// Weights returns the share of the uplink that is due to each of the peers beside the others, in (0, 1]. Who is unchoked
// is too coarse where there are no more peers than slots, or a download is over before the ranks have been looked at
// twice: so traders are served in proportion to what they give (Levin, LaCurts, Spring and Bhattacharjee, BitTorrent is
// an Auction, SIGCOMM 2008), but alike as long as they give about alike, since proportions that feed back on themselves
// would drive equals apart. Before anybody has given anything, and to those who cannot, shares are equal.
func Weights(peers []Peer) []float64 {
	most := 0.0
	for _, p := range peers {
		if !p.Seeding {
			most = max(most, p.RateIn)
		}
	}
	weights := make([]float64, len(peers))
	for i, p := range peers {
		weights[i] = 1
		if !p.Seeding && most > 0 {
			weights[i] = max(leastShare, min(1, fullShare*p.RateIn/most))
		}
	}
	return weights
}
