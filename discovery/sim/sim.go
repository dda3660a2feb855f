package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

// Epoch is when a run begins. It is not zero so that a machine's zero Time is long ago, as it is between real peers.
const Epoch = overlay.Time(time.Hour)

// Config says what to simulate.
type Config struct {
	Protocol overlay.Protocol
	Peers    int     // that Fill makes; 0 to begin with nobody and Join or Grow
	Seed     uint64  // all that is random follows from it
	Latency  Latency // nil: Constant(50 ms)
	Loss     float64 // the share of messages that get lost, from 0 to below 1
	// Check has every message encoded and decoded, and its records verified. It changes neither trace nor counts, unless
	// a machine lies or a message has a flaw; see Stats.Rejected.
	Check   bool
	IDs     []peer.ID  // of the first peers; the others get made-up ones
	Observe func(Step) // after each step of a machine; nil: nobody
}

// A Step is what a machine was told and what it answered. It is valid until Observe returns.
type Step struct {
	At      overlay.Time
	Node    overlay.Ref
	Event   overlay.Event
	Cause   overlay.OpID // the operation that it happened because of; 0: none, which is maintenance
	Actions []overlay.Action
}

// A Sim is a network of peers in virtual time. Its methods are for one goroutine; they may be called from what it calls
// back (Config.Observe excepted).
type Sim struct {
	cfg     Config
	virtual int // nodes of a peer
	now     overlay.Time
	queue   queue
	nodes   []node
	refs    []overlay.Ref // of nodes; the handle is the index + 1
	live    []uint32      // peers, in no order that means anything
	place   []int32       // of each peer in live; -1: it is dead
	letters slab[letter]
	asks    slab[ask]
	calls   map[overlay.OpID]call
	lastOp  uint64

	network *rand.Rand // latencies and losses
	fate    *rand.Rand // who joins through whom, who leaves
	secret  [32]byte   // for the signatures of records
	written uint64     // records so far

	side      func(peer int) int // nil: the network is whole
	sides     []int32
	frozenAt  overlay.Time // when timers began to wait; 0: they run
	held      []event      // timers that wait
	churn     Churn
	ignored   map[[2]int]overlay.Time // who sent a peer what is malformed, and until when it does not speak to them
	churnFrom uint32                  // which call of SetChurn the events of churn are of

	book  book
	free  []*overlay.Actions
	stats Stats
	hash  uint64
}

type call struct {
	node uint32
	done func(*overlay.Result)
}

// New returns a network in which there is nobody yet. The error is fault.BadInput.
func New(c Config) (*Sim, error) {
	switch {
	case c.Protocol.New == nil || c.Protocol.NewMessage == nil:
		return nil, fault.New(fault.BadInput, "a protocol without machines or messages")
	case c.Peers < 0:
		return nil, fault.New(fault.BadInput, "%d peers", c.Peers)
	case !(c.Loss >= 0 && c.Loss < 1):
		return nil, fault.New(fault.BadInput, "a loss of %v: from 0 to below 1", c.Loss)
	}
	if c.Latency == nil {
		c.Latency = Constant(50 * time.Millisecond)
	}
	s := &Sim{cfg: c, virtual: max(c.Protocol.Virtual, 1), now: Epoch, calls: make(map[overlay.OpID]call)}
	s.network, s.fate = s.random(streamNetwork, 0), s.random(streamFate, 0)
	s.secret = sha256.Sum256(binary.LittleEndian.AppendUint64([]byte("secret "), c.Seed))
	s.book.sim = s
	return s, nil
}

// The streams of randomness that a seed gives are independent, so that, say, a latency more changes nobody's tables.
const (
	streamNetwork = iota + 1
	streamFate
	streamWorld
	streamNode
)

func (s *Sim) random(stream, number uint64) *rand.Rand {
	r := &struct {
		rand.Rand
		pcg rand.PCG
	}{pcg: *rand.NewPCG(s.cfg.Seed, stream<<56^number)}
	r.Rand = *rand.New(&r.pcg)
	return &r.Rand
}

// Now returns the virtual time.
func (s *Sim) Now() overlay.Time { return s.now }

// Fill makes Config.Peers peers with the tables that they would have once all joins and repairs had settled, and starts
// them. It comes before any other peer.
func (s *Sim) Fill() {
	first := len(s.nodes)
	for range s.cfg.Peers {
		s.add()
	}
	w := overlay.World{Now: s.now, Distance: s.distance, Rand: s.random(streamWorld, 0)}
	w.Nodes, w.Machines = s.ordered(first)
	s.cfg.Protocol.Fill(w)
	for n := first; n < len(s.nodes); n++ {
		s.step(uint32(n), overlay.Start{}, delivery{what: eventStart})
	}
}
