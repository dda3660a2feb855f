package sim

import (
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// ignoreFor is how long a peer does not speak to one that sent it what is malformed, as between real peers.
const ignoreFor = time.Minute

func (s *Sim) ignore(bad, by int) {
	if s.ignored == nil {
		s.ignored = make(map[[2]int]overlay.Time)
	}
	s.ignored[[2]int{bad, by}] = s.now.Add(ignoreFor)
}

// ignores reports whether one of two nodes' peers does not speak to the other.
func (s *Sim) ignores(a, b uint32) bool {
	if len(s.ignored) == 0 {
		return false
	}
	p, q := s.peerOf(a), s.peerOf(b)
	return s.ignored[[2]int{p, q}] > s.now || s.ignored[[2]int{q, p}] > s.now
}
