package importer

import (
	"context"
	"crypto/sha256"
	"hash"
	"sync"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/unixfs"
)

// bufferSize is how many bytes are read and hashed at a time. A whole leaf at a time would push what
// was read out of the processor's cache before it is hashed.
const bufferSize = 128 << 10

// A part is a piece of a file that one worker hashes: whole leaves. A small file is one part, whose
// source the worker opens and closes and whose size is not known before.
type part struct {
	source       *source
	first, last  bool
	offset, size int64

	done   chan struct{} // closed when what follows is set
	leaves []Leaf
	err    error
}

// small reports whether p is a whole file that its worker opens.
func (p *part) small() bool { return p.first && p.source.f == nil }

// startWorkers starts the workers, which end when work is closed or ctx is done.
func startWorkers(ctx context.Context, work <-chan *part, o Options) *sync.WaitGroup {
	zero := sync.OnceValue(func() cid.Cid { return zeroLeaf(o.Profile) })
	var workers sync.WaitGroup
	for range o.Workers {
		workers.Go(func() {
			h := hasher{profile: o.Profile, zero: zero, sha: sha256.New(), buffer: make([]byte, bufferSize)}
			for p := range work {
				p.err = h.hash(ctx, p)
				close(p.done)
			}
		})
	}
	return &workers
}

// A hasher hashes parts, for one goroutine.
type hasher struct {
	profile unixfs.Profile
	zero    func() cid.Cid // the leaf of a full chunk of zeros
	sha     hash.Hash
	buffer  []byte
}

// hash sets p.leaves.
func (h *hasher) hash(ctx context.Context, p *part) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !p.small() {
		return h.leaves(ctx, p)
	}
	if err := p.source.open(); err != nil {
		return err
	}
	defer p.source.close()
	p.size = p.source.info.Size()
	if err := h.leaves(ctx, p); err != nil {
		return err
	}
	return p.source.check()
}

// leaves hashes p leaf by leaf; an empty file has one. A chunk that lies in a hole is not read.
func (h *hasher) leaves(ctx context.Context, p *part) error {
	chunk := int64(h.profile.Chunk)
	p.leaves = make([]Leaf, 0, max(1, (p.size+chunk-1)/chunk))
	dataAt := p.offset // where data is next, as far as is known
	for offset, end := p.offset, p.offset+p.size; ; offset += chunk {
		l := Leaf{Offset: offset, Size: int(min(chunk, end-offset)), Framed: !h.profile.RawLeaves}
		if p.source.sparse && offset >= dataAt {
			dataAt = nextData(p.source.f, offset)
		}
		var err error
		if p.source.sparse && offset+chunk <= min(dataAt, end) {
			l.Cid, err = h.zero(), ctx.Err()
		} else {
			l.Cid, err = h.leaf(ctx, p.source, offset, l.Size)
		}
		if err != nil {
			return err
		}
		p.leaves = append(p.leaves, l)
		if offset+chunk >= end {
			return nil
		}
	}
}

// leaf reads and hashes one leaf.
func (h *hasher) leaf(ctx context.Context, s *source, offset int64, size int) (cid.Cid, error) {
	h.sha.Reset()
	var suffix []byte
	if !h.profile.RawLeaves {
		var prefix []byte
		prefix, suffix = unixfs.LeafFrame(size)
		h.sha.Write(prefix)
	}
	for done := 0; done < size; {
		if err := ctx.Err(); err != nil {
			return cid.Undef, err
		}
		piece := h.buffer[:min(len(h.buffer), size-done)]
		if err := s.readAt(piece, offset+int64(done)); err != nil {
			return cid.Undef, err
		}
		h.sha.Write(piece)
		done += len(piece)
	}
	h.sha.Write(suffix)
	var sum [sha256.Size]byte
	h.sha.Sum(sum[:0])
	return h.profile.LeafCID(sum), nil
}

// zeroLeaf hashes a full chunk of zeros.
func zeroLeaf(p unixfs.Profile) cid.Cid {
	block := make([]byte, p.Chunk)
	if !p.RawLeaves {
		prefix, suffix := unixfs.LeafFrame(p.Chunk)
		block = append(append(prefix, block...), suffix...)
	}
	return p.LeafCID(sha256.Sum256(block))
}
