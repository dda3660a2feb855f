package swarm

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// burstTime is how much of a configured rate may pass at once after a pause.
const burstTime = 100 * time.Millisecond

// maxEnds is how many peers are remembered, of which most have had their turn.
const maxEnds = 4 * maxClients

// An uplink is the one gate through which all data leaves this peer (and, as a downlink, enters it). It counts, it holds
// the configured rate, and where that makes peers wait it shares the rate out among them: equally in bytes, whatever
// the size of their frames (start-time fair queueing; Goyal, Vin and Cheng, SIGCOMM 1996. Deficit round robin would
// forget the deficit of a peer between two frames, as each waits with one at a time). Safe for concurrent use.
type uplink struct {
	rate  float64 // bytes a second; 0: no limit
	bytes atomic.Int64

	lock   sync.Mutex
	tokens float64 // bytes that may pass now; negative: overdrawn by the last frame
	at     time.Time
	timer  *time.Timer
	turn   float64 // virtual time: the start of the frame that passed last
	ends   map[peer.ID]float64
	queue  []*pass
}

// A pass is a frame that waits.
type pass struct {
	id    peer.ID
	n     int
	start float64
	open  chan struct{}
}

// newUplink makes a gate of bytesPerSecond; 0 is no limit.
func newUplink(bytesPerSecond int64) *uplink {
	return &uplink{rate: float64(bytesPerSecond), ends: make(map[peer.ID]float64)}
}

// wait returns when a frame of n bytes of a peer's may pass; exempt peers are counted only. Its error is ctx's.
func (u *uplink) wait(ctx context.Context, id peer.ID, n int, exempt bool) error {
	if u.rate == 0 || exempt {
		u.bytes.Add(int64(n))
		return ctx.Err()
	}
	p := u.enqueue(id, n)
	select {
	case <-p.open:
		u.bytes.Add(int64(n))
		return nil
	case <-ctx.Done():
		u.leave(p)
		return ctx.Err()
	}
}

func (u *uplink) enqueue(id peer.ID, n int) *pass {
	u.lock.Lock()
	defer u.lock.Unlock()
	p := &pass{id: id, n: n, start: max(u.turn, u.ends[id]), open: make(chan struct{})}
	u.ends[id] = p.start + float64(n)
	u.queue = append(u.queue, p)
	u.pump(time.Now())
	return p
}

func (u *uplink) leave(p *pass) {
	u.lock.Lock()
	defer u.lock.Unlock()
	for i, q := range u.queue {
		if q == p {
			u.queue = append(u.queue[:i], u.queue[i+1:]...)
			return
		}
	}
}

// pump lets pass what may pass at now and sets the timer for the rest; the lock is held.
func (u *uplink) pump(now time.Time) {
	if u.at.IsZero() {
		u.tokens = u.rate * burstTime.Seconds()
	} else {
		u.tokens = min(u.tokens+u.rate*now.Sub(u.at).Seconds(), u.rate*burstTime.Seconds())
	}
	u.at = now
	for len(u.queue) > 0 && u.tokens > 0 {
		u.pass(u.next())
	}
	if len(u.queue) == 0 || len(u.ends) > maxEnds {
		u.forget()
	}
	switch {
	case len(u.queue) == 0:
	case u.timer == nil:
		u.timer = time.AfterFunc(u.due(), func() {
			u.lock.Lock()
			defer u.lock.Unlock()
			u.timer = nil
			u.pump(time.Now())
		})
	}
}

// due returns how long until something may pass.
func (u *uplink) due() time.Duration {
	return time.Duration(-u.tokens/u.rate*float64(time.Second)) + time.Millisecond
}

// next returns where in the queue the frame with the first turn stands.
func (u *uplink) next() int {
	first := 0
	for i, p := range u.queue {
		if p.start < u.queue[first].start {
			first = i
		}
	}
	return first
}

func (u *uplink) pass(i int) {
	p := u.queue[i]
	u.queue = append(u.queue[:i], u.queue[i+1:]...)
	u.turn = max(u.turn, p.start)
	u.tokens -= float64(p.n)
	close(p.open)
}

// forget drops the peers whose frames have all passed and who would begin at the present turn anyway.
func (u *uplink) forget() {
	for id, end := range u.ends {
		if end <= u.turn {
			delete(u.ends, id)
		}
	}
}
