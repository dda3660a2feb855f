package swarm

import (
	"maps"
	"slices"
	"sync"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
)

// incoming is the origin of a candidate that came to us for the root that we are fetching.
const incoming = "incoming"

// A membership knows which roots this peer is downloading, so that whoever comes for one of them as a client is met as
// a source too: otherwise, of two downloaders of whom one knows the other, only one would serve. Safe for concurrent use.
type membership struct {
	host host.Host

	lock     sync.Mutex
	sessions map[cid.Cid]map[*Session]bool // those that run
}

func newMembership(h host.Host) *membership {
	return &membership{host: h, sessions: make(map[cid.Cid]map[*Session]bool)}
}

// enter counts in a session that begins to run; leave counts it out.
func (m *membership) enter(s *Session) {
	m.lock.Lock()
	defer m.lock.Unlock()
	if m.sessions[s.cfg.Root] == nil {
		m.sessions[s.cfg.Root] = make(map[*Session]bool)
	}
	m.sessions[s.cfg.Root][s] = true
}

func (m *membership) leave(s *Session) {
	m.lock.Lock()
	defer m.lock.Unlock()
	delete(m.sessions[s.cfg.Root], s)
	if len(m.sessions[s.cfg.Root]) == 0 {
		delete(m.sessions, s.cfg.Root)
	}
}

// of returns the sessions that fetch root.
func (m *membership) of(root cid.Cid) []*Session {
	m.lock.Lock()
	defer m.lock.Unlock()
	return slices.Collect(maps.Keys(m.sessions[root]))
}

// met tells the sessions that fetch root of a client that has opened it.
func (m *membership) met(root cid.Cid, id peer.ID) {
	for _, s := range m.of(root) {
		s.AddPeer(m.info(id), incoming)
	}
}

// info is what is known of a peer that is connected: perhaps no address, of which the connection has no need.
func (m *membership) info(id peer.ID) peer.AddrInfo {
	return peer.AddrInfo{ID: id, Addrs: m.host.Peerstore().Addrs(id)}
}

// visitors returns the peers that have root open as clients.
func (sv *server) visitors(root cid.Cid) []peer.ID {
	sv.lock.Lock()
	sh := sv.roots[root]
	sv.lock.Unlock()
	if sh == nil {
		return nil
	}
	sh.lock.Lock()
	defer sh.lock.Unlock()
	ids := make(map[peer.ID]bool)
	for ch := range sh.open {
		ids[ch.client.id] = true
	}
	return slices.Sorted(maps.Keys(ids))
}
