package swarm

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// burstTime is how much of a configured rate may pass at once after a pause.
	burstTime = 100 * time.Millisecond
	// maxEnds is how many peers are remembered, of which most have had their turn.
	maxEnds = 4 * maxClients
	// abreast is how many frames leave at once, as long as nobody slow takes part: one more than keeps a line busy while
	// another is read from the disk. Of eight frames side by side the first is there when the last is, and nobody can
	// pass it on before.
	abreast = 3
	// A frame is slow, and no longer counts, when it takes leastShare, or slowShares times what its share of our own
	// speed would take, whatever is longer: its peer is what it waits for.
	leastShare, slowShares = 50 * time.Millisecond, 2
)

// An uplink is the one gate through which all data leaves this peer (and, as a downlink, enters it). It counts, holds the
// configured rate, and shares what leaves out among those it leaves for: by weight in bytes, whatever the size of their
// frames, and few of them at once. Who has less than a full share goes alone, as three such frames that found the line
// idle for a moment would be in everybody's way. The order is start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM
// 1996): deficit round robin would forget the deficit of a peer between two frames, as each waits with one at a time.
// Safe for concurrent use.
type uplink struct {
	rate    float64 // bytes a second; 0: no limit
	abreast int     // frames that pass at once; 0: any number
	bytes   atomic.Int64

	lock   sync.Mutex
	tokens float64 // bytes that may pass now; negative: overdrawn by the last frame
	at     time.Time
	timer  *time.Timer
	turn   float64 // virtual time: the start of the frame that passed last
	ends   map[peer.ID]float64
	queue  []*pass
	under  []*pass // let pass, not done and not slow
	slow   map[peer.ID]bool
	speed  speed
}

// A pass is a frame's.
type pass struct {
	id     peer.ID
	n      int
	weight float64
	exempt bool // from the configured rate
	start  float64
	open   chan struct{}
	until  time.Time // it is slow from then on
}

// newUplink makes a gate of bytesPerSecond, through which that many frames pass at once; 0 is no limit.
func newUplink(bytesPerSecond int64, abreast int) *uplink {
	return &uplink{rate: float64(bytesPerSecond), abreast: abreast, ends: make(map[peer.ID]float64), slow: make(map[peer.ID]bool)}
}

// wait returns when a frame of about n bytes of a peer's may pass, whose share beside others' is weight. done is to be
// called when it has, with the bytes that it had in the end. Exempt frames do not count for the configured rate. Its error
// is ctx's.
func (u *uplink) wait(ctx context.Context, id peer.ID, n int, weight float64, exempt bool) (done func(int), err error) {
	if u.abreast == 0 && (u.rate == 0 || exempt) {
		return func(n int) { u.bytes.Add(int64(n)) }, ctx.Err()
	}
	p := u.enqueue(id, n, weight, exempt)
	select {
	case <-p.open:
		return func(n int) { u.done(p, n) }, nil
	case <-ctx.Done():
		u.leave(p)
		return nil, ctx.Err()
	}
}

func (u *uplink) enqueue(id peer.ID, n int, weight float64, exempt bool) *pass {
	u.lock.Lock()
	defer u.lock.Unlock()
	p := &pass{id: id, n: n, weight: weight, exempt: exempt, start: max(u.turn, u.ends[id]), open: make(chan struct{})}
	u.ends[id] = p.start + float64(n)/weight
	u.queue = append(u.queue, p)
	u.pump(time.Now())
	return p
}

// leave takes back a frame that will not be sent.
func (u *uplink) leave(p *pass) {
	u.lock.Lock()
	defer u.lock.Unlock()
	u.queue, u.under = remove(u.queue, p), remove(u.under, p)
	u.pump(time.Now())
}

func remove(ps []*pass, p *pass) []*pass {
	for i, q := range ps {
		if q == p {
			return append(ps[:i], ps[i+1:]...)
		}
	}
	return ps
}

// done says that a frame of n bytes has left.
func (u *uplink) done(p *pass, n int) {
	u.bytes.Add(int64(n))
	u.lock.Lock()
	defer u.lock.Unlock()
	now := time.Now()
	u.ends[p.id] += float64(n-p.n) / p.weight
	if !p.exempt {
		u.tokens -= float64(n - p.n)
	}
	if now.Before(p.until) {
		delete(u.slow, p.id)
	}
	u.under = remove(u.under, p)
	u.speed.passed(now, n, len(u.under) > 0 || len(u.queue) > 0)
	u.pump(now)
}

// pump lets pass what may pass at now and sets the timer for the rest; the lock is held.
func (u *uplink) pump(now time.Time) {
	u.refill(now)
	u.expire(now)
	for {
		i := u.next()
		if i < 0 {
			break
		}
		u.pass(now, i)
	}
	if len(u.queue) == 0 || len(u.ends) > maxEnds {
		u.forget()
	}
	if len(u.queue) == 0 {
		return
	}
	if u.timer == nil {
		u.timer = time.AfterFunc(u.due(now), func() {
			u.lock.Lock()
			defer u.lock.Unlock()
			u.pump(time.Now())
		})
		return
	}
	u.timer.Reset(u.due(now))
}

// refill adds the tokens of the time since it was last called.
func (u *uplink) refill(now time.Time) {
	burst := u.rate * burstTime.Seconds()
	if u.at.IsZero() {
		u.tokens = burst
	} else {
		u.tokens = min(u.tokens+u.rate*now.Sub(u.at).Seconds(), burst)
	}
	u.at = now
}

// expire stops counting frames that are slow.
func (u *uplink) expire(now time.Time) {
	for i := 0; i < len(u.under); {
		p := u.under[i]
		if now.Before(p.until) {
			i++
			continue
		}
		u.slow[p.id] = true
		u.under = append(u.under[:i], u.under[i+1:]...)
	}
}

// due returns how long until something more may pass by itself.
func (u *uplink) due(now time.Time) time.Duration {
	due := time.Hour
	if u.rate > 0 && u.tokens <= 0 {
		due = time.Duration(-u.tokens / u.rate * float64(time.Second))
	}
	for _, p := range u.under {
		due = min(due, p.until.Sub(now))
	}
	return due + time.Millisecond
}

// next returns where in the queue the frame with the first turn of those that may pass now stands, or -1.
func (u *uplink) next() int {
	if u.abreast > 0 && len(u.under) >= u.abreast {
		return -1
	}
	first := -1
	for i, p := range u.queue {
		if u.rate > 0 && u.tokens <= 0 && !p.exempt || p.weight < 1 && len(u.under) > 0 {
			continue
		}
		if first < 0 || p.start < u.queue[first].start {
			first = i
		}
	}
	return first
}

func (u *uplink) pass(now time.Time, i int) {
	p := u.queue[i]
	u.queue = append(u.queue[:i], u.queue[i+1:]...)
	u.turn = max(u.turn, p.start)
	if !p.exempt {
		u.tokens -= float64(p.n)
	}
	if u.abreast > 0 {
		bytes := p.n
		for _, q := range u.under {
			bytes += q.n
		}
		p.until = now.Add(max(leastShare, slowShares*u.speed.takes(bytes)))
		if !u.slow[p.id] {
			u.under = append(u.under, p)
		}
	}
	close(p.open)
}

// forget drops the peers whose frames have all passed and who would begin at the present turn anyway.
func (u *uplink) forget() {
	for id, end := range u.ends {
		if end <= u.turn {
			delete(u.ends, id)
			delete(u.slow, id)
		}
	}
}

// speed is how fast bytes leave while some wait to.
type speed struct {
	rate  float64 // bytes a second, smoothed; 0: unknown
	since time.Time
	bytes int
}

// passed counts n bytes that have left; more tells whether others are under way or wait.
func (s *speed) passed(now time.Time, n int, more bool) {
	if s.since.IsZero() {
		s.since = now
	} else if s.bytes += n; now.Sub(s.since) >= rateSpan {
		rate := float64(s.bytes) / now.Sub(s.since).Seconds()
		if s.rate == 0 {
			s.rate = rate
		}
		s.rate += (rate - s.rate) / 4
		s.since, s.bytes = now, 0
	}
	if !more {
		s.since, s.bytes = time.Time{}, 0
	}
}

// takes returns how long n bytes take.
func (s *speed) takes(n int) time.Duration {
	if s.rate == 0 {
		return 0
	}
	return time.Duration(float64(n) / s.rate * float64(time.Second))
}
