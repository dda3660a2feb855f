package picker

import (
	"fmt"
	"time"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
)

// A source is one place that leaves are asked of.
type source struct {
	id   SourceID
	kind kind
	rate float64 // bytes a second; 0: unknown

	can     *bitfield.Bitfield // leaves that may be asked of it; nil: all
	counted *bitfield.Bitfield // of an unknown source: leaves it said it has; nil: none
	bad     map[int]bool       // leaves of which it sent wrong bytes
	demoted bool               // it said that it has all, and then not
	cursor  int                // where its run goes on
	suggest suggestions
	near    bool   // on our LAN and of use; see lan.go
	key     uint64 // for the agreement among its LAN
	dry     uint64 // Picker.freed, plus one, when it last had nothing free

	oldest, newest *request
	leaves, bytes  int           // asked of it
	last           time.Time     // of its last delivery, or of the request that ended its idleness
	gap            time.Duration // between two deliveries, at most, of late; 0: there was none
}

// kind is what is known of a source as a whole.
type kind uint8

const (
	unknown kind = iota // assumed to have every leaf until it rejects one; not counted
	seed                // has everything; not counted, since all leaves would shift alike
	partial             // has what can says; counted
)

// delivered notes that a leaf came from s at now.
func (s *source) delivered(now time.Time) {
	gap := now.Sub(s.last)
	s.gap = max(gap, s.gap-(s.gap-gap)/8, 1)
	s.last = now
}

func (s *source) has(i int) bool { return s.can == nil || s.can.Has(i) }

// AddSource adds a source of which nothing is known: it may have any leaf. A source that is there already
// stays as it is.
func (p *Picker) AddSource(id SourceID) {
	if p.sources[id] == nil {
		s := &source{id: id}
		p.sources[id] = s
		p.order = append(p.order, s)
	}
}

// RemoveSource forgets a source. It returns the leaves asked of it, which others may be asked for now.
func (p *Picker) RemoveSource(id SourceID) (lost []int) {
	s := p.sources[id]
	if s == nil {
		return nil
	}
	lost = p.Stalled(id)
	p.uncount(s)
	delete(p.sources, id)
	for k, o := range p.order {
		if o == s {
			p.order = append(p.order[:k], p.order[k+1:]...)
			break
		}
	}
	p.recount(s)
	return lost
}

// SourceHasAll says that a source has every leaf.
func (p *Picker) SourceHasAll(id SourceID) {
	s := p.sources[id]
	if s == nil || s.kind == seed {
		return
	}
	p.uncount(s)
	s.kind, s.can, s.dry = seed, nil, 0
	p.recount(s)
	if s.demoted || len(s.bad) > 0 {
		p.demote(s)
		for i := range s.bad {
			p.lose(s, i)
		}
	}
}

// SourceHasNone says that a source has no leaf yet.
func (p *Picker) SourceHasNone(id SourceID) {
	if s := p.sources[id]; s != nil {
		p.uncount(s)
		s.kind, s.can = partial, bitfield.New(p.want.Len())
		p.partial++
		p.recount(s)
	}
}

// SourceBits says of 8 leaves a byte from leaf first on whether a source has them, highest bit first. It
// fails, and changes nothing, for bits that are not leaves. A source of which nothing was known has no
// other leaves.
func (p *Picker) SourceBits(id SourceID, first int, bits []byte) error {
	s := p.sources[id]
	if s == nil {
		return nil
	}
	n := p.want.Len()
	if first < 0 || first >= n || len(bits) > (n-first+7)/8 {
		return fmt.Errorf("%d bytes of bits at leaf %d of %d", len(bits), first, n)
	}
	if over := first + 8*len(bits) - n; over > 0 && bits[len(bits)-1]<<(8-over) != 0 {
		return fmt.Errorf("a bit is set after leaf %d", n-1)
	}
	if s.kind == unknown {
		p.SourceHasNone(id)
	}
	for i := first; i < min(first+8*len(bits), n); i++ {
		if k := i - first; bits[k/8]&(0x80>>(k%8)) != 0 {
			p.gain(s, i)
		} else {
			p.lose(s, i)
		}
	}
	p.promote(s)
	return nil
}

// SourceHas says that a source has these leaves. Those that the root does not have are ignored.
func (p *Picker) SourceHas(id SourceID, first, count int) {
	s := p.sources[id]
	if s == nil {
		return
	}
	for i := first; i < p.end(first, count); i++ {
		p.gain(s, i)
	}
	p.promote(s)
}

// SourceLost says that a source has these leaves no more (it withdrew them): they are not asked of it
// until it says that it has them again. It returns those that had been asked of it.
func (p *Picker) SourceLost(id SourceID, first, count int) (lost []int) {
	s := p.sources[id]
	if s == nil {
		return nil
	}
	for i := first; i < p.end(first, count); i++ {
		delete(s.bad, i)
		p.lose(s, i)
		if p.drop(s, i) {
			lost = append(lost, i)
		}
	}
	return lost
}

// SetRate says how fast a source delivers, in bytes a second; 0 if that is not known.
func (p *Picker) SetRate(id SourceID, rate float64) {
	if s := p.sources[id]; s != nil {
		s.rate = rate
	}
}

// Asked returns what is asked of a source and has not come.
func (p *Picker) Asked(id SourceID) (leaves, bytes int) {
	if s := p.sources[id]; s != nil {
		return s.leaves, s.bytes
	}
	return 0, 0
}

// IsAsked tells whether leaf i is asked of a source and has not come.
func (p *Picker) IsAsked(id SourceID, i int) bool {
	s := p.sources[id]
	return s != nil && p.requests.at(s, i) != nil
}

// Share returns how many of the root's leaves a source is known to have. known is false of one that did not say.
func (p *Picker) Share(id SourceID) (leaves int, known bool) {
	s := p.sources[id]
	switch {
	case s == nil:
		return 0, false
	case s.kind == seed:
		return p.want.Len(), true
	case s.kind == partial:
		return s.can.Count(), true
	case s.counted != nil:
		return s.counted.Count(), true
	}
	return 0, false
}

// Interesting tells whether a source may have a leaf that is in scope and not held.
func (p *Picker) Interesting(id SourceID) bool {
	s := p.sources[id]
	if s == nil || p.missing == 0 {
		return false
	}
	if s.can == nil {
		return true
	}
	for i := p.want.NextCommon(s.can, 0); i >= 0; i = p.want.NextCommon(s.can, i+1) {
		if !p.have.Has(i) {
			return true
		}
	}
	return false
}

// end returns where a range that a source named ends, within the root.
func (p *Picker) end(first, count int) int { return first + min(count, p.want.Len()-first) }

// gain notes that s has leaf i.
func (p *Picker) gain(s *source, i int) {
	if s.kind == seed || s.bad[i] {
		return
	}
	known := s.can
	if s.kind == unknown {
		if s.can != nil {
			s.can.Set(i)
		}
		if s.counted == nil {
			s.counted = bitfield.New(p.want.Len())
		}
		known = s.counted
	}
	if known.Set(i) {
		p.rarity.inc(i)
		s.dry = 0
		p.lan.gained(s, i)
	}
}

// lose notes that s lacks leaf i.
func (p *Picker) lose(s *source, i int) {
	switch s.kind {
	case seed:
		p.demote(s)
	case unknown:
		if s.can == nil {
			s.can = bitfield.Full(p.want.Len())
		}
		s.can.Clear(i)
		if s.counted != nil && s.counted.Clear(i) {
			p.rarity.dec(i)
		}
		return
	}
	if s.can.Clear(i) {
		p.rarity.dec(i)
		p.recount(s)
	}
}

// demote turns a seed into a partial source that has everything so far.
func (p *Picker) demote(s *source) {
	s.kind, s.can, s.demoted = partial, bitfield.Full(p.want.Len()), true
	p.rarity.incAll()
	p.partial++
	p.recount(s)
}

// promote turns a partial source that has everything into a seed, once: one that says so and takes it
// back again and again would make us walk all leaves each time.
func (p *Picker) promote(s *source) {
	if s.kind != partial || s.demoted || !s.can.Full() {
		return
	}
	s.kind, s.can = seed, nil
	p.rarity.decAll()
	p.partial--
	p.recount(s)
}

// uncount takes s out of what is counted, before it is known in another way.
func (p *Picker) uncount(s *source) {
	counted := s.counted
	if s.kind == partial {
		p.partial--
		counted = s.can
	}
	s.counted = nil
	if counted == nil {
		return
	}
	if counted.Full() {
		p.rarity.decAll()
		return
	}
	for i := range counted.All() {
		p.rarity.dec(i)
	}
}
