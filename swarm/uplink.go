package swarm

import (
	"context"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// limitBurst is how far a configured rate may be overdrawn: the largest frame.
const limitBurst = 4 << 20

// uplink is the one gate through which all data leaves this peer (and, as a downlink, enters it): it
// holds the configured limit and counts.
type uplink struct {
	limit *rate.Limiter // nil: none
	bytes atomic.Int64
}

// newUplink makes a gate of bytesPerSecond; 0 is no limit.
func newUplink(bytesPerSecond int64) *uplink {
	u := new(uplink)
	if bytesPerSecond > 0 {
		u.limit = rate.NewLimiter(rate.Limit(bytesPerSecond), limitBurst)
	}
	return u
}

// wait returns when n bytes, at most limitBurst, may pass.
func (u *uplink) wait(ctx context.Context, n int) error {
	if u.limit != nil {
		if err := u.limit.WaitN(ctx, n); err != nil {
			return err
		}
	}
	u.bytes.Add(int64(n))
	return nil
}
