package swarm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

// Bounds of what a session remembers of peers, and of its patience with them.
const (
	maxCandidates  = 1000
	maxAddrs       = 32 // a candidate
	firstRedial    = time.Second
	longestRedial  = 30 * time.Second
	redialUseful   = 100 * time.Millisecond
	fullRedial     = 5 * time.Second
	maxOriginShown = 6
)

// A candidate is a peer that may have the root.
type candidate struct {
	info    peer.AddrInfo
	origin  string
	tellers []peer.ID // who told of it, if that is all that is known of it
	next    time.Time // not dialled before
	fails   int
	dialing bool
	open    bool   // it is a source
	banned  bool   // it lied about this root
	lastErr string // of the last dial
}

// candidates are the peers that a session was told of. It is pure and owned by the session's loop.
type candidates struct {
	known   map[peer.ID]*candidate
	order   []peer.ID // as they came; the first are the link's own
	told    rumours   // what is known by hearsay alone, to be tried after those
	dialing int
	full    time.Time // when one could not be dialled as too many peers were connected; zero: never
}

// add remembers p. A peer known already keeps its history and gains addresses.
func (c *candidates) add(p peer.AddrInfo, origin string) {
	known, ok := c.known[p.ID]
	switch {
	case !ok:
		if len(c.order) >= maxCandidates {
			return
		}
		known = &candidate{info: peer.AddrInfo{ID: p.ID}, origin: origin}
		c.known[p.ID] = known
		c.order = append(c.order, p.ID)
	case known.tellers != nil:
		if len(c.order) >= maxCandidates {
			return
		}
		c.confirm(known, p, origin)
	}
	known.learn(p.Addrs)
}

// learn adds addresses.
func (k *candidate) learn(addrs []multiaddr.Multiaddr) {
	for _, a := range addrs {
		have := slices.ContainsFunc(k.info.Addrs, func(b multiaddr.Multiaddr) bool { return a.Equal(b) })
		if have || len(k.info.Addrs) == maxAddrs {
			continue
		}
		k.info.Addrs = append(k.info.Addrs, a)
		k.next = time.Time{} // a new way to it is worth a try at once
	}
}

// due returns up to n candidates to dial now, marked as being dialled; connected ones are left out.
func (c *candidates) due(now time.Time, n int) []*candidate {
	var due []*candidate
	for _, id := range c.order {
		if len(due) == n {
			return due
		}
		if k := c.known[id]; k.ready(now) {
			c.dial(k)
			due = append(due, k)
		}
	}
	for len(due) < n {
		k := c.rumour(now)
		if k == nil {
			break
		}
		c.dial(k)
		due = append(due, k)
	}
	return due
}

func (k *candidate) ready(now time.Time) bool {
	return !k.dialing && !k.open && !k.banned && !now.Before(k.next)
}

func (c *candidates) dial(k *candidate) {
	k.dialing = true
	c.dialing++
}

// waiting tells whether somebody is to be dialled who is not being dialled and was not found useless.
func (c *candidates) waiting(now time.Time) bool {
	for _, k := range c.known {
		if k.fails == 0 && k.ready(now) {
			return true
		}
	}
	return false
}

// dialed ends an attempt that due began: with a source, or in vain.
func (c *candidates) dialed(id peer.ID, now time.Time, err error) {
	k := c.known[id]
	k.dialing = false
	c.dialing--
	if errors.Is(err, errFull) { // which is not its fault
		c.full, k.lastErr, k.next = now, err.Error(), now.Add(fullRedial)
		return
	}
	c.told.tried(k.tellers, err == nil)
	if k.open = err == nil; !k.open {
		k.banned = k.banned || brokeRule(err)
		c.failed(id, now, err)
	}
}

// failed puts the next attempt off, longer each time.
func (c *candidates) failed(id peer.ID, now time.Time, err error) {
	k := c.known[id]
	k.open = false
	k.next = now.Add(min(firstRedial<<min(k.fails, 10), longestRedial))
	k.fails++
	if err != nil {
		k.lastErr = err.Error()
	}
	if k.tellers != nil && !k.banned && k.fails >= maxRumourFails {
		c.forget(k)
	}
}

// moved is failed for a peer that was connected over a relay. That ends when there is a direct connection, so the peer is
// tried again at once, the first time.
func (c *candidates) moved(id peer.ID, now time.Time, err error) {
	c.failed(id, now, err)
	if c.known[id].fails == 1 {
		c.known[id].next = now.Add(redialUseful)
	}
}

// lost is failed for a peer that has been of use: it is tried again at once.
func (c *candidates) lost(id peer.ID, now time.Time, err error) {
	c.known[id].fails = 0
	c.failed(id, now, err)
	c.known[id].next = now.Add(redialUseful)
}

// ban keeps a peer from being dialled, even one that was forgotten.
func (c *candidates) ban(id peer.ID) {
	if c.known[id] == nil {
		c.known[id] = &candidate{info: peer.AddrInfo{ID: id}}
	}
	c.known[id].banned = true
}

// replaced puts off a peer that was of less use than another may be.
func (c *candidates) replaced(id peer.ID, now time.Time) {
	k := c.known[id]
	k.open, k.fails = false, 1
	k.next = now.Add(replacedFor)
}

// summary says in one phrase how the search stands, for a session that gives up.
func (c *candidates) summary(connected int) string {
	switch {
	case len(c.known) == 0:
		return "no peer was found that has it"
	case connected == 1:
		return "the connected peer does not send the rest; a shared file may have changed there"
	case connected > 1:
		return fmt.Sprintf("the %d connected peers do not send the rest; a shared file may have changed there", connected)
	}
	var reasons []string
	for _, id := range slices.Concat(c.order, c.told.order) {
		if len(reasons) == maxOriginShown {
			break
		}
		k := c.known[id]
		why := k.lastErr
		if why == "" {
			why = "it does not answer"
		}
		reasons = append(reasons, fmt.Sprintf("%s (from %s): %s", id.ShortString(), k.origin, why))
	}
	return "no peer was of use: " + strings.Join(reasons, "; ")
}
