package swarm

import (
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Status is a session at one moment.
type Status struct {
	Manifest bool  // the manifest is whole
	Total    int64 // block bytes wanted; 0 until the manifest is whole
	Done     int64 // of these, held and verified
	Fetched  int64 // block bytes that arrived in this session and verified
	Known    int   // peers known of
	Sources  []SourceStatus
}

// SourceStatus is one connected source.
type SourceStatus struct {
	ID      peer.ID
	Origin  string  // where it was learned: link, lan, kademlia …
	Rate    float64 // bytes a second lately; 0 once nothing has come for a while
	Bytes   int64   // arrived from it
	Asked   int     // bytes asked for and not delivered
	Share   float64 // of the root's leaves, those that it has: 0 to 1; ShareUnknown
	Wanted  bool    // it has something that is wanted
	Choked  bool    // it does not serve us now
	Stalled bool
	Near    bool // on-link
	Relayed bool // over a relay that limits what may pass: it is asked for no data
}

// ShareUnknown is the share of a peer that does not say what it has.
const ShareUnknown = -1

// OnlyRelayed tells whether there are sources, and all of them are behind relays that limit what may pass: nothing
// comes before one of them is reached directly.
func (st *Status) OnlyRelayed() bool {
	return len(st.Sources) > 0 && !slices.ContainsFunc(st.Sources, func(s SourceStatus) bool { return !s.Relayed })
}

// quietTime is after how long without a byte a source's rate is no more what it delivers.
const quietTime = 2 * time.Second

// Status returns the session as it was when the loop last turned.
func (s *Session) Status() Status {
	s.statusLock.Lock()
	defer s.statusLock.Unlock()
	st := s.published
	st.Fetched = s.fetched.Load()
	return st
}

// publish makes the loop's state visible, at most ten times a second.
func (s *Session) publish(now time.Time) {
	if now.Sub(s.publishedAt) < 100*time.Millisecond && !s.complete {
		return
	}
	s.publishedAt = now
	st := s.status
	if s.picker != nil {
		_, missing := s.picker.Missing()
		st.Done = st.Total - int64(missing)
	}
	st.Manifest = s.manifest != nil
	st.Known = len(s.peers.known)
	for _, src := range s.sources {
		st.Sources = append(st.Sources, s.statusOf(src, now))
	}
	s.statusLock.Lock()
	s.published = st
	s.statusLock.Unlock()
}

func (s *Session) statusOf(src *source, now time.Time) SourceStatus {
	st := SourceStatus{
		ID: src.id, Origin: src.origin, Rate: src.window.rate, Bytes: src.rateIn.Load(), Share: ShareUnknown,
		Wanted: src.wanted, Choked: src.choked, Stalled: src.stalled, Near: src.conn.Near(), Relayed: src.conn.Relayed(),
	}
	if now.Sub(time.Unix(0, src.lastByte.Load())) > quietTime {
		st.Rate = 0
	}
	if !src.enlisted {
		return st
	}
	_, st.Asked = s.picker.Asked(src.num)
	if leaves, known := s.picker.Share(src.num); known {
		st.Share = shareOf(leaves, s.manifest.Leaves())
	}
	return st
}

// shareOf returns what part n of all leaves is; a root without leaves is had whole by everybody.
func shareOf(n, all int) float64 {
	if all == 0 {
		return 1
	}
	return float64(n) / float64(all)
}
