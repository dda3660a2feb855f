// Package machine is Kademlia (Maymounkov and Mazières, IPTPS 2002) as a pure overlay.Machine, so that the simulator can
// hold it beside Chord, Pastry and Kelips at sizes that no live network here has. The mode "kademlia" that finds content
// between real peers is package kademlia, on go-libp2p-kad-dht: this machine never runs there, and a test holds the two
// against each other.
//
// Start reading at Node.Step; a lookup is in lookup.go, the k-buckets are in table.go.
package machine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

// Config says how a network is run. Zero values are the defaults.
type Config struct {
	K         int           // nodes in a bucket, and holders of a record: 20
	Alpha     int           // questions of one lookup in flight: 3
	Refresh   time.Duration // of a bucket that nobody looked through: 1 h (§2.3)
	Republish time.Duration // of a record by its holders: 1 h (§2.5)
}

// Set sets a value by its name on the command line. The error is fault.BadInput.
func (c *Config) Set(name, value string) (err error) {
	switch name {
	case "k":
		c.K, err = strconv.Atoi(value)
	case "alpha":
		c.Alpha, err = strconv.Atoi(value)
	case "refresh":
		c.Refresh, err = time.ParseDuration(value)
	case "republish":
		c.Republish, err = time.ParseDuration(value)
	default:
		return fault.New(fault.BadInput, "kademlia.%s: there are k, alpha, refresh and republish", name)
	}
	if err != nil {
		return fault.New(fault.BadInput, "kademlia.%s=%s: %w", name, value, err)
	}
	return nil
}

// maxK keeps an answer well below overlay.MaxMessage.
const maxK = 64

// Protocol returns the overlay of c, or fault.BadInput.
func Protocol(c Config) (overlay.Protocol, error) {
	c.K, c.Alpha = or(c.K, 20), or(c.Alpha, 3)
	c.Refresh, c.Republish = or(c.Refresh, time.Hour), or(c.Republish, time.Hour)
	switch {
	case c.K < 1 || c.K > maxK:
		return overlay.Protocol{}, fault.New(fault.BadInput, "kademlia.k=%d: want 1 to %d", c.K, maxK)
	case c.Alpha < 1 || c.Alpha > maxK:
		return overlay.Protocol{}, fault.New(fault.BadInput, "kademlia.alpha=%d: want 1 to %d", c.Alpha, maxK)
	case c.Refresh < time.Second || c.Republish < time.Second:
		return overlay.Protocol{}, fault.New(fault.BadInput, "kademlia: refresh and republish take a second at least")
	}
	return overlay.Protocol{
		Name:       "kademlia",
		Params:     []overlay.Param{{Name: "k", Value: uint64(c.K)}},
		New:        func(self overlay.Ref, r *rand.Rand) overlay.Machine { return newNode(c, self, r) },
		NewMessage: newMessage,
		Fill:       fill,
		Distance: func(of, to overlay.Key) string {
			if of == to {
				return "0"
			}
			return fmt.Sprintf("2^%d", overlay.KeyBits-1-of.Xor(to).LeadingZeros())
		},
	}, nil
}

func or[T int | time.Duration](v, or T) T {
	if v == 0 {
		return or
	}
	return v
}

// deadline is how long a node may take to answer.
const deadline = 2 * time.Second

// Node is one node of Kademlia.
type Node struct {
	c       Config
	self    overlay.Ref
	rand    *rand.Rand
	now     overlay.Time
	table   table
	shelf   overlay.Shelf
	stored  map[overlay.Key]overlay.Time // when this node was last told to keep what is under a key
	known   []overlay.Ref                // that it was to join through, up to maxKnown
	lost    overlay.Lost
	lookups map[uint64]*lookup
	last    uint64 // number of the newest lookup
	joined  bool   // the lookup of this node's own id, by which others learn of it, has ended
}

var _ overlay.Machine = (*Node)(nil)

func newNode(c Config, self overlay.Ref, r *rand.Rand) *Node {
	return &Node{c: c, self: self, rand: r, table: table{self: self.ID, k: c.K}}
}

// Step is overlay.Machine's.
func (n *Node) Step(now overlay.Time, ev overlay.Event, out *overlay.Actions) {
	n.now = now
	switch ev := ev.(type) {
	case overlay.Start:
		n.onStart(ev.Known, out)
	case overlay.Met:
		n.onMet(ev.Node, out)
	case overlay.Call:
		n.onCall(ev, out)
	case overlay.Received:
		n.onReceived(ev, out)
	case overlay.Answered:
		n.onAnswered(ev, out)
	case overlay.Unreachable:
		n.onUnreachable(ev, out)
	case overlay.Fired:
		n.onFired(ev.Timer, out)
	}
}

func (n *Node) onReceived(ev overlay.Received, out *overlay.Actions) {
	n.heard(ev.From, out)
	switch m := ev.Msg.(type) {
	case *find:
		n.onFind(ev, m, out)
	case *store:
		n.onStore(ev, m, out)
	}
}

// heard notes that a node lives: a word from it is what lets it into the table (§2.2).
func (n *Node) heard(node overlay.Ref, out *overlay.Actions) {
	n.lost.Found(node)
	if n.table.heard(node, n.now) {
		out.Trace("new contact", overlay.Key{}, node)
		n.handOver(node, out)
	}
}

// Refs is overlay.Machine's.
func (n *Node) Refs(yield func(overlay.Ref) bool) {
	more := true
	each := func(r overlay.Ref) bool { more = more && yield(r); return more }
	n.table.each(each)
	slices.Values(n.known)(each)
	for _, l := range n.lookups {
		for _, c := range l.list {
			if !each(c.node) {
				return
			}
		}
	}
	if more {
		n.lost.Refs(each)
	}
}

// Keeps is overlay.Machine's.
func (n *Node) Keeps(key overlay.Key) bool { return n.shelf.Keeps(key) }

// Census is overlay.Machine's.
func (n *Node) Census() overlay.Census {
	keys, records := n.shelf.Len()
	peers, bytes := n.table.size()
	return overlay.Census{Peers: peers, Keys: keys, Records: records, Bytes: bytes + n.shelf.Bytes()}
}

// String is overlay.Machine's: a line for each bucket that is not empty.
func (n *Node) String() string { return n.table.String() }
