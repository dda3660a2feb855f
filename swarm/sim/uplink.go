package sim

import (
	"math"
	"slices"
	"time"
)

// These follow uplink.go of package swarm: its gate lets few frames leave abreast, in the order of start-time fair
// queueing, and does not count those whose receiver is what they wait for.
const (
	abreast    = 3
	slowShares = 2
)

// uplink is what leaves a peer: a flow for each leaf that the gate has let pass.
type uplink struct {
	waiting []*client // for the gate, in the order they came
	turn    float64   // virtual time: the start of the leaf that passed last
	flows   []*client
	at      time.Duration // when left was true
	plan    uint64        // counts plans: an event of an older one means nothing
}

// flow is a leaf of a client that waits or is being sent.
type flow struct {
	waiting, sending bool
	start, end       float64 // virtual time
	leaf             int
	left             float64 // bytes
	rate             float64 // bytes a second; 0: nothing is being sent
}

// enqueue lets c wait for the gate, if something is queued and nothing of c's is there or beyond.
func (c *client) enqueue() {
	up := &c.tie.self.up
	if c.flow.waiting || c.flow.sending || len(c.queue) == 0 {
		return
	}
	c.flow.waiting = true
	c.flow.start = max(up.turn, c.flow.end)
	c.flow.end = c.flow.start + float64(c.tie.self.cfg.LeafBytes)/c.weight
	up.waiting = append(up.waiting, c)
}

// pump lets pass what may pass, and plans anew if something does.
func (p *peer) pump() {
	var begun []*client
	for len(p.up.waiting) > 0 && p.counted() < abreast {
		if c := p.next(); len(c.queue) > 0 {
			p.progress()
			c.begin()
			begun = append(begun, c)
			p.rate()
		}
	}
	if len(begun) == 0 {
		return
	}
	p.replan()
	for _, c := range begun {
		c.tie.other.reshare(p)
	}
}

// counted returns how many flows count: not those that get less of our uplink than half their share.
func (p *peer) counted() int {
	n := 0
	for _, c := range p.up.flows {
		if c.flow.rate*slowShares >= p.is.Up/float64(len(p.up.flows)) {
			n++
		}
	}
	return n
}

// next takes the client with the first turn from those that wait.
func (p *peer) next() *client {
	first := 0
	for i, c := range p.up.waiting {
		if c.flow.start < p.up.waiting[first].flow.start {
			first = i
		}
	}
	c := p.up.waiting[first]
	p.up.waiting = slices.Delete(p.up.waiting, first, first+1)
	p.up.turn = max(p.up.turn, c.flow.start)
	c.flow.waiting = false
	return c
}

// begin begins to send the first leaf of c's queue; progress has been called.
func (c *client) begin() {
	p, to := c.tie.self, c.tie.twin
	c.flow.sending, c.flow.leaf, c.flow.left = true, c.queue[0], float64(p.cfg.LeafBytes)
	c.queue = c.queue[1:]
	p.up.flows = append(p.up.flows, c)
	to.self.inflows = append(to.self.inflows, c)
	p.note(Began, to.self, c.flow.leaf)
	leaf := c.flow.leaf
	p.send(func() { to.expect(leaf) })
}

// end takes c's flow away; progress has been called.
func (c *client) end() {
	isC := func(o *client) bool { return o == c }
	p, to := c.tie.self, c.tie.other
	c.flow.sending, c.flow.rate = false, 0
	p.up.flows = slices.DeleteFunc(p.up.flows, isC)
	to.inflows = slices.DeleteFunc(to.inflows, isC)
}

// stopFlow ends what waits or is being sent over t.
func (t *tie) stopFlow() {
	c, p := t.client, t.self
	if c == nil {
		return
	}
	c.queue = nil
	if c.flow.waiting {
		c.flow.waiting = false
		p.up.waiting = slices.DeleteFunc(p.up.waiting, func(o *client) bool { return o == c })
	}
	if c.flow.sending {
		p.progress()
		c.end()
		p.replan()
		t.other.reshare(p)
	}
	if p.here {
		p.pump()
	}
}

// progress brings what is left of all flows of p up to now.
func (p *peer) progress() {
	seconds := (p.clock.now - p.up.at).Seconds()
	p.up.at = p.clock.now
	for _, c := range p.up.flows {
		c.flow.left -= seconds * c.flow.rate
	}
}

// share is the rate of c's flow as things are.
func (c *client) share() float64 {
	p, to := c.tie.self, c.tie.other
	return min(p.is.Up/float64(len(p.up.flows)), to.is.Down/float64(len(to.inflows)))
}

// rate sets the rates of p's flows; progress has been called.
func (p *peer) rate() {
	for _, c := range p.up.flows {
		c.flow.rate = c.share()
	}
}

// replan sets the rates of p's flows and the time at which the first ends; progress has been called.
func (p *peer) replan() {
	p.up.plan++
	if len(p.up.flows) == 0 {
		return
	}
	p.rate()
	soonest := math.Inf(1)
	for _, c := range p.up.flows {
		soonest = min(soonest, c.flow.left/c.flow.rate)
	}
	plan := p.up.plan
	p.clock.after(time.Duration(max(math.Ceil(soonest*1e9), 0)), func() {
		if p.up.plan == plan {
			p.deliver()
		}
	})
}

// reshare plans anew at those who send to p, but for one, whose rate has changed with the number of flows to p.
func (p *peer) reshare(but *peer) {
	for _, c := range slices.Clone(p.inflows) {
		if q := c.tie.self; q != but && c.flow.rate != c.share() {
			q.progress()
			q.replan()
			q.pump()
		}
	}
}

// deliver ends the flows that have nothing left, and goes on with what waits.
func (p *peer) deliver() {
	const done = 0.5 // bytes
	p.progress()
	var ended []*client
	for _, c := range p.up.flows {
		if c.flow.left < done {
			ended = append(ended, c)
		}
	}
	for _, c := range ended {
		c.delivered()
	}
	p.rate()
	p.pump()
	p.replan()
	for _, c := range ended {
		c.tie.other.reshare(p)
	}
	if p.is.LeavesAfter > 0 && p.outcome.Sent >= p.is.LeavesAfter {
		p.depart()
	}
}

// delivered says that the last byte of a leaf has left.
func (c *client) delivered() {
	p, t := c.tie.self, c.tie
	n := int64(p.cfg.LeafBytes)
	p.outcome.Sent += n
	t.out.total += n
	leaf, to := c.flow.leaf, t.twin
	p.send(func() { to.block(leaf) })
	c.end()
	c.enqueue()
	c.sent(leaf)
}
