package picker

import (
	"time"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
)

// nearPatience is how long sources on our LAN may send nothing before we fetch from outside what they were to fetch.
const nearPatience = 5 * time.Second

// lan is what keeps a leaf from crossing the router twice: what a source on our LAN has is not asked for outside, and
// those on it that download agree who asks for the rest. Nobody is asked for that: the highest hash of peer and leaf
// decides (rendezvous hashing; Thaler and Ravishankar, Using Name-Based Mappings to Increase Hit Rates, 1998), so
// members that do not know all others disagree on few leaves only.
type lan struct {
	key   uint64
	seeds int                // near sources that have everything, or may
	peers []*source          // near sources that lack leaves
	union *bitfield.Bitfield // what peers have; nil: to be made
	moved time.Time          // when one of them last sent something, or the first came
	grown bool               // one came since Recall
}

// SetNear says whether a source is on our LAN and of use now, and its key in the agreement: the same for all who
// see it. A source is not near at first.
func (p *Picker) SetNear(id SourceID, near bool, key uint64, now time.Time) {
	s := p.sources[id]
	if s == nil || s.near == near && s.key == key {
		return
	}
	if near && !p.lan.any() {
		p.lan.moved = now
	}
	s.near, s.key = near, key
	p.lan.grown = p.lan.grown || near
	p.lan.count(p.order)
}

// Recall takes back what is asked outside and others of the LAN have by now or, when one has come, are to fetch. It returns
// the leaves by the source to cancel them at. It is for now and then.
func (p *Picker) Recall() map[SourceID][]int {
	if !p.lan.any() {
		return nil
	}
	recalled := make(map[SourceID][]int)
	for _, s := range p.order {
		if s.near {
			continue
		}
		for r := s.oldest; r != nil; {
			i := r.leaf
			r = r.next
			if p.lan.has(i, p.want.Len()) || p.lan.grown && !p.lan.ours(i) {
				recalled[s.id] = append(recalled[s.id], i)
				p.drop(s, i)
			}
		}
	}
	p.lan.grown = false
	return recalled
}

// recount looks at near sources anew when s, which may be one, has changed.
func (p *Picker) recount(s *source) {
	if s.near {
		p.lan.count(p.order)
	}
}

// any tells whether there is a near source.
func (l *lan) any() bool { return l.seeds > 0 || len(l.peers) > 0 }

// count looks at all sources anew.
func (l *lan) count(sources []*source) {
	l.seeds, l.peers, l.union = 0, nil, nil
	for _, s := range sources {
		switch {
		case !s.near:
		case s.kind == partial:
			l.peers = append(l.peers, s)
		case s.kind == seed:
			l.seeds++
		}
	}
}

func (l *lan) gained(s *source, i int) {
	if s.near && l.union != nil {
		l.union.Set(i)
	}
}

// has tells whether a near source has leaf i, of that many.
func (l *lan) has(i, leaves int) bool {
	if l.seeds > 0 {
		return true
	}
	if len(l.peers) == 0 {
		return false
	}
	if l.union == nil {
		l.union = bitfield.New(leaves)
		for _, s := range l.peers {
			for i := range s.can.All() {
				l.union.Set(i)
			}
		}
	}
	return l.union.Has(i)
}

// ours tells whether we are the one of the LAN who fetches leaf i from outside.
func (l *lan) ours(i int) bool {
	own := weight(l.key, i)
	for _, s := range l.peers {
		if weight(s.key, i) > own {
			return false
		}
	}
	return true
}

// weight hashes a key and a leaf (the finalizer of MurmurHash3).
func weight(key uint64, leaf int) uint64 {
	h := key ^ uint64(leaf)*0x9e3779b97f4a7c15
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// outside tells whether s is asked only for what the LAN does not have.
func (k *picking) outside() bool { return !k.s.near && k.lan.any() }

// may tells whether the source may be asked for leaf i, which is free.
func (k *picking) may(i int) bool {
	if !k.s.has(i) {
		return false
	}
	if !k.outside() {
		return true
	}
	return !k.lan.has(i, k.want.Len()) && (k.alone || k.lan.ours(i))
}
