package modetest

import (
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery"
)

// Peer is one peer under test.
type Peer struct {
	ID   peer.ID
	Mode discovery.Mode
	// Hold makes the peer have c, as its node would see it; nil if the mode does not ask its node.
	Hold func(c cid.Cid)
}

// A World is a network of peers of one mode, between hosts of this machine (Hosted) or in virtual time (Simulated). Peers
// are numbered in the order in which they come, and numbers are not used again.
type World interface {
	// Join adds peers, which know one of those who are there, and returns at once.
	Join(t *testing.T, n int) []Peer
	// JoinLiar adds a peer whose answers are lies.
	JoinLiar(t *testing.T, lie Lie)
	// Settle waits until those who are there know one another, directly or not.
	Settle(t *testing.T)
	// Leave has a peer say goodbye and go; Crash does not let it say anything.
	Leave(t *testing.T, i int)
	Crash(t *testing.T, i int)
	// Cut lets only peers of one side reach each other. Heal undoes it, and has one peer of each side meet.
	Cut(t *testing.T, side func(i int) int)
	Heal(t *testing.T)
	// Until waits until cond holds, for as long as repairs may take, and then fails the test.
	Until(t *testing.T, what string, cond func() bool)
}

// A Setting is what a test asks of a world.
type Setting struct {
	// Records live so long, and are published again so often; in virtual time much longer. 0: as the mode has it.
	Life, Again time.Duration
}

// Maker makes a world in which there is nobody yet. It ends with the test.
type Maker func(t *testing.T, s Setting) World

// start starts n peers and waits until they know one another.
func start(t *testing.T, make Maker, n int) (World, []Peer) {
	t.Helper()
	w := make(t, Setting{})
	peers := w.Join(t, n)
	w.Settle(t)
	return w, peers
}
