// Package choker decides whom to serve.
//
// A peer that serves everybody at once serves nobody well, and one that serves without asking anything in
// return is a seed whether it likes it or not. So downloaders serve those who serve them, and one more
// now and then to find a better partner (Cohen, Incentives Build Robustness in BitTorrent, 2003); what
// we have whole, from which nobody can give us anything back, goes round by bytes.
//
// It is pure: no clock, no randomness but the one given, no streams. It is not the scheduler that shares
// the uplink among those it unchokes, and it sends nothing. It is not safe for concurrent use.
//
// Start reading at Step.
package choker

import (
	"math/rand/v2"
	"slices"
	"time"
)

const (
	rechokeEvery  = 10 * time.Second // so long a peer needs to show what it gives (Cohen, §3.2)
	optimistEvery = 30 * time.Second // three rechokes: time for the other side to return it
	snubbedAfter  = time.Minute      // without a byte from a peer that owes us some
	newFor        = time.Minute      // a peer is new and has nothing to give yet
	// lookEvery is how often those are looked at who may use up their credit, or make no use of their turn, while others
	// wait.
	lookEvery = 500 * time.Millisecond
)

// A PeerID names a peer. It is the caller's choice.
type PeerID int

// A Peer is what is known of one that may be served.
type Peer struct {
	ID         PeerID
	Interested bool      // it would ask if it were unchoked
	Asks       bool      // something that it has asked for is queued or being sent
	Seeding    bool      // we have all that it wants, so it cannot give us anything back
	LAN        bool      // on-link and met without a relay
	Passes     bool      // we have leaves that nobody else has, and it is known to pass such on
	RateIn     float64   // bytes a second that it has sent us lately
	Owes       bool      // we have asked it for bytes that have not come
	LastIn     time.Time // when it last sent us any
	BytesOut   uint64    // sent to it in all
	BytesIn    uint64    // it has sent us in all
	Since      time.Time // when it was met
}

// Uplink is how much leaves us.
type Uplink struct {
	Rate  float64 // bytes a second lately, to all peers that the limit is for
	Limit float64 // bytes a second; 0: none
}

// A Decision is what to tell peers.
type Decision struct {
	Unchoke, Choke []PeerID  // ascending; each only once until it changes
	Next           time.Time // call Step then, if nothing calls for it sooner
}

// A Choker holds who is unchoked. A peer that it has not seen is choked.
type Choker struct {
	rand     *rand.Rand
	turns    map[PeerID]*turn
	slots    slots
	rechoke  time.Time // when ranks are looked at next
	optimist time.Time // the first rechoke from then on moves optimistic unchokes on
}

// A turn is a peer's time unchoked, or the last one.
type turn struct {
	unchoked   bool
	optimistic bool      // unchoked to find out what it gives
	bytes      uint64    // BytesOut when it began
	waits      time.Time // since when: the end of its last turn, or when it was met
	began      time.Time // of this or the last one
}

// New returns a choker to which all peers are choked.
func New(r *rand.Rand) *Choker {
	return &Choker{rand: r, turns: make(map[PeerID]*turn), slots: newSlots()}
}

// Unchoked tells whether a peer is unchoked.
func (c *Choker) Unchoked(id PeerID) bool {
	t := c.turns[id]
	return t != nil && t.unchoked
}

// Step decides at now. peers are all there are, each once; those that are missing are forgotten. It is
// called when a peer comes, goes, or changes its interest, and at Decision.Next. Slots that are free are
// given away at once; whoever has one keeps it until the next rechoke.
func (c *Choker) Step(now time.Time, peers []Peer, up Uplink) Decision {
	c.meet(peers)
	due := !now.Before(c.rechoke)
	if due {
		c.rechoke = now.Add(rechokeEvery)
		c.slots.adapt(now, up, interested(peers))
		c.endOptimists(now)
	}
	chosen := make(map[PeerID]bool)
	if may := entitled(now, peers); len(may) <= c.slots.n {
		for _, p := range may {
			chosen[p.ID] = true // even without interest: it saves a round trip later
		}
	} else {
		c.choose(now, may, up, !due, chosen)
	}
	return c.decide(now, peers, chosen)
}

// meet keeps a turn for each of peers and no other.
func (c *Choker) meet(peers []Peer) {
	here := make(map[PeerID]bool, len(peers))
	for _, p := range peers {
		here[p.ID] = true
		if c.turns[p.ID] == nil {
			c.turns[p.ID] = &turn{waits: p.Since}
		}
	}
	for id := range c.turns {
		if !here[id] {
			delete(c.turns, id)
		}
	}
}

// choose fills the slots. With keep, peers that have one and want it stay.
func (c *Choker) choose(now time.Time, peers []Peer, up Uplink, keep bool, chosen map[PeerID]bool) {
	var traders, takers []Peer
	for _, p := range peers {
		switch {
		case !p.Interested:
		case p.LAN && !c.slots.full(up):
			chosen[p.ID] = true // it takes nothing from the others
		case p.Seeding:
			takers = append(takers, p)
		default:
			traders = append(traders, p)
		}
	}
	forTraders, forTakers := c.slots.divide(len(traders), len(takers))
	taken := c.chooseTraders(now, traders, forTraders, keep, chosen)
	forTakers = min(forTakers, c.slots.n-taken) // kept ones may be more than their share by now
	c.chooseTakers(now, takers, forTakers, keep, chosen)
}

// decide turns what is chosen into what changes.
func (c *Choker) decide(now time.Time, peers []Peer, chosen map[PeerID]bool) Decision {
	d := Decision{Next: c.rechoke}
	if soon := now.Add(lookEvery); len(chosen) < len(peers) && soon.Before(d.Next) {
		d.Next = soon
	}
	for _, p := range peers {
		t := c.turns[p.ID]
		switch {
		case chosen[p.ID] && !t.unchoked:
			t.unchoked, t.bytes, t.began = true, p.BytesOut, now
			d.Unchoke = append(d.Unchoke, p.ID)
		case !chosen[p.ID] && t.unchoked:
			t.unchoked, t.optimistic, t.waits = false, false, now
			d.Choke = append(d.Choke, p.ID)
		}
	}
	slices.Sort(d.Unchoke)
	slices.Sort(d.Choke)
	return d
}

func interested(peers []Peer) int {
	n := 0
	for _, p := range peers {
		if p.Interested {
			n++
		}
	}
	return n
}
