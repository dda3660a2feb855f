package swarm

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

// Incoming is the origin of a peer that came to us and that we ask for nothing.
const Incoming = incoming

// A Trade is what one peer and we do for each other for one root.
type Trade struct {
	ID      peer.ID
	Origin  string  // where it was learned: link, lan, kademlia …; Incoming
	Share   float64 // of the root's leaves, those that it has: 0 to 1; ShareUnknown
	Near    bool    // on-link
	Relayed bool    // over a relay
	Limited bool    // over a relay that limits what may pass: no data goes that way

	// We take from it.
	Source   bool    // it is connected as a source
	Down     float64 // bytes a second
	Received int64   // bytes
	Wanted   bool    // it has something that is wanted here
	ChokesUs bool

	// It takes from us.
	Client     bool    // it has the root open here
	Up         float64 // bytes a second
	Sent       int64   // bytes
	Interested bool    // it wants something that is here
	Choked     bool    // we do not serve it now
}

// Trades returns, of each root that a session fetches or that a peer has open here, the peers that take part, each
// once, in the order of their ids. They are at most the sources of the sessions and maxChannels roots of each of
// maxClients clients. Safe for concurrent use.
func (s *Swarm) Trades(sessions ...*Session) map[cid.Cid][]Trade {
	now := time.Now()
	by := make(map[cid.Cid]map[peer.ID]*Trade)
	at := func(root cid.Cid, id peer.ID) *Trade {
		if by[root] == nil {
			by[root] = make(map[peer.ID]*Trade)
		}
		x := by[root][id]
		if x == nil {
			x = &Trade{ID: id, Origin: Incoming, Share: ShareUnknown}
			by[root][id] = x
		}
		return x
	}
	for _, session := range sessions {
		for _, src := range session.Status().Sources {
			x := at(session.cfg.Root, src.ID)
			x.take(src)
			x.Relayed = src.Relayed || s.relayed(src.ID)
		}
	}
	for _, c := range s.server.served() {
		c.report(now, at)
	}
	out := make(map[cid.Cid][]Trade, len(by))
	for root, peers := range by {
		for _, id := range slices.Sorted(maps.Keys(peers)) {
			out[root] = append(out[root], *peers[id])
		}
	}
	return out
}

// take notes what a source does for us. One that two sessions ask counts once.
func (x *Trade) take(src SourceStatus) {
	x.Origin, x.Share = src.Origin, max(x.Share, src.Share)
	x.Near, x.Limited = src.Near, src.Relayed
	x.Source, x.Down, x.Received = true, x.Down+src.Rate, x.Received+src.Bytes
	x.Wanted, x.ChokesUs = x.Wanted || src.Wanted, src.Choked
}

// report notes what the client does, root by root.
func (c *client) report(now time.Time, at func(cid.Cid, peer.ID) *Trade) {
	c.lock.Lock()
	unchoked := c.unchoked
	open := make(map[*channel]bool, len(c.channels)) // interested?
	for _, ch := range c.channels {
		open[ch] = ch.interested
	}
	c.lock.Unlock()
	for ch, interested := range open {
		x := at(ch.sharing.root, c.id)
		x.Client, x.Choked = true, !unchoked
		x.Up, x.Sent = x.Up+ch.out.look(now), x.Sent+ch.out.total.Load()
		x.Interested = x.Interested || interested
		x.Near, x.Limited = x.Near || c.near, x.Limited || c.relayed
		x.Relayed = x.Relayed || overRelay(c.control.Conn())
		if !x.Source {
			x.Share = ch.share()
		}
	}
}

// share returns what part of the root the client says it has.
func (ch *channel) share() float64 {
	ch.sharing.lock.Lock()
	defer ch.sharing.lock.Unlock()
	if ch.held == nil {
		return ShareUnknown
	}
	return shareOf(ch.held.Count(), ch.held.Len())
}

// relayed tells whether the link to a peer leads over a relay.
func (s *Swarm) relayed(id peer.ID) bool {
	s.lock.Lock()
	d := s.links[id]
	s.lock.Unlock()
	if d == nil {
		return false
	}
	select {
	case <-d.ready:
		return d.link != nil && overRelay(d.link.control.Conn())
	default:
		return false
	}
}

// overRelay tells whether a connection leads over a relay, limited or not.
func overRelay(c network.Conn) bool {
	_, err := c.RemoteMultiaddr().ValueForProtocol(multiaddr.P_CIRCUIT)
	return err == nil
}

// Moved returns the bytes of data that a connected peer and we have sent each other, over all roots; zeros for one
// that takes part in no root. Safe for concurrent use.
func (s *Swarm) Moved(id peer.ID) (received, sent int64) {
	s.accounts.lock.Lock()
	defer s.accounts.lock.Unlock()
	a := s.accounts.of[id]
	if a == nil {
		return 0, 0
	}
	return a.in.total.Load(), a.out.total.Load()
}

// A gauge is a meter for people: right from the first second on, where a meter's rate only creeps up from zero.
type gauge struct {
	meter
	since time.Time
}

func (m *gauge) begin(now time.Time) {
	m.since = now
	m.meter.look(now)
}

// look returns the bytes a second lately, as of now.
func (m *gauge) look(now time.Time) float64 {
	rate := m.meter.look(now)
	seen := now.Sub(m.since).Seconds() / rateTime.Seconds()
	return rate / (1 - math.Exp(-max(seen, 1e-3)))
}

// lookAll keeps the gauges of the client's channels up to date.
func (c *client) lookAll(now time.Time) {
	c.lock.Lock()
	defer c.lock.Unlock()
	for _, ch := range c.channels {
		ch.out.look(now)
	}
}
