package chord

import (
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

// Name is the name of the mode.
const Name = "chord"

// Config says what a network is like. The zero Config is useful.
type Config struct {
	// Size is about how many peers the network is made for: 2 to 2^40; 0 is 1000. A network may grow past it.
	Size int
	// Successors is the length of successor lists: 2 to 64; 0 is twice the binary logarithm of Size (ToN 2003, §V-D).
	Successors int
	// Replicas is how many nodes keep a record, its owner and those that follow: 1 to Successors; 0 is 8, or Successors if
	// that is less. With 8, half of all nodes may die at once and 1 record in 256 is lost.
	Replicas int
	// Virtual is how many nodes each peer runs (ToN 2003, §IV-B): 1 to 64; 0 is 1.
	Virtual int
	// Stabilize is the mean time between a node's rounds of maintenance: 1 s to 1 h; 0 is 30 s.
	Stabilize time.Duration
}

// Bounds and defaults of a Config.
const (
	defaultSize      = 1000
	maxSize          = 1 << 30
	maxSuccessors    = 64
	defaultReplicas  = 8
	maxVirtual       = 64
	defaultStabilize = 30 * time.Second
	maxStabilize     = time.Hour
)

// Set sets one value by its name, as in --set chord.successors=20. The error is fault.BadInput.
func (c *Config) Set(name, value string) error {
	if name == "stabilize" {
		d, err := time.ParseDuration(value)
		if err != nil {
			return fault.New(fault.BadInput, "chord.stabilize=%q: a time such as 30s", value)
		}
		c.Stabilize = d
		return nil
	}
	at := map[string]*int{"size": &c.Size, "successors": &c.Successors, "replicas": &c.Replicas, "virtual": &c.Virtual}[name]
	if at == nil {
		return fault.New(fault.BadInput, "chord.%s: there are size, successors, replicas, virtual and stabilize", name)
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		return fault.New(fault.BadInput, "chord.%s=%q: a number", name, value)
	}
	*at = n
	return nil
}

// Protocol returns what a driver needs of Chord. The error is fault.BadInput: a value out of its bounds.
func Protocol(c Config) (overlay.Protocol, error) {
	c = c.filled()
	if err := c.check(); err != nil {
		return overlay.Protocol{}, err
	}
	return overlay.Protocol{
		Name:    Name,
		Params:  []overlay.Param{{Name: "successors", Value: uint64(c.Successors)}, {Name: "replicas", Value: uint64(c.Replicas)}},
		Virtual: c.Virtual,
		New: func(self overlay.Ref, r *rand.Rand) overlay.Machine {
			return &Node{config: &c, self: self, rand: r, whole: true}
		},
		NewMessage: newMessage,
		Fill:       fill,
		Distance:   distance,
	}, nil
}

func (c Config) filled() Config {
	set := func(v *int, value int) {
		if *v == 0 {
			*v = value
		}
	}
	set(&c.Size, defaultSize)
	set(&c.Successors, int(math.Ceil(2*math.Log2(float64(max(c.Size, 2))))))
	set(&c.Replicas, min(defaultReplicas, c.Successors))
	set(&c.Virtual, 1)
	if c.Stabilize == 0 {
		c.Stabilize = defaultStabilize
	}
	return c
}

func (c Config) check() error {
	for _, v := range []struct {
		name          string
		is, low, high int
	}{
		{"size", c.Size, 2, maxSize},
		{"successors", c.Successors, 2, maxSuccessors},
		{"replicas", c.Replicas, 1, c.Successors},
		{"virtual", c.Virtual, 1, maxVirtual},
	} {
		if v.is < v.low || v.is > v.high {
			return fault.New(fault.BadInput, "chord.%s=%d: %d to %d", v.name, v.is, v.low, v.high)
		}
	}
	if c.Stabilize < time.Second || c.Stabilize > maxStabilize {
		return fault.New(fault.BadInput, "chord.stabilize=%v: 1s to %v", c.Stabilize, maxStabilize)
	}
	return nil
}

// distance is how far clockwise to is from of: the part of the ring in percent, or how small it is.
func distance(of, to overlay.Key) string {
	switch d := to.Sub(of); {
	case d == overlay.Key{}:
		return "0"
	case part(d) < 1e-3:
		return "2^" + strconv.Itoa(octave(d))
	default:
		return strconv.FormatFloat(100*part(d), 'f', 1, 64) + "%"
	}
}
