package swarm

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/swarm/wire"
)

// The session's part in peer exchange: what it tells its sources, what it asks of them, and what it hears.

// exchangePeers tells the sources that may want to know who else is here, and asks one of them when few are.
func (s *Session) exchangePeers(now time.Time) {
	roster := sync.OnceValue(func() []peer.AddrInfo { return s.cfg.members.roster(s.cfg.Root) })
	for _, src := range s.sources {
		s.tellPeers(src, now, roster)
	}
	if s.asker.Ask(now, func() int { return len(s.cfg.members.connected(s.cfg.Root)) }) {
		s.askPeers()
	}
}

// tellPeers tells one source. One that has every leaf looks for nobody.
func (s *Session) tellPeers(src *source, now time.Time, roster func() []peer.AddrInfo) {
	if src.conn != nil && src.opened && src.offer.Have != wire.HaveAll {
		src.conn.Exchange().tell(now, roster)
	}
}

// askPeers asks the source whose turn it is.
func (s *Session) askPeers() {
	var next *source
	for _, src := range s.sources {
		if src.opened && src.conn.Exchange() != nil && (next == nil || src.inquired < next.inquired) {
			next = src
		}
	}
	if next != nil {
		s.asks++
		next.inquired = s.asks
		next.conn.Exchange().ask()
	}
}

// onHearsay takes in what one peer says of others.
func (s *Session) onHearsay(teller peer.ID, added []peer.AddrInfo, dropped []peer.ID) {
	for _, id := range dropped {
		s.peers.unhear(id, teller)
	}
	for _, p := range added {
		s.peers.hear(p, teller)
	}
}

// Peers implements Receiver.
func (src *source) Peers(added []peer.AddrInfo, dropped []peer.ID) {
	src.post(func() { src.session.onHearsay(src.id, added, dropped) })
}
