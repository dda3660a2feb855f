package pastry

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

// Name is the mode's name.
const Name = "pastry"

// replicas is how many of the nodes that are numerically closest to a key keep its records: the k of §3.
const replicas = 5

// A Config says how a network runs. All its nodes must agree.
type Config struct {
	Size    int // peers that the network is made for. Pastry's tables grow by themselves: it changes nothing
	B       int // bits of a digit: 1, 2 or 4; 0 is 4
	LeafSet int // leaves of a node, both sides together: even, 8 to 24; 0 is 16
}

// Set sets what has a name: "b" or "leafset". Another name, or what is no number, is fault.BadInput.
func (c *Config) Set(name, value string) error {
	fields := map[string]*int{"b": &c.B, "leafset": &c.LeafSet}
	field, ok := fields[name]
	if !ok {
		return fault.New(fault.BadInput, "pastry has no %q to set: it has b and leafset", name)
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		return fault.New(fault.BadInput, "pastry.%s is a number, not %q", name, value)
	}
	*field = n
	return c.check()
}

func (c *Config) check() error {
	if b := c.digits(); !slices.Contains([]int{1, 2, 4}, b) {
		return fault.New(fault.BadInput, "pastry.b is 1, 2 or 4, not %d", b)
	}
	if l := c.leaves(); l < 8 || l > maxLeaves || l%2 > 0 {
		return fault.New(fault.BadInput, "pastry.leafset is an even number from 8 to %d, not %d", maxLeaves, l)
	}
	return nil
}

func (c *Config) digits() int {
	if c.B == 0 {
		return 4
	}
	return c.B
}

func (c *Config) leaves() int {
	if c.LeafSet == 0 {
		return 16
	}
	return c.LeafSet
}

// rules are what a network's nodes agree on, shared by all machines of a process.
type rules struct {
	b    int // bits of a digit
	half int // leaves on a side
}

// Protocol returns Pastry as c has it, for a driver. What cannot be is fault.BadInput.
func Protocol(c Config) (overlay.Protocol, error) {
	if err := c.check(); err != nil {
		return overlay.Protocol{}, err
	}
	r := &rules{b: c.digits(), half: c.leaves() / 2}
	return overlay.Protocol{
		Name:       Name,
		Params:     []overlay.Param{{Name: "b", Value: uint64(r.b)}, {Name: "leafset", Value: uint64(2 * r.half)}},
		New:        func(self overlay.Ref, rand *rand.Rand) overlay.Machine { return newNode(r, self, rand) },
		NewMessage: newMessage,
		Fill:       func(w overlay.World) { fill(r, w) },
		Distance:   r.distance,
	}, nil
}

// distance is the digits that of shares with to, and the part of the ring between them.
func (r *rules) distance(of, to overlay.Key) string {
	a, c := idOf(of), idOf(to)
	part := float64(a.distance(c).hi) / (1 << 63) / 2
	return fmt.Sprintf("%d digits shared, %.2g of the ring", shared(a, c, r.b), part)
}
