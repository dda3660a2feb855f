package picker

// randomFirst is how many leaves are picked at random before the rarest: a rare one would come slowly,
// and until the first have come there is nothing to trade.
const randomFirst = 4

const (
	maxProbes     = 256 // places looked at for a leaf that the source has, before scanning
	maxCandidates = 64  // of which a scan takes the rarest
)

// anyLeaf returns a random free leaf that the source may have, or -1.
func (k *picking) anyLeaf() int {
	probes := maxProbes
	i := k.probe(k.rarity.order, &probes)
	if i < 0 && probes == 0 {
		i = k.scan()
	}
	return i
}

// rarest returns one of the rarest free leaves that the source may have, or -1. A source that has few of
// them gets a good one rather than the best: looking at all leaves for each pick would be slow.
func (k *picking) rarest() int {
	probes := maxProbes
	for a := range k.rarity.end {
		if i := k.probe(k.rarity.bucket(a), &probes); i >= 0 {
			return i
		}
		if probes == 0 {
			return k.scan()
		}
	}
	return -1
}

// probe looks from a random place on for a leaf that the source may have, and counts probes down.
func (k *picking) probe(leaves []int32, probes *int) int {
	if len(leaves) == 0 {
		return -1
	}
	at := k.rand.IntN(len(leaves))
	for range leaves {
		if *probes == 0 {
			return -1
		}
		*probes--
		if i := int(leaves[at]); k.may(i) {
			return i
		}
		if at++; at == len(leaves) {
			at = 0
		}
	}
	return -1
}

// scan returns the rarest of the first few free leaves that the source has and may be asked for, from a random place
// on.
func (k *picking) scan() int {
	can := k.s.can
	if can == nil {
		can = k.free
	}
	best, start := -1, k.rand.IntN(k.free.Len())
	i, wrapped := start-1, false
	for range maxCandidates {
		i = k.free.NextCommon(can, i+1)
		if i < 0 && !wrapped {
			wrapped = true
			i = k.free.NextCommon(can, 0)
		}
		if i < 0 || wrapped && i >= start {
			break
		}
		if k.may(i) && (best < 0 || k.rarity.avail[i] < k.rarity.avail[best]) {
			best = i
		}
	}
	return best
}
