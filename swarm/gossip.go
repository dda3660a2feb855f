package swarm

import (
	"encoding/binary"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/swarm/wire"
)

// What a session tells its sources, beside requests: what it holds and whether it wants anything of them.

// introduce tells a source that has everything what is here: it alone decides by that what to send. Others hear of it as
// wanters of ours.
func (s *Session) introduce(src *source) {
	if src.told || !src.indexed || !s.hasAll(src) {
		return
	}
	src.told = true
	if s.picker.Held().Count() > 0 {
		src.conn.HoldsBits(s.picker.Held().Bytes())
	}
}

func (s *Session) hasAll(src *source) bool {
	leaves, known := s.picker.Share(src.num)
	return known && leaves == s.manifest.Leaves()
}

// interest tells src when it has become of interest, or is so no more.
func (s *Session) interest(src *source) {
	if want := src.enlisted && s.picker.Interesting(src.num); want != src.wanted {
		src.wanted = want
		src.conn.Interested(want)
	}
}

// gossip tells sources that have everything what has come, at most every haveDelay.
func (s *Session) gossip(now time.Time) {
	if len(s.gained) == 0 || now.Sub(s.gossiped) < haveDelay {
		return
	}
	gained := coalesce(s.gained)
	for _, src := range s.sources {
		if src.enlisted && src.told {
			src.conn.Holds(gained)
		}
	}
	s.gained, s.gossiped = nil, now
}

// onSuggested takes what a source would rather send.
func (s *Session) onSuggested(src *source, rs []wire.Range, only bool) {
	if !src.enlisted || !src.indexed {
		return
	}
	var leaves []int
	s.each(src, rs, func(i int) { leaves = append(leaves, i) })
	s.picker.Suggest(src.num, leaves, only)
}

// nearAgain is how long a source on our LAN may choke us before what it has is fetched from outside.
const nearAgain = 15 * time.Second

// survey says which sources are on our LAN and of use, and whom we wait for.
func (s *Session) survey(now time.Time) {
	if s.picker == nil {
		return
	}
	for _, src := range s.sources {
		if !src.enlisted {
			continue
		}
		s.introduce(src)
		s.interest(src)
		src.conn.Owes(s.owes(src))
		useless := src.stalled || !src.suspect.IsZero() || src.choked && now.Sub(src.chokedAt) > nearAgain
		s.picker.SetNear(src.num, s.cfg.LANFirst && src.conn.Near() && !useless, lanKey(src.id), now)
	}
	for num, leaves := range s.picker.Recall() {
		for _, i := range leaves {
			s.cancel(num, i)
		}
	}
}

// lanKey is a peer's key in the agreement of its LAN on who fetches what: the last bytes of its id, which are random.
func lanKey(id peer.ID) uint64 {
	if len(id) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64([]byte(id[len(id)-8:]))
}
