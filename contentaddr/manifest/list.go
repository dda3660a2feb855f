package manifest

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

// list holds entries compactly: a digest of 32 bytes, 4 bytes of meta, and 5 to 11 bytes of hash
// table each. CIDs of one DAG share a handful of prefixes (version, codec, hash), kept once.
// The zero list is not ready: see newList.
type list struct {
	prefixes []string
	chunks   []chunk
	long     []byte // digests of 64 bytes; their slot holds the number in here
	table    []slot // open addressing, linear probing
	seed     maphash.Seed
}

// chunk holds up to chunkLen entries, so that growing copies none.
type chunk struct {
	digests []byte
	meta    []meta
}

const (
	chunkLen  = 4096
	digestLen = 32
	longLen   = 64
)

// slot is an entry's number + 1 in the low 24 bits, or 0, and 8 bits of its hash, which spare the
// look at nearly all entries that are not the one.
type slot uint32

const (
	numberBits = 24
	numberMask = 1<<numberBits - 1
	// maxEntries is how many entries a slot can tell apart.
	maxEntries = numberMask
)

func newSlot(entry int, hash uint64) slot { return slot(entry+1) | slot(hash>>56)<<numberBits }

func (s slot) entry() int             { return int(s&numberMask) - 1 }
func (s slot) mayBe(hash uint64) bool { return uint64(s>>numberBits) == hash>>56 }

// newList returns an empty list. Its hash is seeded, so that no sender can aim at one slot.
func newList() list { return list{seed: maphash.MakeSeed()} }

// meta is what is known of an entry beside its digest: the size in the lowest 22 bits (a block has
// at most 2 MiB), then the leaf bit, then the number of its prefix.
type meta uint32

const (
	sizeBits    = 22
	leafBit     = 1 << sizeBits
	prefixShift = sizeBits + 1
	maxPrefixes = 1 << (32 - prefixShift)
)

func (v meta) size() uint32 { return uint32(v & (leafBit - 1)) }
func (v meta) leaf() bool   { return v&leafBit != 0 }
func (v meta) prefix() int  { return int(v >> prefixShift) }

func (l *list) len() int {
	if len(l.chunks) == 0 {
		return 0
	}
	last := len(l.chunks) - 1
	return last*chunkLen + len(l.chunks[last].meta)
}

func (l *list) at(i int) meta { return l.chunks[i/chunkLen].meta[i%chunkLen] }

// digest returns the digest of entry i. It must not be changed.
func (l *list) digest(i int) []byte {
	at := i % chunkLen * digestLen
	slot := l.chunks[i/chunkLen].digests[at : at+digestLen]
	if !isLong(l.prefixes[l.at(i).prefix()]) {
		return slot
	}
	at = int(binary.LittleEndian.Uint32(slot)) * longLen
	return l.long[at : at+longLen]
}

func (l *list) appendCID(b []byte, i int) []byte {
	b = append(b, l.prefixes[l.at(i).prefix()]...)
	return append(b, l.digest(i)...)
}

func (l *list) cid(i int) cid.Cid {
	_, c, err := cid.CidFromBytes(l.appendCID(make([]byte, 0, 80), i))
	if err != nil {
		panic(err) // it was a CID when it was added
	}
	return c
}

func (l *list) entry(i int) Entry {
	v := l.at(i)
	return Entry{Cid: l.cid(i), Leaf: v.leaf(), Size: v.size()}
}

// split cuts the text of a CID that contentaddr.CheckCID accepts before its digest.
func split(key string) (prefix, digest string) {
	at := len(key) - digestLen
	if isLong(key) {
		at = len(key) - longLen
	}
	return key[:at], key[at:]
}

// isLong reports whether a CID, or the prefix of one, is of the one hash with 64 bytes that
// contentaddr.CheckCID accepts. A CIDv0 begins with its hash function and the digest's length.
func isLong(key string) bool {
	return len(key) > 2 && key[0] == 1 && key[2] == multihash.SHA2_512
}

// hasRawCodec reports whether the prefix is that of raw blocks.
func hasRawCodec(prefix string) bool {
	return len(prefix) > 2 && prefix[0] == 1 && prefix[1] == cid.Raw
}

// find returns the entry of c.
func (l *list) find(c cid.Cid) (at int, ok bool) {
	if len(l.table) == 0 {
		return 0, false
	}
	key := c.KeyString()
	hash := maphash.String(l.seed, key)
	mask := uint64(len(l.table) - 1)
	for i := hash & mask; l.table[i] != 0; i = (i + 1) & mask {
		if s := l.table[i]; s.mayBe(hash) && l.is(s.entry(), key) {
			return s.entry(), true
		}
	}
	return 0, false
}

// index puts entry i, whose key is not in the table, into it.
func (l *list) index(i int, hash uint64) {
	mask := uint64(len(l.table) - 1)
	at := hash & mask
	for l.table[at] != 0 {
		at = (at + 1) & mask
	}
	l.table[at] = newSlot(i, hash)
}

func (l *list) is(i int, key string) bool {
	prefix := l.prefixes[l.at(i).prefix()]
	return len(key) > len(prefix) && key[:len(prefix)] == prefix && key[len(prefix):] == string(l.digest(i))
}

// add appends an entry that is not in l.
func (l *list) add(c cid.Cid, leaf bool, size uint32) {
	prefix, digest := split(c.KeyString())
	v := meta(size) | meta(l.prefixNumber(prefix))<<prefixShift
	if leaf {
		v |= leafBit
	}
	l.grow()
	last := &l.chunks[len(l.chunks)-1]
	last.meta = append(last.meta, v)
	if len(digest) == digestLen {
		last.digests = append(last.digests, digest...)
	} else {
		var slot [digestLen]byte
		binary.LittleEndian.PutUint32(slot[:], uint32(len(l.long)/longLen))
		l.long = append(l.long, digest...)
		last.digests = append(last.digests, slot[:]...)
	}
	l.index(l.len()-1, maphash.String(l.seed, c.KeyString()))
}

func (l *list) prefixNumber(prefix string) int {
	for i, known := range l.prefixes {
		if known == prefix {
			return i
		}
	}
	if len(l.prefixes) == maxPrefixes {
		panic("more kinds of CID than contentaddr accepts")
	}
	l.prefixes = append(l.prefixes, prefix)
	return len(l.prefixes) - 1
}

// grow makes room for one more entry. The first chunk grows with its entries, as most roots are small.
func (l *list) grow() {
	n := l.len()
	switch {
	case len(l.chunks) == 0:
		l.chunks = append(l.chunks, chunk{})
	case n == len(l.chunks)*chunkLen:
		l.chunks = append(l.chunks, chunk{make([]byte, 0, chunkLen*digestLen), make([]meta, 0, chunkLen)})
	}
	if n < len(l.table)*3/4 {
		return
	}
	l.table = make([]slot, max(8, 2*len(l.table)))
	var key []byte
	for i := range n {
		key = l.appendCID(key[:0], i)
		l.index(i, maphash.Bytes(l.seed, key))
	}
}
