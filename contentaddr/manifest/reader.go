package manifest

import (
	"context"
	"fmt"
	"io"
	"sort"
	"sync"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

// Reader reads a UnixFS file at any offset, whatever its layout, and gets only the blocks on the way
// to the bytes asked for. It keeps the nodes it used last, at most some 10 MiB. Safe for concurrent
// use.
type Reader struct {
	get   Get
	lim   Limits
	root  *fileBlock
	mu    sync.Mutex
	cache []*fileBlock // by last use, the latest first
}

const (
	// cacheBlocks is enough for the path to one leaf and the leaf in any honest DAG, so that reads in
	// small steps get each block once.
	cacheBlocks = 16
	// cacheBytes bounds it where blocks are large.
	cacheBytes = 8 << 20
)

// fileBlock is one parsed node of a file.
type fileBlock struct {
	cid   cid.Cid
	bytes int // of the block
	node  *unixfs.Node
	ends  []int64 // in the node's payload: where each link's part ends
}

// OpenFile returns a reader of the file c. A c that is not a file is fault.BadInput.
func OpenFile(ctx context.Context, c cid.Cid, get Get) (*Reader, error) {
	r := &Reader{get: get, lim: DefaultLimits()}
	root, err := r.load(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", c, err)
	}
	if !root.isFile() {
		return nil, fault.New(fault.BadInput, "open %s: it is a %s, not a file", c, root.node.Kind)
	}
	r.root = root
	return r, nil
}

func (b *fileBlock) isFile() bool {
	return b.node.Kind == unixfs.File || b.node.Kind == unixfs.Raw
}

// Size returns the bytes of the file. It is what the root block says, and true when all can be read.
func (r *Reader) Size() int64 { return int64(r.root.node.FileSize) }

// ReadAt is io.ReaderAt with a context: it fills p, or says why not; io.EOF at the end. A node that
// does not hold what the node above says is fault.Corrupt.
func (r *Reader) ReadAt(ctx context.Context, p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fault.New(fault.BadInput, "read of %s at offset %d", r.root.cid, off)
	}
	for n < len(p) {
		if off+int64(n) >= r.Size() {
			return n, io.EOF
		}
		part, err := r.bytesAt(ctx, off+int64(n))
		if err != nil {
			return n, fmt.Errorf("read of %s at offset %d: %w", r.root.cid, off+int64(n), err)
		}
		n += copy(p[n:], part)
	}
	return n, nil
}

// bytesAt goes down to the payload at off and returns it to the end of its block. off is in the file.
func (r *Reader) bytesAt(ctx context.Context, off int64) ([]byte, error) {
	b := r.root
	for range r.lim.FileDepth {
		if off < int64(len(b.node.Data)) {
			return b.node.Data[off:], nil
		}
		i := sort.Search(len(b.ends), func(i int) bool { return b.ends[i] > off })
		if i == len(b.ends) {
			return nil, fault.New(fault.Corrupt, "block %s ends before byte %d of it", b.cid, off)
		}
		size := int64(b.node.BlockSizes[i])
		child, err := r.load(ctx, b.node.Links[i].Cid)
		if err != nil {
			return nil, err
		}
		if !child.isFile() || child.node.FileSize != uint64(size) {
			return nil, wrongSize(child.cid, int64(child.node.FileSize), b.cid, size)
		}
		off -= b.ends[i] - size
		b = child
	}
	return nil, exceeds("nodes on a path in a file", int64(r.lim.FileDepth)+1, int64(r.lim.FileDepth))
}

// load returns a node out of the cache or the caller's store. Two reads that miss at once get it
// twice, rather than one waiting for the other's context.
func (r *Reader) load(ctx context.Context, c cid.Cid) (*fileBlock, error) {
	if b := r.cached(c); b != nil {
		return b, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	block, err := getBlock(ctx, c, r.get)
	if err != nil {
		return nil, err
	}
	n, err := unixfs.Parse(c, block)
	if err != nil {
		return nil, err
	}
	b := &fileBlock{cid: c, bytes: len(block), node: n, ends: make([]int64, len(n.BlockSizes))}
	end := int64(len(n.Data))
	for i, size := range n.BlockSizes { // Parse has added them up without overflow
		end += int64(size)
		b.ends[i] = end
	}
	r.keep(b)
	return b, nil
}

// cached returns the node of c and moves it to the front.
func (r *Reader) cached(c cid.Cid) *fileBlock {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, b := range r.cache {
		if b.cid == c {
			copy(r.cache[1:i+1], r.cache[:i])
			r.cache[0] = b
			return b
		}
	}
	return nil
}

// keep puts b at the front, and drops from the back what is too much.
func (r *Reader) keep(b *fileBlock) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cache = append([]*fileBlock{b}, r.cache...)
	total := 0
	for i, kept := range r.cache {
		total += kept.bytes
		if i > 0 && (i >= cacheBlocks || total > cacheBytes) {
			r.cache = r.cache[:i:i]
			return
		}
	}
}
