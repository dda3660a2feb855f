package kelips

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"strconv"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

// Name is the name of the mode.
const Name = "kelips"

// Config says what a network is like. The zero Config is useful.
type Config struct {
	// Size is about how many peers the network is made for: 1 to 2^24; 0 is 64. A network may grow past it.
	Size int
	// Groups is the number of affinity groups, k: 1 to 4096; 0 is the square root of Size (IPTPS 2003, §2).
	Groups int
	// Contacts is how many nodes of each other group a node knows, c: 1 to 64; 0 is 2, and more where there are so few
	// groups that 64 contacts in all are not reached: 64/k. A group of fewer than c nodes shares its keys with the next.
	Contacts int
}

// Bounds and defaults of a Config.
const (
	defaultSize = 64
	maxSize     = 1 << 24
	maxGroups   = 1 << 12
	minContacts = 2  // a group: what p2psim gives as the paper's
	allContacts = 64 // of all groups, in small networks
	maxContacts = 64
)

// Set sets one value by its name, as in --set kelips.groups=32. The error is fault.BadInput.
func (c *Config) Set(name, value string) error {
	at := map[string]*int{"size": &c.Size, "groups": &c.Groups, "contacts": &c.Contacts}[name]
	if at == nil {
		return fault.New(fault.BadInput, "kelips.%s: there are size, groups and contacts", name)
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		return fault.New(fault.BadInput, "kelips.%s=%q: a number", name, value)
	}
	*at = n
	return nil
}

// Protocol returns what a driver needs of Kelips. The error is fault.BadInput: a value out of its bounds.
func Protocol(c Config) (overlay.Protocol, error) {
	c = c.filled()
	if err := c.check(); err != nil {
		return overlay.Protocol{}, err
	}
	return overlay.Protocol{
		Name:       Name,
		Params:     []overlay.Param{{Name: "groups", Value: uint64(c.Groups)}, {Name: "contacts", Value: uint64(c.Contacts)}},
		New:        func(self overlay.Ref, r *rand.Rand) overlay.Machine { return newNode(&c, self, r) },
		NewMessage: newMessage,
		Fill:       fill,
		Distance:   c.distance,
	}, nil
}

func (c Config) filled() Config {
	set := func(v *int, value int) {
		if *v == 0 {
			*v = value
		}
	}
	set(&c.Size, defaultSize)
	set(&c.Groups, int(math.Round(math.Sqrt(max(float64(c.Size), 1)))))
	set(&c.Contacts, max(minContacts, allContacts/max(c.Groups, 1)))
	return c
}

func (c Config) check() error {
	for _, v := range []struct {
		name       string
		value, max int
	}{{"size", c.Size, maxSize}, {"groups", c.Groups, maxGroups}, {"contacts", c.Contacts, maxContacts}} {
		if v.value < 1 || v.value > v.max {
			return fault.New(fault.BadInput, "kelips.%s=%d: 1 to %d", v.name, v.value, v.max)
		}
	}
	return nil
}

// group returns the affinity group of a node or a key: which of k equal parts of the identifier space it is in. The paper
// takes the hash modulo k; by parts the nodes of a group follow each other in the order of their ids.
func (c *Config) group(key overlay.Key) int {
	part, _ := bits.Mul64(binary.BigEndian.Uint64(key[:]), uint64(c.Groups))
	return int(part)
}

// after returns how many groups b comes after a, round the end: 0 if it is a.
func (c *Config) after(a, b int) int {
	if b >= a {
		return b - a
	}
	return b - a + c.Groups
}

func (c *Config) distance(of, to overlay.Key) string {
	switch d := c.after(c.group(to), c.group(of)); d {
	case 0:
		return "same group"
	case 1:
		return "1 group on"
	default:
		return fmt.Sprintf("%d groups on", d)
	}
}
