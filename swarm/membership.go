package swarm

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

// Where candidates come from that nobody told the session of by AddPeer.
const (
	incoming = "incoming" // it came to us for the root that we are fetching
	hearsay  = "pex"      // another told of it
)

// A membership knows who is connected to this peer for which root: those who came as clients, and the sources of the
// sessions that run. Whoever comes for a root that is being fetched is met as a source too: otherwise, of two downloaders
// of whom one knows the other, only one would serve. Safe for concurrent use.
type membership struct {
	self      peer.ID
	addrs     func(peer.ID) []multiaddr.Multiaddr // where a connected peer may be reached, the best first
	exchanges func(addr, with multiaddr.Multiaddr) bool
	clients   func(root cid.Cid) []peer.ID
	told      atomic.Int64 // peers that others were told of, of maxToldOf

	lock  sync.Mutex
	roots map[cid.Cid]map[*Session]map[peer.ID]bool // the sessions that run, and which sources have opened the root
}

func newMembership(cfg Config, clients func(root cid.Cid) []peer.ID) *membership {
	m := &membership{exchanges: cfg.Exchanges, clients: clients, roots: make(map[cid.Cid]map[*Session]map[peer.ID]bool)}
	m.addrs = func(peer.ID) []multiaddr.Multiaddr { return nil }
	if cfg.Host != nil {
		m.self = cfg.Host.ID()
		m.addrs = func(id peer.ID) []multiaddr.Multiaddr { return addrsOf(cfg.Host, id) }
	}
	return m
}

// loneMembership is that of a session without a Swarm.
func loneMembership() *membership {
	return newMembership(Config{}, func(cid.Cid) []peer.ID { return nil })
}

// addrsOf returns where a peer may be reached: first where it was, then what it said itself; over a relay last.
func addrsOf(h host.Host, id peer.ID) []multiaddr.Multiaddr {
	var direct, relayed []multiaddr.Multiaddr
	add := func(a multiaddr.Multiaddr) {
		if _, err := a.ValueForProtocol(multiaddr.P_CIRCUIT); err == nil {
			relayed = append(relayed, a)
		} else if !slices.ContainsFunc(direct, a.Equal) {
			direct = append(direct, a)
		}
	}
	for _, c := range h.Network().ConnsToPeer(id) {
		if c.Stat().Direction == network.DirOutbound {
			add(c.RemoteMultiaddr())
		}
	}
	for _, a := range h.Peerstore().Addrs(id) {
		add(a)
	}
	return append(direct, relayed...)
}

// enter counts in a session that begins to run, and returns those who are here for its root.
func (m *membership) enter(s *Session) []peer.AddrInfo {
	m.lock.Lock()
	if m.roots[s.cfg.Root] == nil {
		m.roots[s.cfg.Root] = make(map[*Session]map[peer.ID]bool)
	}
	m.roots[s.cfg.Root][s] = make(map[peer.ID]bool)
	m.lock.Unlock()
	var here []peer.AddrInfo
	for _, id := range m.clients(s.cfg.Root) {
		here = append(here, m.info(id))
	}
	return here
}

// leave counts out a session and its sources.
func (m *membership) leave(s *Session) {
	m.lock.Lock()
	defer m.lock.Unlock()
	delete(m.roots[s.cfg.Root], s)
	if len(m.roots[s.cfg.Root]) == 0 {
		delete(m.roots, s.cfg.Root)
	}
}

// opened says that a source of s has opened the root, or is lost.
func (m *membership) opened(s *Session, id peer.ID, yes bool) {
	m.lock.Lock()
	defer m.lock.Unlock()
	sources := m.roots[s.cfg.Root][s]
	switch {
	case sources == nil: // it has ended
	case yes:
		sources[id] = true
	default:
		delete(sources, id)
	}
}

// sessions returns those that fetch root.
func (m *membership) sessions(root cid.Cid) []*Session {
	m.lock.Lock()
	defer m.lock.Unlock()
	return slices.Collect(maps.Keys(m.roots[root]))
}

// met tells the sessions that fetch root of a client that has opened it.
func (m *membership) met(root cid.Cid, id peer.ID) {
	for _, s := range m.sessions(root) {
		p := m.info(id)
		s.post(func() { s.peers.visit(p, time.Now()) })
	}
}

// info is what is known of a connected peer: perhaps no address, of which the connection has no need.
func (m *membership) info(id peer.ID) peer.AddrInfo { return peer.AddrInfo{ID: id, Addrs: m.addrs(id)} }

// connected returns who is connected for root, as a client, a source or both.
func (m *membership) connected(root cid.Cid) []peer.ID {
	ids := make(map[peer.ID]bool)
	for _, id := range m.clients(root) {
		ids[id] = true
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	for _, sources := range m.roots[root] {
		maps.Copy(ids, sources)
	}
	return slices.Sorted(maps.Keys(ids))
}

// roster returns those who are connected for root, with their addresses.
func (m *membership) roster(root cid.Cid) (all []peer.AddrInfo) {
	for _, id := range m.connected(root) {
		all = append(all, m.info(id))
	}
	return all
}

// visitors returns the peers that have root open as clients.
func (sv *server) visitors(root cid.Cid) []peer.ID {
	sv.lock.Lock()
	sh := sv.roots[root]
	sv.lock.Unlock()
	if sh == nil {
		return nil
	}
	ids := make(map[peer.ID]bool)
	for _, ch := range sh.channelsOpen() {
		ids[ch.client.id] = true
	}
	return slices.Sorted(maps.Keys(ids))
}

// channelsOpen returns the channels on a root.
func (sh *sharing) channelsOpen() []*channel {
	sh.lock.Lock()
	defer sh.lock.Unlock()
	return slices.Collect(maps.Keys(sh.open))
}
