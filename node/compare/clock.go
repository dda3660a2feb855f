package compare

import (
	"context"
	"fmt"
	"time"

	"github.com/seed4134be55/peer/discovery/sim"
)

// Virtual times. What a network does by itself is watched for an hour, as some of its periods are as long, or for less
// if so much happens that it would take long on the wall clock too.
const (
	settling  = time.Minute // at least
	minWatch  = 30 * time.Second
	maxWatch  = time.Hour
	busySteps = 1_000_000        // events that machines are told of
	quick     = time.Millisecond // between operations while timers wait
	patience  = 10 * time.Minute // for the last operations to end
	maxAgain  = 5                // networks that are made to look up before any repair
)

// churnWindow is for how long peers come and go while others look things up: an hour, and less for many peers.
func (t *trial) churnWindow() time.Duration {
	const peerSeconds = 600_000
	return min(max(peerSeconds/time.Duration(t.Peers)*time.Second, minWatch), maxWatch)
}

// A clock lets virtual time pass in slices that are short on the wall clock, so that whoever waits can stop it. How long
// they are changes nothing: the simulator does the same in two slices as in one.
type clock struct {
	ctx   context.Context
	sim   *sim.Sim
	say   func(what string)
	slice time.Duration
}

const wantSlice = 50 * time.Millisecond // on the wall clock

func newClock(ctx context.Context, s *sim.Sim, say func(string)) clock {
	return clock{ctx: ctx, sim: s, say: say, slice: time.Millisecond}
}

// pass lets d go by. The error is the context's.
func (c *clock) pass(d time.Duration) error {
	for d > 0 && c.ctx.Err() == nil {
		step := min(c.slice, d)
		began := time.Now()
		c.sim.Run(step)
		d -= step
		switch took := time.Since(began); {
		case took > wantSlice:
			c.slice = max(c.slice/2, time.Microsecond)
		case step == c.slice:
			c.slice *= 2
		}
	}
	return c.ctx.Err()
}

// share says how much of something is done, each tenth once.
func (c *clock) share(what string, done, of int) {
	if of > 0 && done*10/of != (done-1)*10/of {
		c.say(fmt.Sprintf("%s %d %%", what, done*100/of))
	}
}
