package sim

import "time"

// Config says what to simulate.
type Config struct {
	Seed      uint64 // of all randomness
	Leaves    int
	LeafBytes uint32
	Latency   time.Duration // one way, of every message
	// Neighbours is how many others a peer is connected to on average. It asks for half as many when it comes, and
	// again every 5 s while it has fewer; others that come find it.
	Neighbours int
	Peers      []Peer
	Limit      time.Duration // of virtual time
	Observe    func(Step)    // called for each step; nil: not
}

// A Peer is what one peer is and does.
type Peer struct {
	Arrives     time.Duration
	Departs     time.Duration // 0: not by the clock
	Up, Down    float64       // bytes a second
	Whole       bool          // it has everything when it comes
	Rides       bool          // it takes and never gives: everybody is choked
	LeavesWhole bool          // it leaves as soon as it has everything, as `peer get` does without --seed
	LeavesAfter int64         // it leaves once it has sent so many bytes; 0: not
	Known       bool          // everybody who comes dials it, as if a link named it, until it serves as many as it may
}

// A Result is how it went.
type Result struct {
	Peers  []Outcome     // as in Config
	Hash   uint64        // of all steps: two runs with the same hash are the same
	Events int           // simulated
	Ended  time.Duration // virtual time
}

// An Outcome is how it went for one peer.
type Outcome struct {
	Done     bool
	Took     time.Duration // from its arrival until it had everything, if Done
	Sent     int64         // bytes of leaves that left it
	Received int64         // bytes of leaves that reached it, and of these
	Wasted   int64         // those that it had already or had taken its request back for
	Left     bool          // before the end
}

// A Step is something that happened.
type Step struct {
	At       time.Duration
	Kind     Kind
	From, To int // places in Config.Peers
	Leaf     int // or -1
}

// Kind says what happened in a Step.
type Kind uint8

// What a Step may be. From is the peer that acts.
const (
	Arrived  Kind = iota // To is From
	Departed             // To is From
	Whole                // To is From
	Connected
	Choked
	Unchoked
	Suggested
	Asked     // From is the wanter
	Rejected  // From is the holder
	Began     // to send
	Delivered // and of use
	Wasted    // delivered and of no use
)

// String returns the word that traces and tables have for it.
func (k Kind) String() string {
	return [...]string{"arrived", "departed", "whole", "connected", "choked", "unchoked", "suggested", "asked", "rejected",
		"began", "delivered", "wasted"}[k]
}

// trace folds steps into a hash (FNV-1a over 64-bit words).
type trace struct {
	hash    uint64
	observe func(Step)
}

func newTrace(observe func(Step)) *trace { return &trace{hash: 14695981039346656037, observe: observe} }

func (t *trace) add(s Step) {
	for _, word := range [...]uint64{uint64(s.At), uint64(s.Kind), uint64(s.From), uint64(s.To), uint64(s.Leaf)} {
		t.hash = (t.hash ^ word) * 1099511628211
	}
	if t.observe != nil {
		t.observe(s)
	}
}

// note adds a step of p's towards another peer to the trace.
func (p *peer) note(k Kind, to *peer, leaf int) {
	p.trace.add(Step{At: p.clock.now, Kind: k, From: p.num, To: to.num, Leaf: leaf})
}
