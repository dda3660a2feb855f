package have

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// What one peer may ask. A question of 256 CIDs costs as much to answer as 256 look-ups in an index.
const (
	questionsPerSecond = 10
	questionsBurst     = 50
	maxAskers          = 1024 // peers whose rate is remembered
)

// limiter holds each peer to its rate. Its owner serialises calls.
type limiter struct {
	byPeer map[peer.ID]*rate.Limiter
}

func newLimiter() *limiter { return &limiter{byPeer: make(map[peer.ID]*rate.Limiter)} }

// allow reports whether p may ask at now. When too many peers are remembered, those who have asked
// little of late are forgotten, which loses nothing: their allowance is full again anyway. If that
// frees no room the newcomer is refused, not the ones that were here.
func (l *limiter) allow(p peer.ID, now time.Time) bool {
	r := l.byPeer[p]
	if r == nil {
		if len(l.byPeer) >= maxAskers {
			l.forgetIdle(now)
		}
		if len(l.byPeer) >= maxAskers {
			return false
		}
		r = rate.NewLimiter(questionsPerSecond, questionsBurst)
		l.byPeer[p] = r
	}
	return r.AllowN(now, 1)
}

func (l *limiter) forgetIdle(now time.Time) {
	for p, r := range l.byPeer {
		if r.TokensAt(now) >= questionsBurst {
			delete(l.byPeer, p)
		}
	}
}
