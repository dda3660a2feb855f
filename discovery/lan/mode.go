// Package lan finds content among the peers of the local network: each says by multicast DNS that it
// is there, and whoever looks for something asks those it has met (package have).
//
// There is no table to keep and no record to go stale: a yes comes from the provider itself. The
// price is a question to each peer, which a LAN bears and the internet would not. What is heard by
// mDNS is hostile until a connection proves the peer's key: counts, addresses and rates are bounded
// in packet.go, mdns.go and table.go. Start reading at Mode.
package lan

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/reach"
)

const (
	retryFirst = time.Second // after the announcer has failed; then twice that, up to retryLast
	retryLast  = time.Minute
	lookAgain  = 5 * time.Second // between two looks at this peer's addresses
)

// Announcer says that this peer is there and hears who else is.
type Announcer interface {
	// Run announces addrs now, again from time to time and whenever changed yields, and calls met
	// for each presence it hears, from one goroutine. It returns when ctx ends or it cannot go on,
	// after everything it started has ended.
	Run(ctx context.Context, addrs func() []ma.Multiaddr, changed <-chan struct{}, met func(Presence)) error
}

// Config is what a Mode is made of. Only Host is required.
type Config struct {
	Host    host.Host
	Network string // separates worlds; discovery.DefaultNetwork if empty
	Reach   reach.Reach
	// Announcer replaces mDNS. Without one, the mode has nothing to say at reach loopback.
	Announcer Announcer
	Log       *slog.Logger // nil is silence
}

// Mode is the discovery mode "lan". See discovery.Mode for what its methods promise.
//
// Answering others is not its work but that of a have.Server on the same host.
type Mode struct {
	host      host.Host
	reach     reach.Reach
	announcer Announcer // nil: the mode is off
	log       *slog.Logger
	settling  time.Duration
	settled   chan struct{} // closed when Run has begun that long ago
	gone      chan struct{} // closed when Run has ended

	mu      sync.Mutex // guards what follows
	members members
	grown   map[chan struct{}]bool // questions under way: told when a peer is met
	due     chan struct{}          // has room for 1: there may be somebody to dial
}

var (
	_ discovery.Mode       = (*Mode)(nil)
	_ discovery.PeerFinder = (*Mode)(nil)
	_ discovery.Reporter   = (*Mode)(nil)
)

// New returns a mode that does nothing before Run. The error is fault.BadInput: the network's name.
func New(c Config) (*Mode, error) {
	if c.Network == "" {
		c.Network = discovery.DefaultNetwork
	}
	if err := discovery.CheckNetwork(c.Network); err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Announcer == nil && c.Reach != reach.Loopback {
		c.Announcer = &mdns{self: c.Host.ID(), service: serviceName(c.Network), reach: c.Reach, log: c.Log}
	}
	return &Mode{
		host: c.Host, reach: c.Reach, announcer: c.Announcer, log: c.Log,
		settling: settling, settled: make(chan struct{}), gone: make(chan struct{}),
		members: make(members), grown: make(map[chan struct{}]bool), due: make(chan struct{}, 1),
	}, nil
}

// Name returns "lan".
func (m *Mode) Name() string { return "lan" }

// Caps returns Provide and Find, or neither and why at reach loopback.
func (m *Mode) Caps() discovery.Caps {
	if m.announcer == nil {
		return discovery.Caps{Why: "mDNS speaks to the local network, and reach loopback does not leave this machine"}
	}
	return discovery.Caps{Provide: true, Find: true}
}

// Run announces this peer and meets the others until ctx ends. A machine without a network is no
// error: it may get one.
func (m *Mode) Run(ctx context.Context) error {
	defer close(m.gone)
	if m.announcer == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	settle := time.AfterFunc(m.settling, func() { close(m.settled) })
	defer settle.Stop()
	changed := make(chan struct{}, 1)
	var wg sync.WaitGroup
	wg.Go(func() { m.watch(ctx, changed) })
	wg.Go(func() { m.connect(ctx) })
	m.announce(ctx, changed)
	wg.Wait()
	return ctx.Err()
}

// addrs returns where this peer listens at this moment, by the addresses of its interfaces.
func (m *Mode) addrs() []ma.Multiaddr {
	// libp2p's own answer to this is up to a minute old.
	addrs, err := manet.ResolveUnspecifiedAddresses(m.host.Network().ListenAddresses(), nil)
	if err != nil {
		return m.host.Addrs()
	}
	return addrs
}

// watch looks at the addresses from time to time and says when they are not what they were.
func (m *Mode) watch(ctx context.Context, changed chan<- struct{}) {
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	last := m.addrs()
	for {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
		if now := m.addrs(); !slices.EqualFunc(now, last, ma.Multiaddr.Equal) {
			last = now
			notify(changed)
		}
	}
}

func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // it will look anyway
	}
}

func (m *Mode) announce(ctx context.Context, changed <-chan struct{}) {
	wait := retryFirst
	for {
		began := time.Now()
		err := m.announcer.Run(ctx, m.addrs, changed, m.met)
		if ctx.Err() != nil {
			return
		}
		m.log.Debug("lan: not announcing", slog.Any("error", err))
		if time.Since(began) > retryLast {
			wait = retryFirst
		}
		select {
		case <-time.After(wait):
		case <-changed: // perhaps an interface has come
		case <-ctx.Done():
			return
		}
		wait = min(2*wait, retryLast)
	}
}

// met notes a presence.
func (m *Mode) met(p Presence) {
	if p.ID == m.host.ID() || p.ID.Validate() != nil {
		return
	}
	p.Addrs = m.reach.Filter(p.Addrs)
	if len(p.Addrs) == 0 {
		return
	}
	if len(p.Addrs) > maxAddrs {
		p.Addrs = p.Addrs[:maxAddrs]
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	isNew := m.members.put(p, time.Now(), dialFirst(m.host.ID(), p.ID), m.connected)
	notify(m.due)
	if isNew {
		for question := range m.grown {
			notify(question)
		}
	}
}

func (m *Mode) connected(id peer.ID) bool {
	return m.host.Network().Connectedness(id) == network.Connected
}

// peers returns the peers met.
func (m *Mode) peers() []peer.AddrInfo {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.members.live(time.Now())
}

// Provide has nothing to send: whoever looks for c will ask.
func (m *Mode) Provide(context.Context, cid.Cid, bool) error {
	if m.announcer == nil {
		return fmt.Errorf("lan: provide: %w: %s", discovery.ErrNotSupported, m.Caps().Why)
	}
	return nil
}

// FindPeer returns the addresses at which id was met.
func (m *Mode) FindPeer(_ context.Context, id peer.ID) (peer.AddrInfo, error) {
	for _, info := range m.peers() {
		if info.ID == id {
			return info, nil
		}
	}
	return peer.AddrInfo{}, fault.New(fault.NotFound, "peer %s: not met on the local network", id)
}

// Report says how many peers were met.
func (m *Mode) Report() string {
	if m.announcer == nil {
		return "off: " + m.Caps().Why
	}
	all, linked := m.peers(), 0
	for _, p := range all {
		if m.connected(p.ID) {
			linked++
		}
	}
	return fmt.Sprintf("%d peers met, %d connected", len(all), linked)
}
