package swarm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/swarm/pex"
	"github.com/seed4134be55/peer/swarm/picker"
	"github.com/seed4134be55/peer/swarm/wire"
)

// tick is how often a session looks at what time alone brings: stalls, complaints, dials.
const tick = 250 * time.Millisecond

// workersPerCore is how many blocks a core may have under way: a worker sleeps while the disk writes, and the
// core then hashes another's.
const workersPerCore = 4

// maxSources is how many peers a session is connected to unless something else is said.
const maxSources = 50

// SessionConfig says what a session downloads and with what.
type SessionConfig struct {
	Root cid.Cid
	Sink Sink
	Dial Dial
	Rand *rand.Rand // nil: seeded by the runtime

	// Timeout ends the session with fault.NotFound when no source has been usable for that long;
	// 0 waits for ever.
	Timeout time.Duration
	// MaxSources bounds the peers connected at once (0: 50), MaxDials those being dialled (0: 8).
	MaxSources, MaxDials int
	Log                  *slog.Logger

	// Self is this peer; with LANFirst, what a source on its LAN has does not come from outside.
	Self     peer.ID
	LANFirst bool

	buffers *buffers
	members *membership
}

// A Session downloads what a Sink wants of one root, from every source that it is told of. Run owns the
// state; the other methods may be called from any goroutine.
type Session struct {
	cfg    SessionConfig
	events chan func()
	jobs   chan job
	done   chan struct{} // closed when Run no longer takes events

	// Owned by the loop.
	ctx         context.Context
	work        *errgroup.Group
	peers       candidates
	sources     map[peer.ID]*source
	builder     *manifest.Builder
	passages    []passage // who sent what of it
	author      *source   // the only one whose pages are taken; nil: anybody's
	refusal     error     // why a manifest was impossible, while another source's is tried
	planning    bool
	manifest    *manifest.Manifest                // whole; nil before
	numbering   atomic.Pointer[manifest.Manifest] // the same, for the workers
	digest      [32]byte
	want        *bitfield.Bitfield
	picker      *picker.Picker
	useful      time.Time // when a source was last usable
	failed      error
	complete    bool
	lastNum     picker.SourceID
	choices     []picker.Choice // scratch
	status      Status
	fetched     atomic.Int64 // block bytes that arrived and verified
	statusLock  sync.Mutex
	gained      []wire.Range // leaves that the sources have not been told of
	gossiped    time.Time
	asker       pex.Asker
	asks        int       // questions for peers
	turned      time.Time // when the worth of the sources was last looked at
	published   Status
	publishedAt time.Time
}

// NewSession makes a session; Run starts it.
func NewSession(cfg SessionConfig) *Session {
	if cfg.Rand == nil {
		cfg.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	if cfg.MaxSources == 0 {
		cfg.MaxSources = maxSources
	}
	if cfg.MaxDials == 0 {
		cfg.MaxDials = 8
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.buffers == nil {
		cfg.buffers = new(buffers)
	}
	if cfg.members == nil {
		cfg.members = loneMembership()
	}
	return &Session{
		cfg:     cfg,
		events:  make(chan func(), 256),
		jobs:    make(chan job, runtime.GOMAXPROCS(0)),
		done:    make(chan struct{}),
		sources: make(map[peer.ID]*source),
		builder: manifest.NewBuilder(cfg.Root, manifest.DefaultLimits()),
		peers:   candidates{known: make(map[peer.ID]*candidate)},
	}
}

// AddPeer tells the session of a peer that may have the root, and where that was learned ("link",
// "lan", "kademlia" …). Peers met before get their new addresses.
func (s *Session) AddPeer(p peer.AddrInfo, origin string) {
	s.post(func() { s.peers.add(p, origin) })
}

// Run downloads until everything wanted is in the sink, which it answers with nil; until ctx ends; until
// the sink fails or the root proves impossible; or until nobody has been of use for the timeout. It returns
// once every goroutine of the session has ended.
func (s *Session) Run(ctx context.Context) error {
	work, ctx := errgroup.WithContext(ctx)
	s.work, s.ctx = work, ctx
	for _, p := range s.cfg.members.enter(s) {
		s.peers.visit(p, time.Now())
	}
	defer s.cfg.members.leave(s)
	for range workersPerCore * runtime.GOMAXPROCS(0) {
		work.Go(func() error { s.verify(ctx); return nil })
	}
	work.Go(func() error { return s.loop(ctx) })
	err := work.Wait()
	if errors.Is(err, errComplete) {
		return nil
	}
	return err
}

// errComplete ends the group of a session that has everything.
var errComplete = errors.New("complete")

func (s *Session) loop(ctx context.Context) error {
	defer s.closeSources()
	defer close(s.done)
	clock := time.NewTicker(tick)
	defer clock.Stop()
	s.useful = time.Now()
	for {
		s.advance(time.Now())
		switch {
		case s.failed != nil:
			return s.failed
		case s.complete:
			return errComplete
		}
		select {
		case ev := <-s.events:
			ev()
			s.drain()
		case now := <-clock.C:
			s.onTick(now)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// drain takes the events that are waiting already, so that one round of requests answers them all.
func (s *Session) drain() {
	for range len(s.events) {
		(<-s.events)()
	}
}

// post hands ev to the loop; it waits while the loop is behind and drops ev when the loop has ended.
func (s *Session) post(ev func()) {
	select {
	case s.events <- ev:
	case <-s.done:
	}
}

// advance does whatever the state allows now: dial, ask for manifest pages, ask for leaves.
func (s *Session) advance(now time.Time) {
	s.dialMore(now)
	if s.manifest == nil {
		s.askManifest(now)
	} else {
		s.askLeaves(now)
		s.gossip(now)
	}
	s.publish(now)
}

func (s *Session) onTick(now time.Time) {
	s.judge(now)
	s.survey(now)
	s.exchangePeers(now)
	s.turnOver(now)
	if s.anyUseful() {
		s.useful = now
	}
	if s.cfg.Timeout > 0 && now.Sub(s.useful) >= s.cfg.Timeout {
		why := s.peers.summary(len(s.sources))
		if st := s.Status(); st.OnlyRelayed() {
			why = "who has it is reached over a relay that limits what may pass, and no direct connection came about"
		}
		s.fail(fault.New(fault.NotFound, "%s: %s within %v; is the sharing peer running and reachable?", s.cfg.Root, why, s.cfg.Timeout))
	}
}

// anyUseful tells whether some source moves the session on or can be expected to.
func (s *Session) anyUseful() bool {
	if s.planning {
		return true
	}
	for _, src := range s.sources {
		if src.lastByte.Load() > s.useful.UnixNano() {
			return true
		}
	}
	return false
}

func (s *Session) fail(err error) {
	if s.failed == nil && !s.complete {
		s.failed = err
	}
}

func (s *Session) closeSources() {
	for _, src := range s.sources {
		src.conn.Close()
	}
}

// onManifest lets the sink plan, off the loop: it may read a whole existing destination.
func (s *Session) onManifest() {
	m := s.builder.Manifest()
	s.planning = true
	s.work.Go(func() error {
		have, want, err := s.cfg.Sink.Plan(s.ctx, m)
		s.post(func() { s.onPlan(m, have, want, err) })
		return nil
	})
}

func (s *Session) onPlan(m *manifest.Manifest, have, want *bitfield.Bitfield, err error) {
	s.planning = false
	if err != nil {
		err = fmt.Errorf("fetch %s: %w", s.cfg.Root, err)
		if s.otherManifest(m) {
			s.refusal = err
		} else {
			s.fail(err)
		}
		return
	}
	s.manifest, s.digest, s.want = m, m.Digest(), want
	s.numbering.Store(m)
	size := func(i int) uint32 { return m.Leaf(i).Size }
	s.picker = picker.New(picker.Config{Leaves: m.Leaves(), Size: size, Have: have, Want: want, Rand: s.cfg.Rand, Key: lanKey(s.cfg.Self)})
	s.status.Total = 0
	for i := range m.Leaves() {
		if want == nil || want.Has(i) {
			s.status.Total += int64(size(i))
		}
	}
	s.complete = s.picker.Done()
	for _, src := range s.sources {
		s.enlist(src)
	}
}
