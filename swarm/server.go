package swarm

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/contentaddr/store"
	"github.com/seed4134be55/peer/swarm/choker"
	"github.com/seed4134be55/peer/swarm/wire"
)

// Bounds of what one peer, and all together, may have open at a server.
const (
	maxClients        = 256
	maxClientsPerPeer = 4     // one is enough; a new one may come before the old one's end is noticed
	maxChannels       = 256   // roots a client has open
	maxQueued         = 32768 // leaves and blocks a client has asked for and not got
)

// A Library says what a server may serve, and to whom.
type Library interface {
	// Open returns the content of root, whole or partial, for a peer that asks with a proof (empty for
	// now). Errors of kind fault.NotFound and fault.Refused tell the peer no more than that.
	Open(ctx context.Context, root cid.Cid, from peer.ID, proof []byte) (Content, error)
}

// Content is one root as far as this peer holds it. Safe for concurrent use.
type Content interface {
	// Manifest returns the manifest as far as it is known; it grows while the root is being fetched.
	Manifest() *manifest.Manifest
	// Have returns a copy of the leaves held; nil while the manifest is not whole.
	Have() *bitfield.Bitfield
	// Node returns an inner block of the manifest.
	Node(ctx context.Context, c cid.Cid) ([]byte, error)
	// ReadLeaf returns leaf i in buf[:n] or, when that is too small, in memory of its own. It fails
	// when the leaf is not held, or was and its file has changed.
	ReadLeaf(ctx context.Context, i int, buf []byte) ([]byte, error)
	// Recheck reads leaf i again after a complaint and says whether it had to be withdrawn.
	Recheck(ctx context.Context, i int) bool
	// Changes reports leaves gained and withdrawn from now on, until cancel. A change that is Lost means:
	// look at Manifest and Have again.
	Changes() (changes <-chan store.Change, cancel func())
}

// server answers the peers that want something.
type server struct {
	lib      Library
	uplink   *uplink
	buffers  *buffers
	accounts *accounts
	members  *membership
	near     func(network.Conn) bool
	words    *atomic.Int64 // bytes of control messages sent
	lanFirst bool
	log      *slog.Logger

	lock    sync.Mutex
	ctx     context.Context // of Run; nil when it does not run
	clients map[wire.SessionID]*client
	roots   map[cid.Cid]*sharing
	last    choker.PeerID // the number of the newest client
	choking choking
	told    atomic.Int64 // bytes used of maxTold
	tending bool         // tend runs
	running sync.WaitGroup
}

func newServer(s *Swarm, up *uplink) *server {
	return &server{
		lib: s.cfg.Library, uplink: up, buffers: s.buffers, accounts: s.accounts, near: s.near, words: &s.words, lanFirst: s.cfg.LANFirst, log: s.cfg.Log,
		clients: make(map[wire.SessionID]*client), roots: make(map[cid.Cid]*sharing), choking: newChoking(),
	}
}

func (sv *server) begin(ctx context.Context) {
	sv.lock.Lock()
	defer sv.lock.Unlock()
	sv.ctx = ctx
}

// end waits until every client has gone; the context of begin has ended.
func (sv *server) end() {
	sv.lock.Lock()
	sv.ctx = nil
	sv.lock.Unlock()
	sv.running.Wait()
}

// enter counts a stream in; it refuses when the server stops.
func (sv *server) enter() (context.Context, bool) {
	sv.lock.Lock()
	defer sv.lock.Unlock()
	if sv.ctx == nil {
		return nil, false
	}
	sv.running.Add(1)
	return sv.ctx, true
}

// onControl serves one control stream until it ends.
func (sv *server) onControl(s network.Stream) {
	ctx, ok := sv.enter()
	if !ok {
		s.Reset()
		return
	}
	defer sv.running.Done()
	c, err := newClient(sv, s)
	if err != nil {
		sv.lock.Lock()
		sv.makeRoom(time.Now()) // for when it comes again
		sv.lock.Unlock()
		s.Reset()
		return
	}
	if err := c.serve(ctx); err != nil {
		sv.log.Debug("client ended", "peer", c.id, "why", err)
	}
}

// onData hands a data stream to the client that its session id names, if that is the same peer.
func (sv *server) onData(s network.Stream) {
	id, err := readSession(s)
	if err != nil {
		s.Reset()
		return
	}
	sv.lock.Lock()
	defer sv.lock.Unlock()
	c := sv.clients[id]
	if c == nil || c.id != s.Conn().RemotePeer() || c.attached {
		s.Reset()
		return
	}
	c.attached = true
	c.data <- s // has room for one
}

// admit makes a greeted client known to its data stream, within the bounds.
func (sv *server) admit(c *client) error {
	sv.lock.Lock()
	defer sv.lock.Unlock()
	if sv.ctx == nil {
		return errors.New("this peer stops")
	}
	if sv.clients[c.session] != nil {
		return errors.New("its session exists already")
	}
	same := 0
	for _, other := range sv.clients {
		if other.id == c.id {
			same++
		}
	}
	if same >= maxClientsPerPeer || len(sv.clients) >= max(maxClients, 2*sv.accounts.max) && !sv.makeRoom(time.Now()) {
		return errors.New("too many clients")
	}
	sv.last++
	c.num, c.since, c.wanted = sv.last, time.Now(), time.Now()
	sv.clients[c.session] = c
	if !sv.tending {
		sv.tending = true
		ctx := sv.ctx
		sv.running.Go(func() { sv.tend(ctx) })
	}
	return nil
}

// idleLong is how long a client of a full server may want nothing before a new one takes its place.
const idleLong = time.Minute

// makeRoom ends the client that has wanted nothing for longest, and tells whether there was one; the lock is held. One
// of whom we want something stays.
func (sv *server) makeRoom(now time.Time) bool {
	var idlest *client
	longest := idleLong
	for _, c := range sv.clients {
		if idle := c.idle(now); idle >= longest && !sv.accounts.shared(c.id) {
			idlest, longest = c, idle
		}
	}
	if idlest == nil {
		return false
	}
	delete(sv.clients, idlest.session)
	idlest.control.Reset() // its reader ends it
	return true
}

// tendEvery is how often what time alone brings is looked at: who is to be choked, what is to be suggested.
const tendEvery = 500 * time.Millisecond

// tend runs while there are clients, and no longer than ctx.
func (sv *server) tend(ctx context.Context) {
	clock := time.NewTicker(tendEvery)
	defer clock.Stop()
	for {
		select {
		case <-clock.C:
		case <-ctx.Done():
			sv.lock.Lock()
			sv.tending = false
			sv.lock.Unlock()
			return
		}
		sv.lock.Lock()
		if len(sv.clients) == 0 {
			sv.tending = false
			sv.lock.Unlock()
			return
		}
		roots := slices.Collect(maps.Values(sv.roots))
		sv.lock.Unlock()
		now := time.Now()
		for _, c := range sv.served() {
			c.account.out.look(now)
			c.account.in.look(now)
			c.lookAll(now)
		}
		sv.rechoke(false)
		sv.weigh(now)
		for _, sh := range roots {
			sh.tend(now)
			sv.tellClients(now, sh)
		}
	}
}

// served returns the clients, those that came first first.
func (sv *server) served() []*client {
	sv.lock.Lock()
	defer sv.lock.Unlock()
	return slices.SortedFunc(maps.Values(sv.clients), func(a, b *client) int { return cmp.Compare(a.num, b.num) })
}

func (sv *server) release(c *client) {
	sv.lock.Lock()
	defer sv.lock.Unlock()
	if sv.clients[c.session] == c { // or another has its place
		delete(sv.clients, c.session)
	}
	select {
	case s := <-c.data: // came when its client was leaving
		s.Reset()
	default:
	}
}
