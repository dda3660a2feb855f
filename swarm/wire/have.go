package wire

// maxNamed is the most leaves that HaveLeaves and Withdrawn name: all of them, none twice.
const maxNamed = MaxLeaves

// HaveBits says for eight leaves a byte, from First on, whether the sender has them. The highest bit
// comes first; bits after the last leaf are zero.
type HaveBits struct {
	Channel uint32
	First   uint32 // a multiple of 8
	Bits    []byte // 1 to MaxBits bytes
}

// HaveLeaves says that the sender has these leaves now.
type HaveLeaves struct {
	Channel uint32
	Leaves  []Range
}

// Withdrawn says that the holder had these leaves and has them no more: its file has changed. A wanter
// that got wrong bytes for them does not hold that against it.
type Withdrawn struct {
	Channel uint32
	Leaves  []Range
}

// Complaint says that the bytes of a leaf did not match. The holder verifies that file again and answers
// Withdrawn if it has changed, else nothing.
type Complaint struct{ Channel, Leaf uint32 }

// Type is TypeHaveBits.
func (HaveBits) Type() Type { return TypeHaveBits }

// Type is TypeHaveLeaves.
func (HaveLeaves) Type() Type { return TypeHaveLeaves }

// Type is TypeWithdrawn.
func (Withdrawn) Type() Type { return TypeWithdrawn }

// Type is TypeComplaint.
func (Complaint) Type() Type { return TypeComplaint }

func (m HaveBits) appendBody(dst []byte) []byte {
	return appendBytes(appendUint(appendUint(dst, m.Channel), m.First), m.Bits)
}

func (m HaveLeaves) appendBody(dst []byte) []byte {
	return appendRanges(appendUint(dst, m.Channel), m.Leaves)
}

func (m Withdrawn) appendBody(dst []byte) []byte {
	return appendRanges(appendUint(dst, m.Channel), m.Leaves)
}

func (m Complaint) appendBody(dst []byte) []byte {
	return appendUint(appendUint(dst, m.Channel), m.Leaf)
}

func (c *cursor) haveBits() Message {
	m := HaveBits{Channel: c.channel(), First: uint32(c.uvarint("first", MaxLeaves-1))}
	m.Bits = append(m.Bits, c.bytes("bits", MaxBits)...)
	switch end := uint64(m.First) + 8*uint64(len(m.Bits)); {
	case m.First%8 != 0:
		c.fail("bits begin at leaf %d", m.First)
	case len(m.Bits) == 0:
		c.fail("no bits")
	case end > MaxLeaves+1:
		c.fail("bits end at leaf %d", end)
	}
	return m
}
