package sim

import (
	"math/rand/v2"
	"time"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/swarm/choker"
	"github.com/seed4134be55/peer/swarm/picker"
	"github.com/seed4134be55/peer/swarm/spread"
)

// A peer is a session, while it wants something, and a server.
type peer struct {
	*world
	num     int
	is      Peer
	own     *rand.Rand
	here    bool
	ties    []*tie // in the order made
	outcome Outcome

	held *bitfield.Bitfield
	told *bitfield.Bitfield // of these, those that others know of
	news []int              // held and not told; see gossip

	// The session; see session.go. The picker is nil when there is nothing to want.
	picker     *picker.Picker
	sources    []*source // in the order enlisted
	lastSource picker.SourceID
	choices    []picker.Choice // scratch
	inflows    []*client       // what is being sent here

	// The server; see serving.go.
	choker     *choker.Choker
	rechokeAt  time.Time
	clients    []*client // those that came first first
	lastClient choker.PeerID
	ranked     []choker.Peer // scratch
	up         uplink

	// The sharing; see sharing.go. The spread is nil while the root is not whole here.
	spread     *spread.Spread
	lastMember spread.ClientID
	members    map[spread.ClientID]*client
}

// A tie is a connection as one of its two ends sees it.
type tie struct {
	self, other *peer
	twin        *tie // the other end
	gone        bool // at this end

	source *source // what self wants of other; nil: nothing
	client *client // what self serves other; nil: it does not ask

	// The account of what other and self have given each other.
	in, out meter
	lastIn  time.Duration // 0: never
	owed    bool          // something is asked of other that has not come
}

func newPeer(w *world, num int, c Peer) *peer {
	p := &peer{world: w, num: num, is: c}
	p.own = p.randomness(0)
	p.choker = choker.New(p.randomness(1))
	if c.Whole {
		p.held = bitfield.Full(w.cfg.Leaves)
		p.told = p.held
		p.outcome.Done = true
		return p
	}
	p.held, p.told = bitfield.New(w.cfg.Leaves), bitfield.New(w.cfg.Leaves)
	p.picker = picker.New(picker.Config{Leaves: w.cfg.Leaves, Size: w.size, Rand: p.randomness(2)})
	return p
}

// randomness returns the randomness of one of p's parts.
func (p *peer) randomness(part uint64) *rand.Rand {
	return rand.New(rand.NewPCG(p.cfg.Seed, uint64(p.num+1)<<8|part))
}

// every calls do again and again while p is here, beginning at a random time within a period: peers that come together
// do not tick together.
func (p *peer) every(period time.Duration, do func()) {
	var again func()
	again = func() {
		if p.here {
			do()
			p.clock.after(period, again)
		}
	}
	p.clock.after(time.Duration(p.own.Int64N(int64(period))), again)
}

// whole tells whether p has everything.
func (p *peer) whole() bool { return p.held.Full() }
