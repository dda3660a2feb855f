package lan

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	maxMembers = 256              // peers remembered; a LAN with more is better served by a table
	settled    = 10 * time.Second // how long a newcomer is safe from the next when the table is full
	dialAgain  = 5 * time.Second  // after a dial that failed; then twice that, up to dialLast
	dialLast   = 10 * time.Minute
)

// member is one peer met.
type member struct {
	info    peer.AddrInfo
	since   time.Time
	expires time.Time
	dialAt  time.Time // when to connect to it; zero: no need
	dialing bool
	failed  int // dials in a row
}

// members are the peers met, bounded whatever strangers claim. It is pure: its owner serialises the
// calls and passes the time.
type members map[peer.ID]*member

// put notes that p was heard of at now, and reports whether it is new. wait is how long to leave the
// dialling to the other side; busy reports whether a peer is connected.
//
// When the table is full a newcomer takes the place of the oldest member that is not connected and
// has had its time: a flood of invented peers can neither push out real ones nor turn the table
// over faster than once in settled.
func (m members) put(p Presence, now time.Time, wait time.Duration, busy func(peer.ID) bool) bool {
	known := m[p.ID]
	if known == nil {
		if p.TTL <= 0 || !m.room(now, busy) {
			return false
		}
		m[p.ID] = &member{info: p.AddrInfo, since: now, expires: now.Add(p.TTL), dialAt: now.Add(wait)}
		return true
	}
	if p.TTL <= 0 { // a goodbye, which anybody can say in another's name: believed of the absent only
		if !busy(p.ID) {
			delete(m, p.ID)
		}
		return false
	}
	known.info.Addrs = newest(p.Addrs, known.info.Addrs)
	known.expires = now.Add(p.TTL)
	if known.dialAt.IsZero() && !known.dialing && !busy(p.ID) {
		known.dialAt = now.Add(wait)
	}
	return false
}

// room makes room for one more, if it may.
func (m members) room(now time.Time, busy func(peer.ID) bool) bool {
	if len(m) < maxMembers {
		return true
	}
	m.expire(now)
	if len(m) < maxMembers {
		return true
	}
	var oldest peer.ID
	for id, x := range m {
		if now.Sub(x.since) >= settled && (oldest == "" || x.since.Before(m[oldest].since)) && !busy(id) {
			oldest = id
		}
	}
	if oldest == "" {
		return false
	}
	delete(m, oldest)
	return true
}

func (m members) expire(now time.Time) {
	for id, x := range m {
		if !now.Before(x.expires) {
			delete(m, id)
		}
	}
}

// newest returns fresh and then what of old it lacks, up to maxAddrs.
func newest(fresh, old []ma.Multiaddr) []ma.Multiaddr {
	all := make([]ma.Multiaddr, 0, len(fresh)+len(old))
	for _, a := range append(fresh[:len(fresh):len(fresh)], old...) {
		if len(all) < maxAddrs && !ma.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// dial returns a member that it is time to connect to, and marks it as being dialled; or, if there
// is none, when to look again (the zero time: not before something happens).
func (m members) dial(now time.Time) (peer.AddrInfo, bool, time.Time) {
	var next time.Time
	for _, x := range m {
		if x.dialing || x.dialAt.IsZero() || !now.Before(x.expires) {
			continue
		}
		if !x.dialAt.After(now) {
			x.dialing, x.dialAt = true, time.Time{}
			return x.info, true, next
		}
		if next.IsZero() || x.dialAt.Before(next) {
			next = x.dialAt
		}
	}
	return peer.AddrInfo{}, false, next
}

// dialled notes how a dial has ended.
func (m members) dialled(id peer.ID, now time.Time, err error) {
	x := m[id]
	if x == nil {
		return
	}
	x.dialing = false
	if err == nil {
		x.failed = 0
		return
	}
	x.dialAt = now.Add(min(dialAgain<<min(x.failed, 10), dialLast))
	x.failed++
}

// live returns the members that have not expired.
func (m members) live(now time.Time) []peer.AddrInfo {
	all := make([]peer.AddrInfo, 0, len(m))
	for _, x := range m {
		if now.Before(x.expires) {
			all = append(all, x.info)
		}
	}
	return all
}
