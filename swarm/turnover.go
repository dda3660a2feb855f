package swarm

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// turnoverEvery is how often a session with as many sources as it may have gives one up for a candidate that was
	// not tried. It is rare: a new source needs time to show what it is worth.
	turnoverEvery = 30 * time.Second
	// settleTime is how long a source is safe after it came, and chokedLong how long one may choke us.
	settleTime = time.Minute
	chokedLong = time.Minute
	// replacedFor is how long one that was given up is not tried again.
	replacedFor = 5 * time.Minute
	// Sources that deliver a feedsUs-th of all that comes are never given up, nor those at least half as fast as the mean.
	feedsUs = 4
)

// errReplaced ends a source that was given up for another; it has done nothing wrong.
var errReplaced = errors.New("another peer may be of more use")

// A standing is what a source has been worth.
type standing struct {
	id      peer.ID
	here    time.Duration // connected for so long
	useless bool          // it has nothing that we lack, or does not say what it has
	choked  time.Duration // for so long; 0: not
	rate    float64       // bytes a second
}

// dispensable returns the sources that may be given up, the worst first: those without use, those that have choked us
// for long, those that are slow beside the others.
func dispensable(all []standing) []peer.ID {
	total := 0.0
	for _, s := range all {
		total += s.rate
	}
	mean := total / float64(max(1, len(all)))
	worst := slices.DeleteFunc(slices.Clone(all), func(s standing) bool {
		feeds := s.rate > 0 && s.rate*feedsUs >= total
		return s.here < settleTime || feeds || !s.useless && s.choked < chokedLong && s.rate*2 >= mean
	})
	slices.SortFunc(worst, func(a, b standing) int {
		return cmp.Or(cmp.Compare(a.grade(), b.grade()), -cmp.Compare(a.choked, b.choked), cmp.Compare(a.rate, b.rate), cmp.Compare(a.id, b.id))
	})
	ids := make([]peer.ID, len(worst))
	for i, s := range worst {
		ids[i] = s.id
	}
	return ids
}

func (s standing) grade() int {
	switch {
	case s.useless:
		return 0
	case s.choked >= chokedLong:
		return 1
	}
	return 2
}

// turnOver gives up the worst source, if the session has as many as it may, or all sessions together have, and somebody
// waits who was not tried. The only source of a leaf stays.
func (s *Session) turnOver(now time.Time) {
	span := now.Sub(s.turned)
	if s.picker == nil || span < turnoverEvery {
		return
	}
	s.turned = now
	all := make([]standing, 0, len(s.sources))
	for _, src := range s.sources {
		all = append(all, s.standing(src, now, span))
	}
	full := len(s.sources) >= s.cfg.MaxSources || now.Sub(s.peers.full) < turnoverEvery
	if !full || !s.peers.waiting(now) {
		return
	}
	for _, id := range dispensable(all) {
		if src := s.sources[id]; !s.picker.Sole(src.num) {
			s.cfg.Log.Debug("source given up", "root", s.cfg.Root, "peer", id)
			s.remove(src, errReplaced)
			s.peers.replaced(id, now)
			src.conn.Close()
			return
		}
	}
}

// standing returns what src was worth over the last span.
func (s *Session) standing(src *source, now time.Time, span time.Duration) standing {
	arrived := src.rateIn.Load()
	st := standing{id: src.id, here: now.Sub(src.since), rate: float64(arrived-src.counted) / span.Seconds()}
	src.counted = arrived
	st.useless = !src.enlisted || !s.picker.Interesting(src.num)
	if src.choked {
		st.choked = min(st.here, now.Sub(src.chokedAt))
	}
	return st
}
