package picker

// Failed says that a source sent wrong bytes for leaf i. It is not asked for that leaf again, whatever
// it says it has, unless it withdraws the leaf first.
func (p *Picker) Failed(id SourceID, i int) {
	s := p.sources[id]
	if s == nil || i >= p.want.Len() {
		return
	}
	if s.bad == nil {
		s.bad = make(map[int]bool)
	}
	s.bad[i] = true
	p.lose(s, i)
	p.drop(s, i)
}

// Rejected says that a source will not send leaf i since it does not have it. It is not asked for it
// again until it says that it has it.
func (p *Picker) Rejected(id SourceID, i int) {
	if s := p.sources[id]; s != nil && i < p.want.Len() {
		p.lose(s, i)
		p.drop(s, i)
	}
}

// Returned says that a source will not send leaf i now. It may be asked again.
func (p *Picker) Returned(id SourceID, i int) {
	if s := p.sources[id]; s != nil {
		p.drop(s, i)
	}
}

// Stalled says that a source delivers nothing: it hangs, or choked us. All leaves asked of it are
// returned and may be asked of others, or of it.
func (p *Picker) Stalled(id SourceID) (lost []int) {
	s := p.sources[id]
	if s == nil {
		return nil
	}
	for s.oldest != nil {
		lost = append(lost, s.oldest.leaf)
		p.drop(s, s.oldest.leaf)
	}
	return lost
}

// drop forgets the request for leaf i of s and tells whether there was one.
func (p *Picker) drop(s *source, i int) bool {
	r := p.requests.at(s, i)
	if r == nil {
		return false
	}
	p.requests.remove(r)
	p.release(i)
	return true
}
