package live

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
)

// How often connected peers are told of again while alone: by chance, half of that or half more.
const (
	aloneFirst = 200 * time.Millisecond
	aloneLast  = time.Minute
)

const (
	bootstrapFirst   = 5 * time.Second  // between two tries while alone, doubled each time
	bootstrapLast    = 10 * time.Minute // and while not: two halves of a network may have lost each other
	bootstrapTimeout = 10 * time.Second // for one peer
	bootstrapAtOnce  = 8
)

// meet tells the loop of connected peers that speak our protocol: those that are there, and whoever is identified or says
// so later. While no machine knows anybody they are told of again, ever more rarely: two that meet may each have been
// about to join the other, and so by none. meet also has the publisher tell again when our addresses change.
func (m *Mode) meet(ctx context.Context) {
	kinds := []any{
		new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerProtocolsUpdated), new(event.EvtLocalAddressesUpdated),
	}
	sub, err := m.host.EventBus().Subscribe(kinds, eventbus.Name("overlay"), eventbus.BufSize(64))
	if err != nil {
		m.log.Warn("peers met by others are not noticed", slog.String("mode", m.name), slog.Any("error", err))
		return
	}
	defer func() { _ = sub.Close() }()
	m.meetConnected(ctx)
	pause := aloneFirst
	for {
		select {
		case ev := <-sub.Out():
			m.noticed(ctx, ev)
			pause = aloneFirst
		case <-time.After(pause/2 + rand.N(pause)):
			if m.Census().Peers == 0 {
				m.meetConnected(ctx)
			}
			pause = min(2*pause, aloneLast)
		case <-ctx.Done():
			return
		}
	}
}

// meetConnected tells the loop of connected peers that speak our protocol.
func (m *Mode) meetConnected(ctx context.Context) {
	for _, id := range m.host.Network().Peers() {
		if speaks, err := m.host.Peerstore().SupportsProtocols(id, m.protocol); err == nil && len(speaks) > 0 {
			m.met(ctx, id)
		}
	}
}

func (m *Mode) noticed(ctx context.Context, ev any) {
	switch ev := ev.(type) {
	case event.EvtPeerIdentificationCompleted:
		m.meetIf(ctx, ev.Peer, ev.Protocols)
	case event.EvtPeerProtocolsUpdated:
		m.meetIf(ctx, ev.Peer, ev.Added)
	case event.EvtLocalAddressesUpdated:
		m.loop.post(ctx, func() { m.loop.book.own = m.loop.book.ownAddrs() })
		m.publisher.moved()
	}
}

func (m *Mode) meetIf(ctx context.Context, id peer.ID, speaks []protocol.ID) {
	if slices.Contains(speaks, m.protocol) {
		m.met(ctx, id)
	}
}

func (m *Mode) met(ctx context.Context, id peer.ID) {
	m.loop.post(ctx, func() { m.loop.met(id) })
}

// keepBootstrapped goes to the bootstrap peers: at once, ever more rarely while nobody is known, and now and then.
func (m *Mode) keepBootstrapped(ctx context.Context) {
	peers := m.bootstrapWithin()
	if len(peers) == 0 {
		return
	}
	for wait := bootstrapFirst; ; wait = min(2*wait, bootstrapLast) {
		m.bootstrapFrom(ctx, peers)
		// Half of it by chance, so that a network that lost its bootstrap peer does not return to it at once.
		select {
		case <-time.After(wait/2 + rand.N(wait/2)):
		case <-ctx.Done():
			return
		}
		if m.Census().Peers > 0 {
			wait = bootstrapLast
		} else if wait == bootstrapLast {
			wait = bootstrapFirst
		}
	}
}

// bootstrapWithin returns the bootstrap peers with the addresses within reach, this peer left out.
func (m *Mode) bootstrapWithin() []peer.AddrInfo {
	var within []peer.AddrInfo
	for _, p := range m.bootstrap {
		if p.Addrs = m.reach.Filter(p.Addrs); len(p.Addrs) > 0 && p.ID != m.host.ID() {
			within = append(within, p)
		}
	}
	return within
}

// bootstrapFrom connects to all of peers, some at a time. Who speaks the protocol is met: those who were connected before
// are noticed by nobody else.
func (m *Mode) bootstrapFrom(ctx context.Context, peers []peer.AddrInfo) {
	slots := make(chan struct{}, bootstrapAtOnce)
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, i := range rand.Perm(len(peers)) {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		wg.Go(func() {
			defer func() { <-slots }()
			m.bootstrapBy(ctx, peers[i])
		})
	}
}

func (m *Mode) bootstrapBy(ctx context.Context, p peer.AddrInfo) {
	dialling, cancel := context.WithTimeout(network.WithForceDirectDial(ctx, "bootstrap"), bootstrapTimeout)
	defer cancel()
	if err := m.host.Connect(dialling, p); err != nil {
		if ctx.Err() == nil {
			m.log.Debug("bootstrap peer not reached", slog.String("mode", m.name), slog.Any("error", err))
		}
		return
	}
	if speaks, err := m.host.Peerstore().SupportsProtocols(p.ID, m.protocol); err == nil && len(speaks) > 0 {
		m.met(ctx, p.ID)
	}
}
