package live

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// What one peer, and all of them, may take of this one.
const (
	streamsPerPeer  = 4 // incoming: one that broke may not have been noticed yet
	streamsInAll    = 1024
	framesPerSecond = 100
	framesBurst     = 400
	maxGuests       = 4096        // peers whose rate is remembered
	ignoreFor       = time.Minute // who sends what is malformed
)

// A gate says who may come in, and how fast. A peer that is too fast is not answered sooner: its frames wait in the stream.
// When as many peers are remembered as may be, newcomers are refused, and not those who are here. Safe for concurrent use.
type gate struct {
	mu      sync.Mutex
	guests  map[peer.ID]*guest
	streams int
}

type guest struct {
	streams int
	rate    *rate.Limiter
	ignored time.Time // until then
}

func newGate() *gate { return &gate{guests: make(map[peer.ID]*guest)} }

// admit reports whether an incoming stream of p's may stay. If so, leave must follow.
func (g *gate) admit(p peer.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	one := g.guest(p, now)
	if one == nil || one.ignored.After(now) || one.streams >= streamsPerPeer || g.streams >= streamsInAll {
		return false
	}
	one.streams++
	g.streams++
	return true
}

func (g *gate) leave(p peer.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.guests[p].streams--
	g.streams--
}

// wait waits until p may send another frame.
func (g *gate) wait(ctx context.Context, p peer.ID) error {
	g.mu.Lock()
	one := g.guest(p, time.Now())
	g.mu.Unlock()
	if one == nil {
		return nil // one that this peer dialled, in a crowd
	}
	return one.rate.Wait(ctx)
}

// ignore has p refused for a while.
func (g *gate) ignore(p peer.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if one := g.guest(p, now); one != nil {
		one.ignored = now.Add(ignoreFor)
	}
}

func (g *gate) ignores(p peer.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.guests[p]
	return one != nil && one.ignored.After(time.Now())
}

// guest returns what is remembered of p, or nil if there is no room. The gate is locked.
func (g *gate) guest(p peer.ID, now time.Time) *guest {
	if one := g.guests[p]; one != nil {
		return one
	}
	if len(g.guests) >= maxGuests {
		for id, one := range g.guests {
			if one.streams == 0 && one.ignored.Before(now) && one.rate.TokensAt(now) >= framesBurst {
				delete(g.guests, id)
			}
		}
	}
	if len(g.guests) >= maxGuests {
		return nil
	}
	one := &guest{rate: rate.NewLimiter(framesPerSecond, framesBurst)}
	g.guests[p] = one
	return one
}
