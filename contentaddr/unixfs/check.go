package unixfs

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// check holds n to the invariants of Node.
func (n *Node) check() error {
	switch n.Kind {
	case File, Raw:
		return n.checkSizes()
	case HAMTShard:
		if err := n.checkShard(); err != nil {
			return err
		}
	case Symlink:
		if len(n.Links) > 0 {
			return errors.New("symlink with links")
		}
	}
	if len(n.BlockSizes) > 0 {
		return fmt.Errorf("%s with block sizes", n.Kind)
	}
	return nil
}

// checkSizes adds up a file's sizes: a reader seeks by them and a writer allocates by them.
func (n *Node) checkSizes() error {
	if len(n.BlockSizes) != len(n.Links) {
		return fmt.Errorf("%d block sizes for %d links", len(n.BlockSizes), len(n.Links))
	}
	sum := uint64(len(n.Data))
	for _, size := range n.BlockSizes {
		if size > math.MaxInt64-sum {
			return errors.New("block sizes overflow")
		}
		sum += size
	}
	if n.HasFileSize && n.FileSize != sum {
		return fmt.Errorf("file size %d is not the sum of its parts, %d", n.FileSize, sum)
	}
	n.FileSize = sum
	return nil
}

// HashMurmur3 is the multicodec of murmur3-x64-64, the only hash that shards are made with.
const HashMurmur3 = 0x22

// maxFanout bounds the width of a shard; the specification's implementations have the same limit.
const maxFanout = 1024

// checkShard compares the bitfield of a shard with its links: one link a bit, in order, each named by
// the bit's number in upper-case hexadecimal, followed by the entry's name if it is one.
func (n *Node) checkShard() error {
	if n.HashType != HashMurmur3 {
		return fmt.Errorf("shard with hash function %#x: only murmur3-x64-64 (%#x) is known", n.HashType, HashMurmur3)
	}
	if n.Fanout < 8 || n.Fanout > maxFanout || bits.OnesCount64(n.Fanout) != 1 {
		return fmt.Errorf("shard with fanout %d: not a power of two from 8 to %d", n.Fanout, maxFanout)
	}
	if uint64(len(n.Data)) > n.Fanout/8 {
		return fmt.Errorf("shard with a bitfield of %d bytes for a fanout of %d", len(n.Data), n.Fanout)
	}
	last := -1
	for i := range n.Links {
		slot, err := n.slotOf(n.Links[i].Name)
		if err != nil {
			return err
		}
		if slot <= last || !n.hasSlot(slot) {
			return fmt.Errorf("shard link %q is out of order or not in the bitfield", n.Links[i].Name)
		}
		last = slot
	}
	set := 0
	for _, b := range n.Data {
		set += bits.OnesCount8(b)
	}
	if set != len(n.Links) {
		return fmt.Errorf("shard with %d links has %d bits set", len(n.Links), set)
	}
	return nil
}

// prefixLen returns how many hexadecimal digits number a slot of a shard with this fanout.
func prefixLen(fanout uint64) int { return (bits.Len64(fanout-1) + 3) / 4 }

// slotOf reads the number that a shard's link name begins with.
func (n *Node) slotOf(name string) (int, error) {
	digits := prefixLen(n.Fanout)
	if len(name) < digits {
		return 0, fmt.Errorf("shard link %q has no slot number", name)
	}
	slot := 0
	for _, digit := range []byte(name[:digits]) {
		value := strings.IndexByte(upperHex, digit)
		if value < 0 {
			return 0, fmt.Errorf("shard link %q has no slot number", name)
		}
		slot = slot<<4 | value
	}
	return slot, nil
}

const upperHex = "0123456789ABCDEF"

// hasSlot reads the bitfield, a big-endian number without leading zeros.
func (n *Node) hasSlot(slot int) bool {
	at := len(n.Data) - 1 - slot/8
	return at >= 0 && n.Data[at]>>(slot%8)&1 == 1
}
