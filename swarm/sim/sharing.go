package sim

import (
	"slices"
	"time"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/swarm/spread"
)

// What a holder of the whole root suggests to whom, as package swarm's sharing does it (sharing.go).

const minDepth, depthTime = (abreast + 1) << 20, 500 * time.Millisecond

// look finds out whether the root is whole here.
func (p *peer) look() {
	if p.spread == nil && p.whole() {
		p.spread = spread.New(p.cfg.Leaves, p.size, p.randomness(3))
		p.members = make(map[spread.ClientID]*client)
	}
}

// share looks at what time brings: a download that is whole now, and leaves that nobody takes.
func (p *peer) share() {
	if len(p.clients) > 0 {
		p.look()
	}
	for _, c := range p.clients {
		p.join(c)
	}
	p.suggest()
}

// join makes c one that is suggested leaves, if it is interested.
func (p *peer) join(c *client) {
	if p.spread == nil || c.member != 0 || !c.interested {
		return
	}
	p.lastMember++
	c.member = p.lastMember
	p.members[c.member] = c
	p.spread.Join(c.member)
	for first, count := range c.tie.other.told.Ranges() {
		p.spread.Has(c.member, first, count)
	}
}

// leave is join taken back. A holder without clients forgets what it has sent.
func (c *client) leave() {
	p := c.tie.self
	if c.member != 0 {
		p.spread.Leave(c.member)
		delete(p.members, c.member)
		c.member = 0
		p.suggest()
	}
	if len(p.clients) == 0 {
		p.spread = nil
	}
}

// suggest tells what there is to suggest.
func (p *peer) suggest() {
	if p.spread == nil {
		return
	}
	for _, s := range p.spread.Suggest(p.now(), p.depth) {
		to := p.members[s.Client].tie.twin
		leaves, only := slices.Clone(s.Leaves), s.Only
		slices.Sort(leaves)
		for _, leaf := range leaves {
			p.note(Suggested, to.self, leaf)
		}
		p.send(func() { to.onSuggested(leaves, only) })
	}
}

// depth is how many bytes may be suggested to a client and not sent.
func (p *peer) depth(id spread.ClientID) int {
	c := p.members[id]
	if !c.unchoked {
		return 0
	}
	return max(minDepth/len(p.members), int(c.tie.out.look(p.clock.now)*depthTime.Seconds()))
}

// asked tells whether a leaf that c asks for is to be sent.
func (c *client) asked(leaf int) bool {
	return c.member == 0 || c.tie.self.spread.Asked(c.member, leaf)
}

// sent says that a leaf is on its way to c.
func (c *client) sent(leaf int) {
	if p := c.tie.self; c.member != 0 {
		p.spread.Sent(p.now(), c.member, leaf)
		p.suggest()
	}
}

// cancelled says that c takes a request back or declines what it was suggested.
func (c *client) cancelled(leaf int) {
	if p := c.tie.self; c.member != 0 {
		p.spread.Cancelled(c.member, leaf)
		p.suggest()
	}
}

// rejected says that c was refused leaves that it had asked for.
func (c *client) rejected(leaves []int) {
	p := c.tie.self
	if c.member == 0 {
		return
	}
	for _, leaf := range leaves {
		p.spread.Rejected(c.member, leaf)
	}
	p.suggest()
}

// holds takes in leaves that the client says it holds.
func (c *client) holds(news *bitfield.Bitfield) {
	p := c.tie.self
	if c.member == 0 {
		return
	}
	for first, count := range news.Ranges() {
		p.spread.Has(c.member, first, count)
	}
	p.suggest()
}
