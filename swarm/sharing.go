package swarm

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/swarm/spread"
	"github.com/seed4134be55/peer/swarm/wire"
)

const (
	// maxTold bounds the memory for what clients say that they hold, of all roots together, in bytes. Clients beyond
	// it are served without suggestions.
	maxTold = 32 << 20
	// minDepth is how many bytes are suggested to all clients together and not sent, at least: what leaves abreast and
	// one that is read. depthTime is the same of each client in time. What is suggested too early comes late.
	minDepth, depthTime = (abreast + 1) << 20, 500 * time.Millisecond
	// What wanters do may make us look for suggestions this often a second, after as many at once: what is suggested
	// and not sent lasts longer than until the next time.
	suggestRate = 200
)

// A sharing is one root as clients get it: what each holds and, where we hold it whole, what each is suggested.
type sharing struct {
	root     cid.Cid
	told     *atomic.Int64 // bytes used of maxTold
	whole    atomic.Bool   // we hold all of it
	channels int           // guarded by the server's lock

	lock    sync.Mutex
	content Content
	m       *manifest.Manifest // whole; nil before
	pace    *rate.Limiter      // of what wanters make us suggest
	spread  *spread.Spread     // nil until somebody is interested in a root that we hold whole
	open    map[*channel]bool
	by      map[spread.ClientID]*channel
	ids     map[*channel]spread.ClientID
	peers   map[peer.ID]bool // those in by: who opens a root twice is one wanter
	last    spread.ClientID
}

// share counts ch in at its root's sharing.
func (sv *server) share(ch *channel) *sharing {
	root := ch.content.Manifest().Root()
	sv.lock.Lock()
	sh := sv.roots[root]
	if sh == nil {
		sh = &sharing{
			root: root, told: &sv.told, pace: rate.NewLimiter(suggestRate, suggestRate), open: make(map[*channel]bool),
			by: make(map[spread.ClientID]*channel), ids: make(map[*channel]spread.ClientID), peers: make(map[peer.ID]bool),
		}
		sv.roots[root] = sh
	}
	sh.channels++
	sv.lock.Unlock()
	sh.lock.Lock()
	defer sh.lock.Unlock()
	sh.content = ch.content
	sh.open[ch] = true
	sh.look()
	return sh
}

// unshare counts ch out.
func (sv *server) unshare(ch *channel) {
	sh := ch.sharing
	sh.leave(ch)
	sv.lock.Lock()
	defer sv.lock.Unlock()
	if sh.channels--; sh.channels == 0 {
		delete(sv.roots, sh.root)
	}
}

// look finds out whether we hold the root whole; the lock is held.
func (sh *sharing) look() {
	if sh.m == nil {
		if m := sh.content.Manifest(); m.Complete() {
			sh.m = m
		}
	}
	if sh.m == nil {
		return
	}
	have := sh.content.Have()
	whole := have != nil && have.Full()
	if whole && sh.spread == nil {
		m := sh.m
		sh.spread = spread.New(m.Leaves(), func(i int) uint32 { return m.Leaf(i).Size }, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	}
	sh.whole.Store(whole)
}

// tend looks at what time brings: a download of ours that is whole now, and leaves that nobody takes.
func (sh *sharing) tend(now time.Time) {
	sh.lock.Lock()
	defer sh.lock.Unlock()
	if !sh.whole.Load() {
		sh.look()
	}
	for ch := range sh.open {
		sh.admit(ch)
	}
	sh.suggest(now)
}

// join makes ch one that is suggested leaves.
func (sh *sharing) join(ch *channel) {
	sh.lock.Lock()
	defer sh.lock.Unlock()
	sh.admit(ch)
	sh.soon(time.Now())
}

// admit joins ch if it is interested and there is something to suggest; the lock is held.
func (sh *sharing) admit(ch *channel) {
	if sh.spread == nil || ch.joined || sh.peers[ch.client.id] || !ch.wants() || !sh.afford(sh.spread.Cost()) {
		return
	}
	ch.joined, sh.peers[ch.client.id] = true, true
	sh.last++
	sh.by[sh.last], sh.ids[ch] = ch, sh.last
	sh.spread.Join(sh.last)
	if ch.client.near && ch.client.sv.lanFirst {
		sh.spread.Near(sh.last)
	}
	if ch.held != nil {
		for first, count := range ch.held.Ranges() {
			sh.spread.Has(sh.last, first, count)
		}
	}
}

// wants tells whether the client is interested.
func (ch *channel) wants() bool {
	ch.client.lock.Lock()
	defer ch.client.lock.Unlock()
	return ch.interested && !ch.client.relayed // over a limited relay it asks for nothing
}

// afford takes n bytes of what may be remembered, if there are so many.
func (sh *sharing) afford(n int) bool {
	if sh.told.Add(int64(n)) <= maxTold {
		return true
	}
	sh.told.Add(-int64(n))
	return false
}

func (sh *sharing) leave(ch *channel) {
	sh.lock.Lock()
	defer sh.lock.Unlock()
	delete(sh.open, ch)
	if ch.held != nil {
		sh.told.Add(-int64(heldCost(ch.held.Len())))
		ch.held = nil
	}
	if ch.joined {
		ch.joined = false
		delete(sh.peers, ch.client.id)
		sh.told.Add(-int64(sh.spread.Cost()))
		sh.spread.Leave(sh.ids[ch])
		delete(sh.by, sh.ids[ch])
		delete(sh.ids, ch)
		sh.soon(time.Now())
	}
}

// turn suggests what there is to suggest.
func (sh *sharing) turn() {
	sh.lock.Lock()
	defer sh.lock.Unlock()
	sh.soon(time.Now())
}

// soon suggests at once if that has not been done too often; else tend or the next caller does. The lock is held.
func (sh *sharing) soon(now time.Time) {
	if sh.pace.AllowN(now, 1) {
		sh.suggest(now)
	}
}

// suggest is turn with the lock held.
func (sh *sharing) suggest(now time.Time) {
	if sh.spread == nil {
		return
	}
	for _, s := range sh.spread.Suggest(now, sh.depth) {
		ch := sh.by[s.Client]
		rs := ranges(s.Leaves)
		for {
			n := min(len(rs), wire.MaxRanges)
			ch.client.send(wire.Suggest{Channel: ch.id, Only: s.Only, Leaves: rs[:n]})
			if rs = rs[n:]; len(rs) == 0 {
				break
			}
		}
	}
}

// depth is how many bytes may be suggested to a client and not sent.
func (sh *sharing) depth(id spread.ClientID) int {
	c := sh.by[id].client
	c.lock.Lock()
	unchoked := c.unchoked
	c.lock.Unlock()
	if !unchoked {
		return 0
	}
	return max(minDepth/len(sh.by), int(c.account.out.look(time.Now())*depthTime.Seconds()))
}

// asked divides leaves that ch asks for into those to send and those that are to come from elsewhere.
func (sh *sharing) asked(ch *channel, rs []wire.Range) (send, elsewhere []wire.Range) {
	sh.lock.Lock()
	defer sh.lock.Unlock()
	if !ch.joined {
		return rs, nil
	}
	leaves := uint32(sh.m.Leaves())
	for _, r := range rs {
		for i := r.First; i < r.First+r.Count; i++ {
			if i >= leaves || sh.spread.Asked(sh.ids[ch], int(i)) {
				send = wire.AppendLeaf(send, int(i))
			} else {
				elsewhere = wire.AppendLeaf(elsewhere, int(i))
			}
		}
	}
	return send, elsewhere
}

// sent says that a leaf is on its way to ch.
func (sh *sharing) sent(ch *channel, leaf int) {
	sh.lock.Lock()
	defer sh.lock.Unlock()
	if ch.joined {
		sh.spread.Sent(time.Now(), sh.ids[ch], leaf)
		sh.soon(time.Now())
	}
}

// passes tells whether the client is known to pass on what nobody else has, of which there is something left.
func (ch *channel) passes() bool {
	sh := ch.sharing
	sh.lock.Lock()
	defer sh.lock.Unlock()
	return ch.joined && sh.spread.Passes(sh.ids[ch])
}

// lost says that a leaf cannot be sent.
func (sh *sharing) lost(leaf int) {
	sh.lock.Lock()
	defer sh.lock.Unlock()
	if sh.spread != nil {
		sh.spread.Lost(leaf)
	}
}

// cancelled says that ch takes requests back or declines what it was suggested.
func (sh *sharing) cancelled(ch *channel, rs []wire.Range) {
	sh.each(ch, rs, (*spread.Spread).Cancelled)
}

// rejected says that ch was refused leaves that it had asked for.
func (sh *sharing) rejected(ch *channel, rs []wire.Range) {
	sh.each(ch, rs, (*spread.Spread).Rejected)
}

func (sh *sharing) each(ch *channel, rs []wire.Range, do func(*spread.Spread, spread.ClientID, int)) {
	sh.lock.Lock()
	defer sh.lock.Unlock()
	if !ch.joined {
		return
	}
	for _, r := range rs {
		for i := r.First; i < r.First+r.Count && int(i) < sh.m.Leaves(); i++ {
			do(sh.spread, sh.ids[ch], int(i))
		}
	}
	sh.soon(time.Now())
}

// holds takes in leaves that the client says it holds. It fails for leaves that do not exist.
func (ch *channel) holds(rs []wire.Range) error {
	sh := ch.sharing
	sh.lock.Lock()
	defer sh.lock.Unlock()
	if !sh.remember(ch) {
		return nil
	}
	for _, r := range rs {
		if uint64(r.First)+uint64(r.Count) > uint64(ch.held.Len()) {
			return fmt.Errorf("holds leaf %d of %d", r.First+r.Count-1, ch.held.Len())
		}
		ch.held.SetRange(int(r.First), int(r.Count))
		if ch.joined {
			sh.spread.Has(sh.ids[ch], int(r.First), int(r.Count))
		}
	}
	sh.soon(time.Now())
	return nil
}

// holdsBits is holds for a bit a leaf.
func (ch *channel) holdsBits(first int, bits []byte) error {
	sh := ch.sharing
	sh.lock.Lock()
	if !sh.remember(ch) {
		sh.lock.Unlock()
		return nil
	}
	n := ch.held.Len()
	sh.lock.Unlock()
	var rs []wire.Range
	for i := range 8 * len(bits) {
		if bits[i/8]&(0x80>>(i%8)) == 0 {
			continue
		}
		if first+i >= n {
			return fmt.Errorf("holds leaf %d of %d", first+i, n)
		}
		rs = wire.AppendLeaf(rs, first+i)
	}
	return ch.holds(rs)
}

func heldCost(leaves int) int { return leaves/8 + 64 }

// remember makes room for what the client holds and tells whether there is any; the lock is held.
func (sh *sharing) remember(ch *channel) bool {
	if sh.m == nil {
		sh.look()
	}
	if ch.held == nil && sh.m != nil && sh.afford(heldCost(sh.m.Leaves())) {
		ch.held = bitfield.New(sh.m.Leaves())
	}
	return ch.held != nil
}
