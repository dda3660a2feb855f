package wire

// A Range is Count leaves from index First on. Count is at least 1 and the range ends at MaxLeaves at most.
type Range struct{ First, Count uint32 }

// Leaves returns how many leaves the ranges name, those named twice counted twice.
func Leaves(ranges []Range) uint64 {
	n := uint64(0)
	for _, r := range ranges {
		n += uint64(r.Count)
	}
	return n
}

// AppendLeaf adds leaf i to ranges, to the last one if it follows on. Leaves keep their order.
func AppendLeaf(ranges []Range, i int) []Range {
	if k := len(ranges) - 1; k >= 0 && uint64(ranges[k].First)+uint64(ranges[k].Count) == uint64(i) {
		ranges[k].Count++
		return ranges
	}
	return append(ranges, Range{First: uint32(i), Count: 1})
}

func appendRanges(dst []byte, ranges []Range) []byte {
	dst = appendUint(dst, uint32(len(ranges)))
	for _, r := range ranges {
		dst = appendUint(appendUint(dst, r.First), r.Count)
	}
	return dst
}

// ranges reads at most maxRanges ranges that name at most maxLeaves leaves. There is at least one.
func (c *cursor) ranges(maxRanges int, maxLeaves uint64) []Range {
	ranges := c.rangesOrNone(maxRanges, maxLeaves)
	if ranges == nil {
		c.fail("no ranges")
	}
	return ranges
}

// rangesOrNone is ranges that may be none: nil.
func (c *cursor) rangesOrNone(maxRanges int, maxLeaves uint64) []Range {
	n := int(c.uvarint("ranges", uint64(maxRanges)))
	if n == 0 {
		return nil
	}
	if n > len(c.b)/2 {
		c.fail("ranges are cut short")
		return nil
	}
	ranges := make([]Range, n)
	for i := range ranges {
		r := Range{First: uint32(c.uvarint("range", MaxLeaves-1))}
		r.Count = uint32(c.uvarint("range", MaxLeaves-uint64(r.First)))
		if r.Count == 0 {
			c.fail("an empty range")
			return nil
		}
		ranges[i] = r
	}
	if total := Leaves(ranges); total > maxLeaves {
		c.fail("ranges name %d leaves, over %d", total, maxLeaves)
		return nil
	}
	return ranges
}
