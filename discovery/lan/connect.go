package lan

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// eager is how many of the peers met this one connects to unasked, so that the network's hash
	// table fills and questions are quick. The others are dialled when there is something to ask:
	// a connection to each of 256 peers would cost more memory than all the rest of an idle peer.
	eager       = 16
	maxDialing  = 4
	dialTimeout = 10 * time.Second
	// secondDial is how long the peer with the greater id leaves the dialling to the other. When both
	// dial at once from the ports they listen on, TCP makes one connection of it whose two ends both
	// believe to have dialled, and the handshake fails.
	secondDial = 2 * time.Second
)

// errEnough makes a member that need not be connected now wait like one that could not be.
var errEnough = errors.New("enough peers are connected")

// dialFirst returns how long self waits before it dials other.
func dialFirst(self, other peer.ID) time.Duration {
	if self < other {
		return 0
	}
	return secondDial
}

// connect dials the members whose time has come, until ctx ends and the last dial has.
func (m *Mode) connect(ctx context.Context) {
	var dials sync.WaitGroup
	defer dials.Wait()
	slots := make(chan struct{}, maxDialing)
	for {
		info, now, next := m.nextDial()
		if now {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			dials.Go(func() {
				defer func() { <-slots }()
				m.dial(ctx, info)
			})
			continue
		}
		var timer <-chan time.Time
		if !next.IsZero() {
			timer = time.After(time.Until(next))
		}
		select {
		case <-timer:
		case <-m.due:
		case <-ctx.Done():
			return
		}
	}
}

func (m *Mode) nextDial() (peer.AddrInfo, bool, time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.members.dial(time.Now())
}

func (m *Mode) dial(ctx context.Context, info peer.AddrInfo) {
	err := errEnough
	if m.connected(info.ID) {
		err = nil
	} else if m.linked() < eager {
		dialling, cancel := context.WithTimeout(ctx, dialTimeout)
		err = m.host.Connect(dialling, info)
		cancel()
	}
	if err != nil && ctx.Err() == nil {
		m.log.Debug("lan: peer not dialled", slog.String("peer", info.ID.String()), slog.Any("error", err))
	}
	m.mu.Lock()
	m.members.dialled(info.ID, time.Now(), err)
	m.mu.Unlock()
	notify(m.due)
}

// linked returns how many of the peers met are connected.
func (m *Mode) linked() (n int) {
	for _, p := range m.peers() {
		if m.connected(p.ID) {
			n++
		}
	}
	return n
}
