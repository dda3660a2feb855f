package swarm

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	closed  chan struct{}  // closed by Close
	tag     int
	waiting map[int]chan answer
	running sync.WaitGroup
}

// An answer is a block, or why it did not come.
type answer struct {
	block []byte
	err   error
}

// Sources returns how many peers have the root open to us.
func (b *Blocks) Sources() int {
	b.lock.Lock()
	defer b.lock.Unlock()
	return len(b.sources)
}

// Blocks returns a fetcher of root's blocks; without any source for timeout (0: for ever), Get fails.
// Close must be called.
func (s *Swarm) Blocks(root cid.Cid, timeout time.Duration) *Blocks {
	return &Blocks{
		root: root, dial: s.dial, timeout: timeout, buffers: s.buffers, known: make(map[peer.ID]bool),
		changed: make(chan struct{}), closed: make(chan struct{}), waiting: make(map[int]chan answer),
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
		for pause := redialUseful; b.meet(ctx, p) && b.wait(ctx, pause); {
			pause = min(2*pause, longestRedial)
		}
	}()
}

// meet has a channel to p for as long as it lasts. It tells whether that led over a relay that limits what may pass, which
// carries no block, and ends when there is a direct way. Another that is lost may be told of again.
func (b *Blocks) meet(ctx context.Context, p peer.AddrInfo) (again bool) {
	src := &blockSource{blocks: b, opened: make(chan struct{}), over: make(chan bool, 1)}
	var err error
	if src.conn, err = b.dial(ctx, p, b.root, src); err != nil {
		b.forget(p.ID)
		return false
	}
	defer src.conn.Close()
	relayed := src.conn.Relayed()
	opened := src.opened
	for {
		select {
		case <-opened:
			opened = nil
			if !relayed {
				b.add(src)
				defer b.remove(src)
			}
		case lost := <-src.over:
			if again = lost && relayed; !again {
				b.forget(p.ID)
			}
			return again
		case <-ctx.Done():
			return false
		case <-b.closed:
			return false
		}
	}
}

// wait waits for d and tells whether nothing ended meanwhile.
func (b *Blocks) wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
	case <-b.closed:
	}
	return false
}

// Close closes the channels; no Get is under way, and nobody calls AddPeer any more.
func (b *Blocks) Close() {
	close(b.closed)
	b.running.Wait()
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

// forget makes p one that may be told of again.
func (b *Blocks) forget(p peer.ID) {
	b.lock.Lock()
	defer b.lock.Unlock()
	delete(b.known, p)
}

// add makes src one that is asked.
func (b *Blocks) add(src *blockSource) {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.sources = append(b.sources, src)
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *Blocks) remove(src *blockSource) {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.sources = slices.DeleteFunc(slices.Clone(b.sources), func(o *blockSource) bool { return o == src })
}

// A blockSource is one open channel of a Blocks. It implements Receiver; what concerns whole manifests and
// leaves by index it ignores.
type blockSource struct {
	blocks *Blocks
	conn   Source
	opened chan struct{} // closed when it is
	over   chan bool     // that the channel ended: lost, or refused (false)
	once   sync.Once
}

// Opened implements Receiver.
func (src *blockSource) Opened(Offer) { src.once.Do(func() { close(src.opened) }) }

// Refused implements Receiver.
func (src *blockSource) Refused(error) { src.end(false) }

// Gone implements Receiver.
func (src *blockSource) Gone(error) { src.end(true) }

func (src *blockSource) end(lost bool) {
	select {
	case src.over <- lost:
	default: // it has ended already
	}
}

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
