package picker

// rarity keeps the free leaves sorted by how many partial sources have them, so that the rarest are at
// the front. Sources that have everything would shift all leaves alike and are not counted. Each change
// is a swap at the border of a bucket, as in libtorrent's piece_picker.
type rarity struct {
	avail []uint16 // of every leaf, free or not
	order []int32  // free leaves, ascending by avail
	place []int32  // of a leaf in order, or -1
	end   []int32  // bucket a is order[end[a-1]:end[a]]
}

func newRarity(leaves int) rarity {
	r := rarity{
		avail: make([]uint16, leaves),
		order: make([]int32, 0, leaves),
		place: make([]int32, leaves),
		end:   []int32{0},
	}
	for i := range r.place {
		r.place[i] = -1
	}
	return r
}

// bucket returns the leaves of order with availability a.
func (r *rarity) bucket(a int) []int32 { return r.order[r.start(a):r.end[a]] }

func (r *rarity) start(a int) int32 {
	if a == 0 {
		return 0
	}
	return r.end[a-1]
}

// add inserts leaf i: last in the last bucket, then down bucket by bucket.
func (r *rarity) add(i int) {
	top := len(r.end) - 1
	r.place[i] = int32(len(r.order))
	r.order = append(r.order, int32(i))
	r.end[top]++
	for a := top; a > int(r.avail[i]); a-- {
		r.swap(r.place[i], r.end[a-1])
		r.end[a-1]++
	}
}

// remove takes leaf i out: up bucket by bucket, then off the end.
func (r *rarity) remove(i int) {
	for a := int(r.avail[i]); a < len(r.end); a++ {
		r.end[a]--
		r.swap(r.place[i], r.end[a])
	}
	r.order = r.order[:len(r.order)-1]
	r.place[i] = -1
}

// inc says that one more source has leaf i.
func (r *rarity) inc(i int) {
	a := int(r.avail[i])
	if a+1 == len(r.end) {
		r.end = append(r.end, int32(len(r.order)))
	}
	if r.place[i] >= 0 {
		r.end[a]--
		r.swap(r.place[i], r.end[a])
	}
	r.avail[i]++
}

// dec says that one source less has leaf i.
func (r *rarity) dec(i int) {
	if a := int(r.avail[i]); r.place[i] >= 0 {
		r.swap(r.place[i], r.end[a-1])
		r.end[a-1]++
	}
	r.avail[i]--
}

// incAll says that one more partial source has every leaf: the order stays.
func (r *rarity) incAll() {
	for i := range r.avail {
		r.avail[i]++
	}
	r.end = append(r.end, int32(len(r.order)))
	copy(r.end[1:], r.end)
	r.end[0] = 0
}

// decAll says that one partial source less has every leaf: so far it was counted for each.
func (r *rarity) decAll() {
	for i := range r.avail {
		r.avail[i]--
	}
	if len(r.end) > 1 {
		r.end = append(r.end[:0], r.end[1:]...)
	}
}

func (r *rarity) swap(a, b int32) {
	i, j := r.order[a], r.order[b]
	r.order[a], r.order[b] = j, i
	r.place[i], r.place[j] = b, a
}
