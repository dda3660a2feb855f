package picker

import "time"

// A Budget is how much more to ask of a source.
type Budget struct {
	Bytes  int // a leaf larger than what is left is picked only if the source has nothing to do
	Leaves int
}

// A Choice is a leaf to ask of the source that Pick was called for.
type Choice struct {
	Leaf   int
	From   SourceID // the source from which the request is taken over: cancel it there. Else NoSource
	Urgent bool     // a reader waits for it
}

// Pick appends to dst the leaves to ask of a source next, in the order to ask for them, and records them
// as asked at now. It takes a few steps a leaf, whatever the number of leaves.
func (p *Picker) Pick(dst []Choice, id SourceID, b Budget, now time.Time) []Choice {
	s := p.sources[id]
	if s == nil {
		return dst
	}
	k := &picking{Picker: p, s: s, budget: b, now: now, chosen: dst}
	k.urgent()
	k.suggested()
	if !s.suggest.only {
		k.fresh()
		k.steal()
	}
	return k.chosen
}

// picking is one call of Pick.
type picking struct {
	*Picker
	s      *source
	budget Budget
	now    time.Time
	chosen []Choice
	alone  bool // the others of our LAN do not fetch what they were to
}

// room tells whether the budget has room for size more bytes.
func (k *picking) room(size uint32) bool {
	return k.budget.Leaves > 0 && (k.budget.Bytes >= int(size) || k.s.leaves == 0)
}

// take asks s for leaf i, if there is room, and tells whether there was.
func (k *picking) take(i int, from SourceID) bool {
	size := k.size(i)
	if !k.room(size) {
		return false
	}
	k.claim(i)
	k.requests.add(k.s, i, size, k.now)
	k.budget.Bytes -= int(size)
	k.budget.Leaves--
	k.chosen = append(k.chosen, Choice{Leaf: i, From: from})
	return true
}

// fresh takes free leaves.
func (k *picking) fresh() {
	for k.budget.Leaves > 0 && k.free.Count() > 0 && k.s.dry != k.freed+1 {
		i := k.next()
		if i < 0 && k.outside() {
			if k.alone || k.now.Sub(k.lan.moved) < nearPatience {
				return
			}
			k.alone = true
			continue
		}
		if i < 0 {
			k.s.dry = k.freed + 1
			return
		}
		if !k.takePiece(i) {
			return
		}
	}
}

// next returns the free leaf to take next, or -1.
func (k *picking) next() int {
	switch {
	case k.partial == 0:
		return k.nextOfRun()
	case k.have.Count() < randomFirst:
		return k.anyLeaf()
	}
	return k.rarest()
}

// pieceBytes is up to how many bytes small neighbours are taken together, as one piece.
const pieceBytes = 1 << 20

// takePiece takes leaf i and those that follow on and are as rare. It tells whether there was room
// for all.
func (k *picking) takePiece(i int) bool {
	rare := k.rarity.avail[i]
	for bytes := uint32(0); ; {
		if !k.take(i, NoSource) {
			return false
		}
		bytes += k.size(i)
		i++
		k.s.cursor = i
		if !k.free.Has(i) || !k.may(i) || k.rarity.avail[i] != rare || bytes+k.size(i) > pieceBytes {
			return true
		}
	}
}
