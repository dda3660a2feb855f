package swarm

import (
	"sync"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/swarm/wire"
)

// bufferSizes are the room that pooled buffers have for a block: small files, the old profile's chunks,
// the new one's, the largest block allowed. Each has a frame header's room in front.
var bufferSizes = [...]int{16 << 10, 264 << 10, 1 << 20, contentaddr.MaxBlock}

// page is what blocks are aligned to, so that they can be written past the page cache.
const page = 4096

// A buffer holds one block, with room for its frame header in front so that both leave in one write.
type buffer struct {
	room  []byte // header room, then the block's
	block []byte
	class int
}

// buffers lends buffers by size: blocks are large and short-lived, and garbage collecting them would
// cost more memory than the blocks in flight.
type buffers struct {
	pools [len(bufferSizes)]sync.Pool
}

// get returns a buffer whose block has length n, at most contentaddr.MaxBlock.
func (b *buffers) get(n int) *buffer {
	for class, size := range bufferSizes {
		if n > size {
			continue
		}
		buf, ok := b.pools[class].Get().(*buffer)
		if !ok {
			buf = &buffer{room: make([]byte, page+size), class: class}
		}
		buf.block = buf.room[page : page+n]
		return buf
	}
	panic("swarm: a buffer larger than the largest block")
}

// head returns the room from which a frame header reaches up to the block, as wire's Put functions want it.
func (b *buffer) head() []byte { return b.room[page-wire.MaxHeader:] }

// put gives buf back; nobody may use it afterwards.
func (b *buffers) put(buf *buffer) { b.pools[buf.class].Put(buf) }
