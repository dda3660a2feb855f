package swarm

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/seed4134be55/peer/swarm/wire"
)

// dialTimeout bounds a connection and its hellos.
const dialTimeout = 30 * time.Second

// maxHalfOpen bounds the connections being made at once for all sessions together: what a router at home has room for,
// when hundreds of roots look for peers that are gone.
const maxHalfOpen = 32

// Config says what a Swarm works with.
type Config struct {
	Host      host.Host
	Library   Library
	LimitUp   int64 // bytes a second for everything that is sent to peers that are not on-link; 0: no limit
	LimitDown int64 // likewise received
	MaxPeers  int   // connected at once in all swarms; 0: DefaultMaxPeers
	LANFirst  bool  // what a peer on-link has does not come from outside
	// OnLink tells whether an address lies in a network that this machine has an interface in. nil: none does.
	OnLink func(multiaddr.Multiaddr) bool
	// Exchanges tells whether a third peer's addr may be told to a peer connected at with, and dialled when that peer
	// tells it. nil: any.
	Exchanges func(addr, with multiaddr.Multiaddr) bool
	Log       *slog.Logger
}

// DefaultMaxPeers is how many peers are connected at once where nothing else is said.
const DefaultMaxPeers = 128

// A Swarm is one peer's part in all swarms: it serves and it dials. Safe for concurrent use.
type Swarm struct {
	cfg      Config
	server   *server
	downlink *uplink
	buffers  *buffers
	accounts *accounts
	words    atomic.Int64 // bytes of control messages sent
	members  *membership

	halfOpen chan struct{} // has an entry for each connection being made

	lock  sync.Mutex
	links map[peer.ID]*dialing
}

// A dialing is a link, or the attempt to get one that several sessions wait for.
type dialing struct {
	ready chan struct{}
	link  *link
	err   error
}

// New makes a Swarm; it serves while Run runs.
func New(cfg Config) *Swarm {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.OnLink == nil {
		cfg.OnLink = func(multiaddr.Multiaddr) bool { return false }
	}
	if cfg.Exchanges == nil {
		cfg.Exchanges = func(_, _ multiaddr.Multiaddr) bool { return true }
	}
	if cfg.MaxPeers == 0 {
		cfg.MaxPeers = DefaultMaxPeers
	}
	s := &Swarm{
		cfg: cfg, buffers: new(buffers), accounts: &accounts{max: cfg.MaxPeers}, downlink: newUplink(cfg.LimitDown, 0),
		links: make(map[peer.ID]*dialing), halfOpen: make(chan struct{}, maxHalfOpen),
	}
	if cfg.Host != nil {
		s.accounts.keep = s.keep
	}
	s.server = newServer(s, newUplink(cfg.LimitUp, abreast))
	s.members = newMembership(cfg, s.server.visitors)
	s.server.members = s.members
	return s
}

// keepTag and keepValue have the host's connection manager close connections to others before those to peers of a swarm.
const keepTag, keepValue = "swarm", 20

func (s *Swarm) keep(id peer.ID, yes bool) {
	if yes {
		s.cfg.Host.ConnManager().TagPeer(id, keepTag, keepValue)
	} else {
		s.cfg.Host.ConnManager().UntagPeer(id, keepTag)
	}
}

// near tells whether a connection leads to a peer on-link, and over no relay.
func (s *Swarm) near(c network.Conn) bool {
	addr := c.RemoteMultiaddr()
	_, err := addr.ValueForProtocol(multiaddr.P_CIRCUIT)
	return err != nil && s.cfg.OnLink(addr)
}

// Run serves other peers until ctx ends, and returns when all of it has stopped.
func (s *Swarm) Run(ctx context.Context) error {
	s.server.begin(ctx)
	s.cfg.Host.SetStreamHandler(wire.Control, s.server.onControl)
	s.cfg.Host.SetStreamHandler(wire.Data, s.server.onData)
	<-ctx.Done()
	s.cfg.Host.RemoveStreamHandler(wire.Control)
	s.cfg.Host.RemoveStreamHandler(wire.Data)
	s.server.end()
	s.closeLinks()
	return nil
}

// Session makes a session that reaches its peers through this swarm.
func (s *Swarm) Session(cfg SessionConfig) *Session {
	cfg.Dial = s.dial
	cfg.buffers, cfg.members = s.buffers, s.members
	if cfg.MaxSources == 0 {
		cfg.MaxSources = maxSources
	}
	cfg.MaxSources = min(cfg.MaxSources, s.cfg.MaxPeers)
	cfg.Self, cfg.LANFirst = s.cfg.Host.ID(), s.cfg.LANFirst
	if cfg.Log == nil {
		cfg.Log = s.cfg.Log
	}
	return NewSession(cfg)
}

// Sent and Received return the bytes of data that passed since the start.
func (s *Swarm) Sent() int64 { return s.server.uplink.bytes.Load() }

// Words returns the bytes of messages, beside data, that were sent since the start.
func (s *Swarm) Words() int64 { return s.words.Load() }

// Received returns the bytes of data that have arrived since the start.
func (s *Swarm) Received() int64 { return s.downlink.bytes.Load() }

// dial implements Dial: it opens a channel on the link to p, which it makes when there is none.
func (s *Swarm) dial(ctx context.Context, p peer.AddrInfo, root cid.Cid, r Receiver) (Source, error) {
	if p.ID == s.cfg.Host.ID() {
		return nil, errors.New("that is this peer itself")
	}
	l, err := s.link(ctx, p)
	if err != nil {
		return nil, err
	}
	return l.open(root, r)
}

// link returns the link to p: the one there is, or a new one.
func (s *Swarm) link(ctx context.Context, p peer.AddrInfo) (*link, error) {
	for {
		s.lock.Lock()
		d := s.links[p.ID]
		if d == nil {
			d = &dialing{ready: make(chan struct{})}
			s.links[p.ID] = d
			s.lock.Unlock()
			s.connect(ctx, p, d)
			return d.link, d.err
		}
		s.lock.Unlock()
		select {
		case <-d.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if d.err != nil {
			return nil, d.err
		}
		select {
		case <-d.link.ctx.Done():
			s.forget(p.ID, d)
		default:
			return d.link, nil
		}
	}
}

// connect fills in d.
func (s *Swarm) connect(ctx context.Context, p peer.AddrInfo, d *dialing) {
	defer close(d.ready)
	ctx = network.WithAllowLimitedConn(ctx, "swarm control")
	if d.link, d.err = s.newLink(ctx, p); d.err != nil {
		s.forget(p.ID, d)
	}
}

// newLink connects to p and opens the streams. It counts as a peer once it is connected: those that may be gone for good
// take nobody's place.
func (s *Swarm) newLink(ctx context.Context, p peer.AddrInfo) (*link, error) {
	if s.accounts.full(p.ID, s.accounts.dialled()) {
		return nil, errFull
	}
	if err := s.reach(ctx, p); err != nil {
		return nil, err
	}
	account, err := s.accounts.open(p.ID, s.accounts.dialled())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	l, err := s.dialLink(ctx, p.ID, account)
	if err != nil {
		s.accounts.close(p.ID)
	}
	return l, err
}

// reach connects to p, which may have to wait for others that are being connected to.
func (s *Swarm) reach(ctx context.Context, p peer.AddrInfo) error {
	switch s.cfg.Host.Network().Connectedness(p.ID) {
	case network.Connected, network.Limited:
		return nil
	}
	select {
	case s.halfOpen <- struct{}{}:
		defer func() { <-s.halfOpen }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return s.cfg.Host.Connect(ctx, p)
}

func (s *Swarm) forget(id peer.ID, d *dialing) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.links[id] == d {
		delete(s.links, id)
	}
}

func (s *Swarm) closeLinks() {
	s.lock.Lock()
	links := s.links
	s.links = make(map[peer.ID]*dialing)
	s.lock.Unlock()
	for _, d := range links {
		<-d.ready
		if d.link != nil {
			d.link.close()
		}
	}
}

// readSession reads the session id that a data stream begins with.
func readSession(s network.Stream) (id wire.SessionID, err error) {
	s.SetReadDeadline(time.Now().Add(helloTimeout))
	_, err = io.ReadFull(s, id[:])
	s.SetReadDeadline(time.Time{})
	return id, err
}
