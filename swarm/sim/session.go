package sim

import (
	"slices"
	"time"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/swarm/picker"
)

// What a peer does as a wanter, as package swarm's session does it (fetch.go, sessionsource.go, gossip.go).
const (
	tick            = 250 * time.Millisecond
	haveDelay       = 100 * time.Millisecond
	restAfterReject = time.Second
	maxQueued       = 32768
)

// A source is a holder as the session sees it.
type source struct {
	tie     *tie
	num     picker.SourceID
	choked  bool
	wanted  bool // it was told that we are interested
	window  window
	rests   time.Duration // until when it is asked for nothing
	pending []int         // asked of it, and the leaf has not begun to come
	coming  bool          // what comes now was pending when it began
}

// enlist makes the other end of t a source.
func (p *peer) enlist(t *tie) {
	p.lastSource++
	s := &source{tie: t, num: p.lastSource, choked: true, window: window{rtt: min(2*p.cfg.Latency, longestRTT)}}
	t.source = s
	p.sources = append(p.sources, s)
	p.picker.AddSource(s.num)
	if t.other.whole() {
		p.picker.SourceHasAll(s.num)
	} else {
		p.picker.SourceHasNone(s.num)
		for first, count := range t.other.held.Ranges() {
			p.picker.SourceHas(s.num, first, count)
		}
	}
	p.interest(s)
}

// onTick is what time brings.
func (p *peer) onTick() {
	if p.picker == nil {
		return
	}
	for _, s := range p.sources {
		p.interest(s)
		leaves, _ := p.picker.Asked(s.num)
		s.tie.owed = leaves > 0
	}
	p.ask()
}

// interest tells s when it has become of interest, or is so no more.
func (p *peer) interest(s *source) {
	want := p.picker.Interesting(s.num)
	if want == s.wanted {
		return
	}
	s.wanted = want
	to := s.tie.twin
	p.send(func() { to.onInterest(want) })
}

// ask fills the window of every source that can serve, from a random one on: the session's sources are a map.
func (p *peer) ask() {
	if p.picker == nil || len(p.sources) == 0 {
		return
	}
	first := p.own.IntN(len(p.sources))
	for n := range p.sources {
		s := p.sources[(first+n)%len(p.sources)]
		if s.choked || p.clock.now < s.rests {
			continue
		}
		leaves, asked := p.picker.Asked(s.num)
		window := s.window.size()
		if leaves > 0 && asked > window*3/4 && !p.picker.Only(s.num) {
			continue
		}
		p.picker.SetRate(s.num, s.window.rate)
		b := picker.Budget{Bytes: window - asked, Leaves: maxQueued - leaves}
		p.choices = p.picker.Pick(p.choices[:0], s.num, b, p.now())
		p.request(s, p.choices)
		for _, leaf := range p.picker.Declined(s.num) {
			s.cancel(leaf)
		}
	}
}

// request asks s for the leaves picked, lowest first.
func (p *peer) request(s *source, choices []picker.Choice) {
	if len(choices) == 0 {
		return
	}
	leaves := make([]int, 0, len(choices))
	for _, c := range choices {
		leaves = append(leaves, c.Leaf)
		p.note(Asked, s.tie.other, c.Leaf)
		if c.From != picker.NoSource {
			p.cancel(c.From, c.Leaf)
		}
	}
	s.pending = append(s.pending, leaves...)
	slices.Sort(leaves)
	to := s.tie.twin
	p.send(func() { to.onRequest(leaves) })
}

// cancel takes back the request for a leaf at the source of that number.
func (p *peer) cancel(num picker.SourceID, leaf int) {
	for _, s := range p.sources {
		if s.num == num {
			s.forget(leaf)
			s.cancel(leaf)
		}
	}
}

// cancel tells the holder that a leaf is not asked for, or no more.
func (s *source) cancel(leaf int) {
	to := s.tie.twin
	s.tie.self.send(func() { to.onCancel(leaf) })
}

// forget takes a leaf out of what is pending: should it come, it is of no use.
func (s *source) forget(leaf int) {
	s.pending = slices.DeleteFunc(s.pending, func(o int) bool { return o == leaf })
}

// open returns the session's side of t while it is of use, or nil.
func (t *tie) open() *source {
	if t.gone || t.self.picker == nil {
		return nil
	}
	return t.source
}

// expect hears that a leaf begins to come.
func (t *tie) expect(leaf int) {
	if s := t.open(); s != nil {
		s.coming = slices.Contains(s.pending, leaf)
		s.forget(leaf)
	}
}

// block takes a leaf that has come.
func (t *tie) block(leaf int) {
	p, n := t.self, int64(t.self.cfg.LeafBytes)
	if !p.here {
		return
	}
	p.outcome.Received += n
	t.in.total += n
	t.lastIn = p.clock.now
	s := t.open()
	if s == nil || !s.coming || p.held.Has(leaf) {
		p.outcome.Wasted += n
		t.other.note(Wasted, p, leaf)
	} else {
		t.other.note(Delivered, p, leaf)
	}
	if s != nil && s.coming {
		p.onBlock(s, leaf)
	}
}

// onBlock is what the session makes of it.
func (p *peer) onBlock(s *source, leaf int) {
	if p.held.Set(leaf) {
		p.gain(leaf)
	}
	s.window.delivered(p.clock.now, int(p.cfg.LeafBytes))
	for _, other := range p.picker.Have(leaf, s.num, p.now()) {
		p.cancel(other, leaf)
	}
	if leaves, _ := p.picker.Asked(s.num); leaves == 0 {
		s.window.idle()
	}
	if p.picker.Done() {
		p.complete()
		return
	}
	p.ask()
}

// complete ends the session.
func (p *peer) complete() {
	p.note(Whole, p, -1)
	p.outcome.Done, p.outcome.Took = true, p.clock.now-p.is.Arrives
	p.picker = nil
	p.wanting--
	for _, s := range p.sources {
		to := s.tie.twin
		s.tie.owed = false
		p.send(to.dismiss)
	}
	p.sources = nil
	if p.is.LeavesWhole {
		p.depart()
	}
}

// gain tells the others of a leaf a moment later, together with what comes until then.
func (p *peer) gain(leaf int) {
	p.news = append(p.news, leaf)
	if len(p.news) == 1 {
		p.clock.after(haveDelay, p.tell)
	}
}

func (p *peer) tell() {
	if !p.here {
		return
	}
	news := bitfield.New(p.cfg.Leaves)
	for _, leaf := range p.news {
		p.told.Set(leaf)
		news.Set(leaf)
	}
	p.news = nil
	ties := slices.Clone(p.ties)
	p.send(func() {
		for _, t := range ties {
			t.twin.heard(news)
		}
	})
}

// heard takes in what the other end has gained: as a source, and as a client.
func (t *tie) heard(news *bitfield.Bitfield) {
	p := t.self
	if t.gone {
		return
	}
	if t.client != nil {
		t.client.holds(news)
	}
	if s := t.open(); s != nil {
		for first, count := range news.Ranges() {
			p.picker.SourceHas(s.num, first, count)
		}
		p.ask()
	}
}

// onSuggested takes what a source would rather send.
func (t *tie) onSuggested(leaves []int, only bool) {
	if s := t.open(); s != nil {
		t.self.picker.Suggest(s.num, leaves, only)
		t.self.ask()
	}
}

// onRejected frees what a source will not send. Elsewhere means that it would rather send something else.
func (t *tie) onRejected(leaves []int, elsewhere bool) {
	s := t.open()
	if s == nil {
		return
	}
	p := t.self
	if !elsewhere || !p.picker.Only(s.num) {
		s.rests = p.clock.now + restAfterReject
	}
	for _, leaf := range leaves {
		s.forget(leaf)
		p.picker.Returned(s.num, leaf)
	}
	p.ask()
}

// onChoked hears whether a source serves us.
func (t *tie) onChoked(yes bool) {
	s := t.open()
	if s == nil {
		return
	}
	s.choked = yes
	if yes {
		t.self.release(s)
	} else {
		s.rests = 0
	}
	t.self.ask()
}

// release frees everything asked of s, and takes it back.
func (p *peer) release(s *source) {
	s.pending = nil
	s.window.idle()
	for _, leaf := range p.picker.Stalled(s.num) {
		s.cancel(leaf)
	}
}
