package picker

// suggestions are what a source would send rather than anything else, since it has sent it to nobody.
type suggestions struct {
	leaves   []int // in the order it said
	declined []int // not to be asked of it; see Declined
	only     bool  // it answers for no others
}

// Suggest says which leaves a source would rather send, beside those it said before, and whether it sends any other
// now. Those that the root does not have are ignored.
func (p *Picker) Suggest(id SourceID, leaves []int, only bool) {
	s := p.sources[id]
	if s == nil {
		return
	}
	s.suggest.only = only
	for _, i := range leaves {
		if i < p.want.Len() && len(s.suggest.leaves) < p.want.Len() {
			s.suggest.leaves = append(s.suggest.leaves, i)
		}
	}
	s.dry = 0
}

// Only tells whether a source answers only for what it suggested.
func (p *Picker) Only(id SourceID) bool {
	s := p.sources[id]
	return s != nil && s.suggest.only
}

// Declined returns the leaves that a source suggested and will not be asked for, since they are here, come from another
// source, are for others of our LAN to fetch, or are not wanted. Each is returned once.
func (p *Picker) Declined(id SourceID) []int {
	s := p.sources[id]
	if s == nil {
		return nil
	}
	declined := s.suggest.declined
	s.suggest.declined = nil
	return declined
}

// suggested takes leaves that the source suggested, as far as there is room.
func (k *picking) suggested() {
	said := &k.s.suggest
	for len(said.leaves) > 0 {
		i := said.leaves[0]
		switch r := k.requests.of(i); {
		case k.requests.at(k.s, i) != nil: // it comes from here
		case r != nil && r.twin == nil && k.s.has(i) && k.believed(r.source) == 0:
			if !k.takeOver(r) {
				return
			}
		case !k.free.Has(i) || !k.may(i):
			said.declined = append(said.declined, i)
		case !k.take(i, NoSource):
			return
		}
		said.leaves = said.leaves[1:]
	}
}
