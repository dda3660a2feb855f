// Package bitfield is a set of leaf indices, one bit a leaf, in the byte order that the wire and the
// journal share: leaf 0 is the highest bit of the first byte, as in BitTorrent (BEP 3).
//
// It knows neither leaves nor peers. A Bitfield is not safe for concurrent use while someone changes it.
package bitfield

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math/bits"
	"slices"
)

// A Bitfield is a set of numbers from 0 to Len()-1. Its zero value is the empty set of length 0.
type Bitfield struct {
	bits  []byte // bits from n on are zero
	n     int
	count int
}

// New returns a bitfield of length n with no bit set.
func New(n int) *Bitfield {
	return &Bitfield{bits: make([]byte, size(n)), n: n}
}

// Full returns a bitfield of length n with every bit set.
func Full(n int) *Bitfield {
	b := New(n)
	b.SetRange(0, n)
	return b
}

// FromBytes returns the bitfield of length n that Bytes wrote. It copies p. It fails when p is longer or
// shorter than n bits need, or has a bit set from n on.
func FromBytes(p []byte, n int) (*Bitfield, error) {
	if n < 0 || len(p) != size(n) {
		return nil, fmt.Errorf("bitfield: %d bytes for %d bits", len(p), n)
	}
	b := New(n)
	if err := b.PutBytes(0, p); err != nil {
		return nil, err
	}
	return b, nil
}

// size returns the bytes that n bits need.
func size(n int) int { return n/8 + (n%8+7)/8 }

// Len returns the length in bits.
func (b *Bitfield) Len() int { return b.n }

// Count returns how many bits are set.
func (b *Bitfield) Count() int { return b.count }

// Full tells whether every bit is set.
func (b *Bitfield) Full() bool { return b.count == b.n }

// Has tells whether bit i is set; outside the length none is.
func (b *Bitfield) Has(i int) bool {
	return i >= 0 && i < b.n && b.bits[i>>3]&(0x80>>(i&7)) != 0
}

// Set sets bit i and tells whether that changed it. It panics outside the length.
func (b *Bitfield) Set(i int) bool {
	b.check(i)
	mask := byte(0x80 >> (i & 7))
	if b.bits[i>>3]&mask != 0 {
		return false
	}
	b.bits[i>>3] |= mask
	b.count++
	return true
}

// Clear clears bit i and tells whether that changed it. It panics outside the length.
func (b *Bitfield) Clear(i int) bool {
	b.check(i)
	mask := byte(0x80 >> (i & 7))
	if b.bits[i>>3]&mask == 0 {
		return false
	}
	b.bits[i>>3] &^= mask
	b.count--
	return true
}

func (b *Bitfield) check(i int) {
	if i < 0 || i >= b.n {
		panic(fmt.Sprintf("bitfield: bit %d of %d", i, b.n))
	}
}

// SetRange sets count bits from first on. It panics outside the length.
func (b *Bitfield) SetRange(first, count int) {
	b.eachByte(first, count, func(i int, mask byte) {
		b.count += bits.OnesCount8(mask &^ b.bits[i])
		b.bits[i] |= mask
	})
}

// ClearRange clears count bits from first on. It panics outside the length.
func (b *Bitfield) ClearRange(first, count int) {
	b.eachByte(first, count, func(i int, mask byte) {
		b.count -= bits.OnesCount8(mask & b.bits[i])
		b.bits[i] &^= mask
	})
}

// eachByte calls f for each byte that bits [first, first+count) touch, with the bits it touches there.
func (b *Bitfield) eachByte(first, count int, f func(i int, mask byte)) {
	if count == 0 {
		return
	}
	if first < 0 || count < 0 || count > b.n || first > b.n-count {
		panic(fmt.Sprintf("bitfield: %d bits from %d of %d", count, first, b.n))
	}
	last := first + count - 1
	for i := first >> 3; i <= last>>3; i++ {
		mask := byte(0xff)
		if i == first>>3 {
			mask &= 0xff >> (first & 7)
		}
		if i == last>>3 {
			mask &= 0xff << (7 - last&7)
		}
		f(i, mask)
	}
}

// PutBytes replaces the bits from first on by those of p. first is a multiple of 8. It fails, and
// changes nothing, when first is not, or when p has a bit set outside the length.
func (b *Bitfield) PutBytes(first int, p []byte) error {
	if first < 0 || first&7 != 0 {
		return fmt.Errorf("bitfield: bytes begin at bit %d", first)
	}
	start := first >> 3
	if first > b.n || len(p) > len(b.bits)-start {
		return fmt.Errorf("bitfield: %d bytes at bit %d of %d", len(p), first, b.n)
	}
	if pad := b.n & 7; pad != 0 && len(p) > 0 && start+len(p) == len(b.bits) && p[len(p)-1]<<pad != 0 {
		return fmt.Errorf("bitfield: a bit is set after bit %d", b.n-1)
	}
	b.count += ones(p) - ones(b.bits[start:start+len(p)])
	copy(b.bits[start:], p)
	return nil
}

// Bytes returns the bits, the unused ones of the last byte zero. The caller must not change them, and
// they change with b.
func (b *Bitfield) Bytes() []byte { return b.bits }

// Clone returns a copy.
func (b *Bitfield) Clone() *Bitfield {
	return &Bitfield{bits: slices.Clone(b.bits), n: b.n, count: b.count}
}

// Grow lengthens b to n bits; the new ones are not set. A shorter n changes nothing.
func (b *Bitfield) Grow(n int) {
	if n > b.n {
		b.bits = append(b.bits, make([]byte, size(n)-len(b.bits))...)
		b.n = n
	}
}

// All yields the set bits in order. b must not change meanwhile.
func (b *Bitfield) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := b.next(0, 0); i < b.n; i = b.next(i+1, 0) {
			if !yield(i) {
				return
			}
		}
	}
}

// Ranges yields the runs of set bits in order, as first and count. b must not change meanwhile.
func (b *Bitfield) Ranges() iter.Seq2[int, int] { return b.runs(0) }

// Gaps yields the runs of bits that are not set in order, as first and count. b must not change meanwhile.
func (b *Bitfield) Gaps() iter.Seq2[int, int] { return b.runs(0xff) }

func (b *Bitfield) runs(flip byte) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		for i := b.next(0, flip); i < b.n; {
			end := b.next(i, ^flip)
			if !yield(i, end-i) {
				return
			}
			i = b.next(end, flip)
		}
	}
}

// next returns the first bit from i on that is set once every byte is xor-ed with flip, or Len.
func (b *Bitfield) next(i int, flip byte) int {
	if i >= b.n {
		return b.n
	}
	k := i >> 3
	if w := (b.bits[k] ^ flip) & (0xff >> (i & 7)); w != 0 {
		return min(k<<3+bits.LeadingZeros8(w), b.n)
	}
	wide := uint64(flip) * 0x0101010101010101
	for k++; k+8 <= len(b.bits); k += 8 {
		if w := binary.BigEndian.Uint64(b.bits[k:]) ^ wide; w != 0 {
			return min(k<<3+bits.LeadingZeros64(w), b.n)
		}
	}
	for ; k < len(b.bits); k++ {
		if w := b.bits[k] ^ flip; w != 0 {
			return min(k<<3+bits.LeadingZeros8(w), b.n)
		}
	}
	return b.n
}

// NextCommon returns the first bit from i on that is set in b and in o, or -1.
func (b *Bitfield) NextCommon(o *Bitfield, i int) int {
	n := min(b.n, o.n)
	if i >= n {
		return -1
	}
	k := i >> 3
	if w := b.bits[k] & o.bits[k] & (0xff >> (i & 7)); w != 0 {
		return k<<3 + bits.LeadingZeros8(w)
	}
	last := size(n)
	for k++; k+8 <= last; k += 8 {
		if w := binary.BigEndian.Uint64(b.bits[k:]) & binary.BigEndian.Uint64(o.bits[k:]); w != 0 {
			return k<<3 + bits.LeadingZeros64(w)
		}
	}
	for ; k < last; k++ {
		if w := b.bits[k] & o.bits[k]; w != 0 {
			return k<<3 + bits.LeadingZeros8(w)
		}
	}
	return -1
}

// ones counts the set bits of p.
func ones(p []byte) int {
	n := 0
	for ; len(p) >= 8; p = p[8:] {
		n += bits.OnesCount64(binary.BigEndian.Uint64(p))
	}
	for _, c := range p {
		n += bits.OnesCount8(c)
	}
	return n
}
