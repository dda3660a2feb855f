package sim

import (
	"slices"
	"time"

	"github.com/seed4134be55/peer/swarm/choker"
	"github.com/seed4134be55/peer/swarm/spread"
)

// What a peer does as a holder, as package swarm's server does it (server.go, client.go, choking.go).

const tendEvery = 500 * time.Millisecond

// A client is a wanter as the server sees it.
type client struct {
	tie        *tie
	num        choker.PeerID
	since      time.Time
	interested bool
	unchoked   bool
	queue      []int // leaves to send, the first first
	flow       flow
	weight     float64         // its share of the uplink beside others'
	member     spread.ClientID // 0: it is suggested nothing
}

// admit makes the other end of t a client.
func (t *tie) admit() {
	p := t.self
	p.lastClient++
	t.client = &client{tie: t, num: p.lastClient, since: p.now(), weight: 1}
	p.clients = append(p.clients, t.client)
	p.look()
}

// dismiss forgets the client at the other end.
func (t *tie) dismiss() {
	c, p := t.client, t.self
	if c == nil || !p.here {
		return
	}
	t.stopFlow()
	t.client = nil
	p.clients = slices.DeleteFunc(p.clients, func(o *client) bool { return o == c })
	c.leave()
	p.rechoke(true)
}

// tend is what time brings.
func (p *peer) tend() {
	for _, c := range p.clients {
		c.tie.out.look(p.clock.now)
		c.tie.in.look(p.clock.now)
	}
	p.rechoke(false)
	p.weigh()
	p.share()
}

// weigh decides anew what share of the uplink each client gets.
func (p *peer) weigh() {
	p.rank()
	for i, w := range choker.Weights(p.ranked) {
		p.clients[i].weight = w
	}
}

// rank tells p.ranked what the choker is told, and returns the rate of the uplink.
func (p *peer) rank() (rate float64) {
	p.ranked = p.ranked[:0]
	for _, c := range p.clients {
		p.ranked = append(p.ranked, c.peer(p.now()))
		rate += c.tie.out.look(p.clock.now)
	}
	return rate
}

// rechoke decides anew whom to serve, if it is time or something has changed.
func (p *peer) rechoke(changed bool) {
	now := p.now()
	if p.is.Rides || !p.here || !changed && now.Before(p.rechokeAt) {
		return
	}
	up := choker.Uplink{Rate: p.rank()}
	d := p.choker.Step(now, p.ranked, up)
	p.rechokeAt = d.Next
	for _, id := range d.Choke {
		p.client(id).choke(true)
	}
	for _, id := range d.Unchoke {
		p.client(id).choke(false)
	}
}

// client returns the client of that number.
func (p *peer) client(id choker.PeerID) *client {
	for _, c := range p.clients {
		if c.num == id {
			return c
		}
	}
	return nil
}

// peer is what the choker is told of c.
func (c *client) peer(now time.Time) choker.Peer {
	t := c.tie
	p := choker.Peer{
		ID: c.num, RateIn: t.in.look(t.self.clock.now), Owes: t.owed,
		Interested: c.interested, Asks: c.flow.sending || len(c.queue) > 0,
		Seeding:  !c.interested || t.self.spread != nil,
		BytesOut: uint64(t.out.total), BytesIn: uint64(t.in.total), Since: c.since,
	}
	if s := t.self.spread; s != nil {
		p.Passes = s.Passes(c.member)
	}
	if t.lastIn > 0 {
		p.LastIn = time.Unix(0, 0).Add(t.lastIn)
	}
	return p
}

// choke tells the client whether it is served. What it has asked for is rejected when it no longer is.
func (c *client) choke(yes bool) {
	p, to := c.tie.self, c.tie.twin
	c.unchoked = !yes
	p.send(func() { to.onChoked(yes) })
	if !yes {
		p.note(Unchoked, c.tie.other, -1)
		p.suggest()
		return
	}
	p.note(Choked, c.tie.other, -1)
	rejected := c.queue
	c.queue = nil
	p.suggest()
	c.reject(rejected, false)
}

// reject refuses leaves.
func (c *client) reject(leaves []int, elsewhere bool) {
	if len(leaves) == 0 {
		return
	}
	p, to := c.tie.self, c.tie.twin
	for _, leaf := range leaves {
		p.note(Rejected, c.tie.other, leaf)
	}
	if !elsewhere {
		c.rejected(leaves)
	}
	p.send(func() { to.onRejected(leaves, elsewhere) })
}

// onInterest notes whether the client would ask for leaves.
func (t *tie) onInterest(yes bool) {
	c, p := t.client, t.self
	if c == nil || !p.here {
		return
	}
	c.interested = yes
	if yes {
		p.join(c)
		p.suggest()
	}
	p.rechoke(true)
}

// onRequest queues leaves to send, but for those that are another's first.
func (t *tie) onRequest(leaves []int) {
	c := t.client
	if c == nil || !t.self.here {
		return
	}
	if !c.unchoked {
		c.reject(leaves, false)
		return
	}
	var elsewhere []int
	for _, leaf := range leaves {
		if c.asked(leaf) {
			c.queue = append(c.queue, leaf)
		} else {
			elsewhere = append(elsewhere, leaf)
		}
	}
	c.reject(elsewhere, true)
	c.enqueue()
	t.self.pump()
}

// onCancel takes a leaf off the queue. One that has begun still comes.
func (t *tie) onCancel(leaf int) {
	c := t.client
	if c == nil || !t.self.here {
		return
	}
	c.queue = slices.DeleteFunc(c.queue, func(o int) bool { return o == leaf })
	c.cancelled(leaf)
}
