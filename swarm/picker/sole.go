package picker

// Sole tells whether a source is the only one that is known to have some leaf that is in scope and not held.
func (p *Picker) Sole(id SourceID) bool {
	s := p.sources[id]
	if s == nil || p.missing == 0 {
		return false
	}
	for _, o := range p.order {
		if o != s && o.kind == seed {
			return false
		}
	}
	for i := range p.want.All() {
		if !p.have.Has(i) && s.has(i) && int(p.rarity.avail[i]) == s.counts(i) {
			return true
		}
	}
	return false
}

// counts returns what s contributes to the availability of leaf i.
func (s *source) counts(i int) int {
	counted := s.counted
	if s.kind == partial {
		counted = s.can
	}
	if counted != nil && counted.Has(i) {
		return 1
	}
	return 0
}
