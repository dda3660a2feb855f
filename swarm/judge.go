package swarm

import (
	"fmt"
	"time"
)

const (
	// stallAfter is how long a source may owe us bytes without sending any before its requests go to
	// others.
	stallAfter = 5 * time.Second
	// answerWithin is how long a source has to withdraw a leaf whose bytes did not match.
	answerWithin = 5 * time.Second
	// maxBad is how often a source may be caught with a bad block, even if it goes on to withdraw it.
	maxBad = 3
)

// onBad deals with bytes that are not the leaf's. An honest source whose file changed under it re-verifies
// the file when it hears the complaint and withdraws; until it has answered it is asked for nothing, and what else
// was under way from it is not looked at. Bad blocks that were being verified just then count as one with the first:
// it could not have taken them back.
func (s *Session) onBad(src *source, i int, trust uint32) {
	if s.sources[src.id] != src {
		return
	}
	s.picker.Failed(src.num, i)
	if trust == src.trust.Load() {
		if src.bad++; src.bad >= maxBad {
			s.cut(src, fmt.Errorf("%d blocks did not match their CIDs", src.bad))
			return
		}
		s.release(src)
		src.trust.Add(1) // after which nothing is let in that was asked for before
	}
	if len(src.disputed) == 0 {
		src.suspect = time.Now()
	}
	src.disputed[i] = true
	src.conn.Complain(i)
}

// judge applies what only time can tell.
func (s *Session) judge(now time.Time) {
	for _, src := range s.sources {
		if !src.suspect.IsZero() && now.Sub(src.suspect) > answerWithin {
			s.cut(src, fmt.Errorf("%d leaves did not match their CIDs", len(src.disputed)))
			continue
		}
		quiet := min(now.Sub(time.Unix(0, src.lastByte.Load())), now.Sub(src.busy))
		if s.owes(src) && quiet > stallAfter {
			s.cfg.Log.Info("source stalled", "root", s.cfg.Root, "peer", src.id, "for", quiet)
			src.stalled = true
			s.release(src)
		}
		if src.stalled && quiet > 2*stallAfter {
			src.stalled = false // ask again, one window
			src.window = window{rate: 1, rtt: src.window.rtt}
		}
	}
}

// owes tells whether something is asked of src.
func (s *Session) owes(src *source) bool {
	if !src.enlisted {
		return false
	}
	leaves, _ := s.picker.Asked(src.num)
	return leaves > 0
}
