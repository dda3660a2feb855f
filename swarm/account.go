package swarm

import (
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// rateTime is over how long a rate is smoothed.
const rateTime = 5 * time.Second

// A meter counts bytes and knows how fast they come. The zero value is ready. Safe for concurrent use.
type meter struct {
	total atomic.Int64

	lock sync.Mutex
	seen int64 // total at the last look
	at   time.Time
	rate float64
}

// look returns the bytes a second lately, as of now.
func (m *meter) look(now time.Time) float64 {
	m.lock.Lock()
	defer m.lock.Unlock()
	total := m.total.Load()
	span := now.Sub(m.at)
	switch {
	case m.at.IsZero():
		m.at, m.seen = now, total
	case span >= rateSpan:
		fresh := float64(total-m.seen) / span.Seconds()
		m.rate += (fresh - m.rate) * (1 - math.Exp(-span.Seconds()/rateTime.Seconds()))
		m.at, m.seen = now, total
	}
	return m.rate
}

// A tally counts the bytes that pass to a writer.
type tally struct {
	to io.Writer
	n  *atomic.Int64
}

func (t tally) Write(p []byte) (int, error) {
	n, err := t.to.Write(p)
	t.n.Add(int64(n))
	return n, err
}

// An account is what one peer and we have given each other, over all roots and in both directions, while connected.
type account struct {
	in, out meter
	lastIn  atomic.Int64 // unix nanoseconds; 0: never

	lock   sync.Mutex
	owing  map[*linkChannel]bool // those that wait for something
	opened int                   // by how many links and clients
}

func (a *account) received(n int) {
	a.in.total.Add(int64(n))
	a.lastIn.Store(time.Now().UnixNano())
}

func (a *account) owe(c *linkChannel, yes bool) {
	a.lock.Lock()
	defer a.lock.Unlock()
	if yes {
		a.owing[c] = true
	} else {
		delete(a.owing, c)
	}
}

func (a *account) owes() bool {
	a.lock.Lock()
	defer a.lock.Unlock()
	return len(a.owing) > 0
}

// accounts are those of all connected peers.
type accounts struct {
	lock sync.Mutex
	of   map[peer.ID]*account
}

// open returns the account of a peer, to be closed.
func (as *accounts) open(id peer.ID) *account {
	as.lock.Lock()
	defer as.lock.Unlock()
	a := as.of[id]
	if a == nil {
		if as.of == nil {
			as.of = make(map[peer.ID]*account)
		}
		a = &account{owing: make(map[*linkChannel]bool)}
		as.of[id] = a
	}
	a.opened++
	return a
}

func (as *accounts) close(id peer.ID) {
	as.lock.Lock()
	defer as.lock.Unlock()
	if a := as.of[id]; a != nil {
		if a.opened--; a.opened == 0 {
			delete(as.of, id)
		}
	}
}
