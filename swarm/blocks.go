package swarm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/swarm/wire"
)

// blockPatience is how long one source may take for one block before another is asked.
const blockPatience = 10 * time.Second

// Blocks fetches single blocks of one root by CID, for whoever looks inside without fetching it all. Where
// a Session decides itself what comes next, Blocks is asked. Safe for concurrent use.
type Blocks struct {
	root    cid.Cid
	dial    Dial
	timeout time.Duration
	buffers *buffers

	lock    sync.Mutex
	known   map[peer.ID]bool
	sources []*blockSource // opened ones
	changed chan struct{}  // closed when sources grows
	tag     int
	waiting map[int]chan answer
	running sync.WaitGroup
}

// An answer is a block, or why it did not come.
type answer struct {
	block []byte
	err   error
}

// Blocks returns a fetcher of root's blocks; without any source for timeout (0: for ever), Get fails.
// Sources returns how many peers have the root open to us.
func (b *Blocks) Sources() int {
	b.lock.Lock()
	defer b.lock.Unlock()
	return len(b.sources)
}

// Close must be called.
func (s *Swarm) Blocks(root cid.Cid, timeout time.Duration) *Blocks {
	return &Blocks{
		root: root, dial: s.dial, timeout: timeout, buffers: s.buffers, known: make(map[peer.ID]bool),
		changed: make(chan struct{}), waiting: make(map[int]chan answer),
	}
}

// AddPeer tells of a peer that may have the root; it is dialled at once.
func (b *Blocks) AddPeer(ctx context.Context, p peer.AddrInfo) {
	b.lock.Lock()
	fresh := !b.known[p.ID] && len(b.known) < maxCandidates
	if fresh {
		b.known[p.ID] = true
		b.running.Add(1)
	}
	b.lock.Unlock()
	if !fresh {
		return
	}
	go func() {
		defer b.running.Done()
		src := &blockSource{blocks: b, id: p.ID, ready: make(chan struct{})}
		conn, err := b.dial(ctx, p, b.root, src)
		src.conn = conn
		close(src.ready)
		if err != nil {
			b.drop(src)
		}
	}()
}

// Close closes the channels; no Get is under way, and the contexts of AddPeer have ended.
func (b *Blocks) Close() {
	b.running.Wait()
	b.lock.Lock()
	sources := b.sources
	b.sources = nil
	b.lock.Unlock()
	for _, src := range sources {
		src.conn.Close()
	}
}

// Get returns the block of c, verified. Errors are of kind fault.NotFound when nobody sends it in time.
func (b *Blocks) Get(ctx context.Context, c cid.Cid) ([]byte, error) {
	tried := make(map[*blockSource]bool)
	for {
		src, err := b.next(ctx, tried)
		if err != nil {
			return nil, fmt.Errorf("block %s: %w", c, err)
		}
		tried[src] = true
		block, err := b.ask(ctx, src, c)
		if err == nil {
			err = contentaddr.Verify(c, block)
		}
		if err == nil || ctx.Err() != nil {
			return block, err
		}
		if fault.KindOf(err) == fault.Corrupt { // it lied: it stays known, so it is not dialled again
			b.remove(src)
			src.conn.Close()
		}
	}
}

// next returns an open source that was not tried, waiting for one up to the timeout.
func (b *Blocks) next(ctx context.Context, tried map[*blockSource]bool) (*blockSource, error) {
	var expired <-chan time.Time
	if b.timeout > 0 {
		expired = time.After(b.timeout)
	}
	for {
		b.lock.Lock()
		changed := b.changed
		for _, src := range b.sources {
			if !tried[src] {
				b.lock.Unlock()
				return src, nil
			}
		}
		b.lock.Unlock()
		select {
		case <-changed:
		case <-expired:
			return nil, fault.New(fault.NotFound, "nobody sent it within %v; is the sharing peer running and reachable?", b.timeout)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// ask asks one source for one block.
func (b *Blocks) ask(ctx context.Context, src *blockSource, c cid.Cid) ([]byte, error) {
	<-src.ready
	reply := make(chan answer, 1)
	b.lock.Lock()
	tag := b.tag
	b.tag = (b.tag + 1) % wire.MaxLeaves
	b.waiting[tag] = reply
	b.lock.Unlock()
	defer func() {
		b.lock.Lock()
		delete(b.waiting, tag)
		b.lock.Unlock()
	}()
	src.conn.RequestBlock(tag, c)
	select {
	case a := <-reply:
		return a.block, a.err
	case <-time.After(blockPatience):
		return nil, errors.New("no answer in time")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// reply hands an answer to whoever waits for tag.
func (b *Blocks) reply(tag int, a answer) {
	b.lock.Lock()
	defer b.lock.Unlock()
	if w := b.waiting[tag]; w != nil {
		w <- a // has room for one
		delete(b.waiting, tag)
	}
}

// drop forgets a source that is lost; it may be told of again.
func (b *Blocks) drop(src *blockSource) {
	b.remove(src)
	b.lock.Lock()
	defer b.lock.Unlock()
	delete(b.known, src.id)
}

func (b *Blocks) remove(src *blockSource) {
	b.lock.Lock()
	defer b.lock.Unlock()
	for i, other := range b.sources {
		if other == src {
			b.sources = append(b.sources[:i:i], b.sources[i+1:]...)
			return
		}
	}
}

// A blockSource is one open channel of a Blocks. It implements Receiver; what concerns whole manifests and
// leaves by index it ignores.
type blockSource struct {
	blocks *Blocks
	id     peer.ID
	conn   Source
	ready  chan struct{} // closed when conn is set
	once   sync.Once
}

// Opened implements Receiver.
func (src *blockSource) Opened(Offer) {
	src.once.Do(func() {
		b := src.blocks
		b.lock.Lock()
		defer b.lock.Unlock()
		b.sources = append(b.sources, src)
		close(b.changed)
		b.changed = make(chan struct{})
	})
}

// Refused implements Receiver.
func (src *blockSource) Refused(error) { src.blocks.drop(src) }

// Gone implements Receiver.
func (src *blockSource) Gone(error) { src.blocks.drop(src) }

// Expect implements Receiver: any size will do, as the CID alone is known.
func (src *blockSource) Expect(tag int) (int, bool) {
	src.blocks.lock.Lock()
	defer src.blocks.lock.Unlock()
	return 0, src.blocks.waiting[tag] != nil
}

// Block implements Receiver.
func (src *blockSource) Block(tag int, buf *buffer) {
	src.blocks.reply(tag, answer{block: append([]byte(nil), buf.block...)})
	src.blocks.buffers.put(buf)
}

// Rejected implements Receiver.
func (src *blockSource) Rejected(tags []wire.Range, _ wire.Rejection) {
	for _, t := range tags {
		for i := uint32(0); i < t.Count && i < maxQueued; i++ {
			src.blocks.reply(int(t.First+i), answer{err: errors.New("it does not have it")})
		}
	}
}

// HasBits implements Receiver.
func (*blockSource) HasBits(int, []byte) {}

// HasLeaves implements Receiver.
func (*blockSource) HasLeaves([]wire.Range) {}

// ExpectPage implements Receiver.
func (*blockSource) ExpectPage(int) bool { return false }

// Page implements Receiver.
func (*blockSource) Page(int, []byte) {}

// Alive implements Receiver.
func (*blockSource) Alive(int) {}

// Withdrawn implements Receiver.
func (*blockSource) Withdrawn([]wire.Range) {}

// Suggested implements Receiver.
func (*blockSource) Suggested([]wire.Range, bool) {}

// Choked implements Receiver.
func (*blockSource) Choked(bool) {}

// Peers implements Receiver: whoever looks inside asks those that it was told of.
func (*blockSource) Peers([]peer.AddrInfo, []peer.ID) {}
