package sim

import (
	"slices"
	"time"
)

const (
	// moreEvery is how often a peer with few connections asks for more (package swarm: peer exchange).
	moreEvery = 5 * time.Second
	// greetTrips is how many messages one after the other it takes until a connection is of use: TCP, security and
	// multiplexer, hello, open, manifest.
	greetTrips = 8
	// maxClients is how many a server serves (package swarm).
	maxClients = 256
)

// arrive makes p one of those that others are told of, and connects it.
func (p *peer) arrive() {
	p.note(Arrived, p, -1)
	p.here = true
	p.present = append(p.present, p)
	if p.is.Known {
		p.known = append(p.known, p)
	}
	if p.is.Departs > p.clock.now {
		p.clock.at(p.is.Departs, p.depart)
	}
	p.every(tick, p.onTick)
	p.every(tendEvery, p.tend)
	p.clock.after(greetTrips*p.cfg.Latency, p.meet)
	p.every(moreEvery, p.meet)
}

// meet connects p to whom its link names and to random others, until it has enough.
func (p *peer) meet() {
	if !p.here {
		return
	}
	for _, o := range p.known {
		if len(o.ties) < maxClients {
			p.connect(o)
		}
	}
	most := p.cfg.Neighbours * 5 / 4
	for tries := 4 * len(p.present); tries > 0 && len(p.ties) < (p.cfg.Neighbours+1)/2; tries-- {
		if o := p.present[p.rand.IntN(len(p.present))]; len(o.ties) < most {
			p.connect(o)
		}
	}
}

// connect ties p and o, unless they are.
func (p *peer) connect(o *peer) {
	if o == p || slices.ContainsFunc(p.ties, func(t *tie) bool { return t.other == o }) || p.whole() && o.whole() {
		return
	}
	p.note(Connected, o, -1)
	t := &tie{self: p, other: o}
	t.twin = &tie{self: o, other: p, twin: t}
	p.ties, o.ties = append(p.ties, t), append(o.ties, t.twin)
	p.greet(t)
	o.greet(t.twin)
	p.rechoke(true)
	o.rechoke(true)
}

// greet opens the root at the other end, if p wants it.
func (p *peer) greet(t *tie) {
	if p.picker == nil {
		return
	}
	t.twin.admit()
	p.enlist(t)
}

// depart takes p away. The others notice a latency later.
func (p *peer) depart() {
	if !p.here {
		return
	}
	p.note(Departed, p, -1)
	p.here, p.outcome.Left = false, true
	if p.picker != nil {
		p.wanting--
	}
	isP := func(o *peer) bool { return o == p }
	p.present, p.known = slices.DeleteFunc(p.present, isP), slices.DeleteFunc(p.known, isP)
	for _, t := range p.ties {
		t.gone = true
		t.stopFlow()
		t.twin.stopFlow()
		p.send(t.twin.lost)
	}
	p.ties = nil
}

// lost forgets the other end, which has gone.
func (t *tie) lost() {
	p := t.self
	if t.gone || !p.here {
		return
	}
	t.gone = true
	p.ties = slices.DeleteFunc(p.ties, func(o *tie) bool { return o == t })
	t.dismiss()
	if s := t.source; s != nil && p.picker != nil {
		t.source = nil
		p.sources = slices.DeleteFunc(p.sources, func(o *source) bool { return o == s })
		p.picker.RemoveSource(s.num)
		p.ask()
	}
}
