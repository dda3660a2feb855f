package swarm

import (
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
	Origin  string // where it was learned: link, lan, kademlia …
	Rate    float64
	Bytes   int64 // arrived from it
	Asked   int   // bytes asked for and not delivered
	Choked  bool
	Stalled bool
	Relayed bool
}

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
		asked := 0
		if src.enlisted {
			_, asked = s.picker.Asked(src.num)
		}
		st.Sources = append(st.Sources, SourceStatus{
			ID: src.id, Origin: src.origin, Rate: src.window.rate, Bytes: src.rateIn.Load(),
			Asked: asked, Choked: src.choked, Stalled: src.stalled, Relayed: src.conn.Relayed(),
		})
	}
	s.statusLock.Lock()
	s.published = st
	s.statusLock.Unlock()
}
