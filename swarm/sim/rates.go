package sim

import (
	"math"
	"time"
)

// These follow window.go and account.go of package swarm, in virtual time.
const (
	minWindow   = 2 << 20
	startWindow = 2 << 20
	maxWindow   = 64 << 20
	windowTime  = 500 * time.Millisecond
	longestRTT  = 2 * time.Second
	rateSpan    = 100 * time.Millisecond
	rateTime    = 5 * time.Second
)

// window is how much is kept asked of one source.
type window struct {
	rate    float64 // bytes a second, smoothed
	rtt     time.Duration
	running bool
	since   time.Duration
	bytes   int
}

func (w *window) delivered(now time.Duration, n int) {
	if !w.running {
		w.running, w.since, w.bytes = true, now, 0
		return
	}
	w.bytes += n
	span := now - w.since
	if span < rateSpan {
		return
	}
	rate := float64(w.bytes) / span.Seconds()
	if w.rate == 0 {
		w.rate = rate
	} else {
		w.rate += (rate - w.rate) / 4
	}
	w.since, w.bytes = now, 0
}

func (w *window) idle() { w.running = false }

func (w *window) size() int {
	if w.rate == 0 {
		return startWindow
	}
	return min(max(int(w.rate*(2*w.rtt+windowTime).Seconds()), minWindow), maxWindow)
}

// meter counts bytes and knows how fast they come.
type meter struct {
	total, seen int64
	begun       bool
	at          time.Duration
	rate        float64
}

func (m *meter) look(now time.Duration) float64 {
	span := now - m.at
	switch {
	case !m.begun:
		m.begun, m.at, m.seen = true, now, m.total
	case span >= rateSpan:
		fresh := float64(m.total-m.seen) / span.Seconds()
		m.rate += (fresh - m.rate) * (1 - math.Exp(-span.Seconds()/rateTime.Seconds()))
		m.at, m.seen = now, m.total
	}
	return m.rate
}
