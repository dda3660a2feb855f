package swarm

import (
	"errors"
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

func newAccount() *account { return &account{owing: make(map[*linkChannel]bool)} }

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
	max  int                 // peers; 0: no limit
	keep func(peer.ID, bool) // is told of each that comes, true, and goes; nil: nobody is

	lock sync.Mutex
	of   map[peer.ID]*account
}

// errFull says that as many peers are connected as may be.
var errFull = errors.New("as many peers are connected as --max-peers allows")

// incoming returns how many peers there may be for one that comes to us to be let in: a quarter is kept for those
// that we dial, or a peer that many ask would get nothing itself.
func (as *accounts) incoming() int {
	if as.max == 0 {
		return math.MaxInt
	}
	return as.max - as.max/4
}

// dialled returns how many peers there may be for one that we dial to be let in.
func (as *accounts) dialled() int {
	if as.max == 0 {
		return math.MaxInt
	}
	return as.max
}

// full tells whether there is no room for a peer where there may be so many.
func (as *accounts) full(id peer.ID, most int) bool {
	as.lock.Lock()
	defer as.lock.Unlock()
	return as.of[id] == nil && len(as.of) >= most
}

// open returns the account of a peer, to be closed. It fails for one more than most.
func (as *accounts) open(id peer.ID, most int) (*account, error) {
	as.lock.Lock()
	defer as.lock.Unlock()
	a := as.of[id]
	if a == nil {
		if len(as.of) >= most {
			return nil, errFull
		}
		if as.of == nil {
			as.of = make(map[peer.ID]*account)
		}
		a = newAccount()
		as.of[id] = a
		as.tell(id, true)
	}
	a.opened++
	return a, nil
}

// shared tells whether a peer has more than one link or client with us.
func (as *accounts) shared(id peer.ID) bool {
	as.lock.Lock()
	defer as.lock.Unlock()
	a := as.of[id]
	return a != nil && a.opened > 1
}

func (as *accounts) close(id peer.ID) {
	as.lock.Lock()
	defer as.lock.Unlock()
	if a := as.of[id]; a != nil {
		if a.opened--; a.opened == 0 {
			delete(as.of, id)
			as.tell(id, false)
		}
	}
}

func (as *accounts) tell(id peer.ID, come bool) {
	if as.keep != nil {
		as.keep(id, come)
	}
}
