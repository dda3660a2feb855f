package spread

import (
	"slices"
	"time"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
)

// Suggest returns what to tell wanters at now: leaves, so that as much is pending with each as depth says, in bytes,
// and whether they are to ask for those only. The depth of a wanter that is not served now is zero. It is called
// whenever something has changed, and every second or so while Active.
//
// First all leaves are suggested once. Then, until all have been passed on, those of a wanter that keeps more to itself
// than is on its way to others, or of any when nothing moves, are suggested to somebody else, who declines what it gets
// from there already. What has just arrived at one is not fetched here by all, and nobody waits for one that passes
// nothing on.
func (s *Spread) Suggest(now time.Time, depth func(ClientID) int) []Suggestion {
	was := s.only
	if s.passed {
		s.moved, s.passed = now, false
	}
	s.takeBack(now, depth)
	s.release(now)
	left := s.left()
	s.only = len(s.order) > 1 && (left || s.underWay() && !s.late(now) && !s.ended(now, left))
	if s.only && !was {
		s.begun, s.moved = true, now
	}
	for s.only {
		c := s.next(depth)
		if c == nil {
			break
		}
		s.givePiece(c)
	}
	return s.tell(now)
}

// takeBack frees what wanters were suggested and leave unasked, as one that is gone does, or that wishes the others ill.
// Unless they may not ask, they are suggested nothing more until they do or have something new.
func (s *Spread) takeBack(now time.Time, depth func(ClientID) int) {
	for _, c := range s.order {
		for len(c.told) > 0 {
			t := c.told[0]
			if c.first.Has(t.leaf) && !c.sent.Has(t.leaf) && !c.asked.Has(t.leaf) {
				if now.Sub(t.at) <= takeAfter {
					break
				}
				if c.idle = depth(c.id) > 0; c.idle {
					s.Cancelled(c.id, t.leaf)
				} else {
					s.Rejected(c.id, t.leaf)
				}
			}
			c.told = c.told[1:]
		}
	}
}

// left tells whether there is a leaf that has been sent to nobody, and a wanter that would take it.
func (s *Spread) left() bool {
	return s.unsent.Count() > 0 && slices.ContainsFunc(s.order, func(c *client) bool {
		return !c.idle && s.unsent.NextCommon(c.takes, 0) >= 0
	})
}

// ended tells whether what was under way when nothing was left has had the time that it takes, a few times over. Who
// takes a leaf now and then does not make it longer.
func (s *Spread) ended(now time.Time, left bool) bool {
	switch {
	case left:
		s.ends = time.Time{}
		return false
	case s.ends.IsZero():
		leaves := 0
		for _, c := range s.order {
			leaves += c.first.Count()
		}
		s.ends = now.Add(max(endsWithin, latePaces*s.pace*time.Duration(leaves)))
	}
	return now.After(s.ends)
}

// Active tells whether wanters are to ask only for what they were suggested.
func (s *Spread) Active() bool { return s.only }

// late tells whether those who were suggested the last leaves have had their time.
func (s *Spread) late(now time.Time) bool {
	return now.Sub(s.moved) > max(lateAfter, latePaces*s.pace)
}

// underWay tells whether some first copy has not been sent, or not been passed on.
func (s *Spread) underWay() bool {
	return slices.ContainsFunc(s.order, func(c *client) bool { return c.pending > 0 || c.alone > 0 })
}

// release makes leaves unsent that wanters keep to themselves, once there is nothing else to suggest.
func (s *Spread) release(now time.Time) {
	if !s.only || s.left() {
		return
	}
	stuck := now.Sub(s.moved) > max(keepAfter, keepPaces*s.pace)
	for _, c := range s.order {
		if !stuck && c.alone <= ahead && !s.keepsAll(c, now) {
			continue
		}
		for i := range c.sent.All() {
			if c.has.Has(i) {
				c.kept += int(s.size(i))
				s.disown(c, i)
				s.free(i)
			}
		}
	}
}

// next returns the wanter to suggest a piece to, or nil when there is none: of those that have room and pass on what they
// get the one that keeps least to itself, near ones first; of the others only when nothing is pending. Who has passed on
// nothing yet is tried while the uplink is not busy with those that have: a free rider keeps what it is tried with.
func (s *Spread) next(depth func(ClientID) int) *client {
	most := s.median() + ahead
	pending := s.pending()
	var best, worse *client
	near := false
	for _, c := range s.order {
		if c.idle || c.passed == 0 && pending >= busy && !c.near || s.unsent.NextCommon(c.takes, 0) < 0 {
			continue
		}
		pick := &worse
		if c.alone+c.kept < min(most, untried+c.passed) {
			if pick = &best; c.near && !near {
				best, near = nil, true
			}
			if near && !c.near {
				continue
			}
		}
		if c.pending < depth(c.id) && (*pick == nil || c.keeps() < (*pick).keeps()) {
			*pick = c
		}
	}
	if best == nil && !near && pending == 0 {
		return worse
	}
	return best
}

// keepsAll tells whether c has passed on nothing, although it has had time to.
func (s *Spread) keepsAll(c *client, now time.Time) bool {
	return c.passed == 0 && !c.since.IsZero() && now.Sub(c.since) > max(passWithin, passPaces*s.pace)
}

// keeps returns the bytes of first copies that c had or is to have to itself.
func (c *client) keeps() int { return c.alone + c.kept + c.pending }

// pending returns the bytes of first copies that wanters may ask for and have not been sent.
func (s *Spread) pending() int {
	n := 0
	for _, c := range s.order {
		n += c.pending
	}
	return n
}

// median returns what half of the wanters keep to themselves at most, in bytes.
func (s *Spread) median() int {
	alone := make([]int, 0, len(s.order))
	for _, c := range s.order {
		alone = append(alone, c.alone)
	}
	slices.Sort(alone)
	return alone[(len(alone)-1)/2]
}

// givePiece makes an unsent leaf c's, from a random place on, and those that follow on.
func (s *Spread) givePiece(c *client) {
	i := s.anyOf(c.takes)
	for bytes := 0; ; {
		s.give(c, i)
		c.found = append(c.found, i)
		bytes += int(s.size(i))
		i++
		if i == s.unsent.Len() || !s.unsent.Has(i) || !c.takes.Has(i) || bytes+int(s.size(i)) > pieceBytes {
			return
		}
	}
}

// anyOf returns an unsent leaf of those, which has one.
func (s *Spread) anyOf(of *bitfield.Bitfield) int {
	if i := s.unsent.NextCommon(of, s.rand.IntN(s.unsent.Len())); i >= 0 {
		return i
	}
	return s.unsent.NextCommon(of, 0)
}

// tell returns what has changed for whom.
func (s *Spread) tell(now time.Time) []Suggestion {
	var out []Suggestion
	for _, c := range s.order {
		if len(c.found) > 0 || c.only != s.only {
			out = append(out, Suggestion{Client: c.id, Leaves: c.found, Only: s.only})
			for _, i := range c.found {
				c.told = append(c.told, told{i, now})
			}
			c.found, c.only = nil, s.only
		}
	}
	return out
}
