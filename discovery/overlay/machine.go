package overlay

import (
	"math/rand/v2"
	"time"
)

// A Machine is one node's view of an overlay. It performs no I/O, has no clock, starts no goroutine and is not safe for
// concurrent use; its driver owns it.
//
// What a machine may count on: a Ref's id belongs to its peer, the sender of a message is who it says, a record's
// signature was checked, a message keeps to the bounds that its Fields name. Everything else in a message is a
// stranger's claim.
type Machine interface {
	// Step applies ev at now and appends to out what the driver must do next. The first event is Start, the last Stop.
	Step(now Time, ev Event, out *Actions)
	// Refs yields each node that the machine holds, some of them twice perhaps. A driver forgets the others.
	Refs(yield func(Ref) bool)
	// Keeps reports whether the machine has a record under key, one that has expired perhaps.
	Keeps(key Key) bool
	// Census counts what the machine holds.
	Census() Census
	// String describes the machine's tables in a few lines, for scenarios and people.
	String() string
}

// A Census counts what a machine holds.
type Census struct {
	Peers   int // in its tables, each once
	Keys    int // that it keeps records of
	Records int
	Bytes   int // of memory for all that, about
}

// A Protocol is what a driver needs to know of one overlay.
type Protocol struct {
	// Name is the mode's name, such as "chord", which is in the protocol's id too.
	Name string
	// Params are what all nodes of a network must agree on. A driver refuses those who have others.
	Params []Param
	// Virtual is the number of nodes that each peer runs; 0 is 1.
	Virtual int
	// New returns a machine for self. All its randomness comes from r.
	New func(self Ref, r *rand.Rand) Machine
	// NewMessage returns an empty message of a kind, or nil if there is no such kind.
	NewMessage func(Kind) Message
	// Fill gives machines the tables that they would have once all joins and repairs have settled.
	Fill func(World)
	// Distance says how far a node is from a key, in the overlay's own measure, for people.
	Distance func(of, to Key) string
}

// A Param is one thing that all nodes of a network must agree on.
type Param struct {
	Name  string // "successors": up to 32 bytes
	Value uint64
}

// A World is everybody in a network that is built at once.
type World struct {
	Now      Time
	Nodes    []Ref                        // ordered by id
	Machines []Machine                    // as Nodes; made by Protocol.New, and have seen no event
	Distance func(a, b Ref) time.Duration // round trip time
	Rand     *rand.Rand
}
