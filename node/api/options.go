package api

import (
	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/swarm"
)

// The names of the process options, as on the command line without their dashes.
const (
	OptReach     = "reach"
	OptNetwork   = "network"
	OptModes     = "modes"
	OptLimitUp   = "limit-up"
	OptLimitDown = "limit-down"
	OptMaxPeers  = "max-peers"
	OptLANFirst  = "lan-first"
	OptBootstrap = "bootstrap"
	OptRelay     = "relay"
	OptSet       = "set"
)

// CommonNetwork is the world of peers that name none.
const CommonNetwork = discovery.DefaultNetwork

// What Options.MaxPeers is where nothing is said, and the most that it may be.
const (
	DefaultMaxPeers = swarm.DefaultMaxPeers
	MaxMaxPeers     = 1000
)

// Options are the options of a process rather than of one request: the first verb on a home sets
// them, and later verbs that ask for others are refused by name.
type Options struct {
	Reach     string   `json:"reach"`                // loopback, lan or internet
	Network   string   `json:"network"`              // private world; "" is CommonNetwork
	Modes     []string `json:"modes,omitempty"`      // of discovery; empty is the default ones, "none" is none
	LimitUp   int64    `json:"limit_up,omitempty"`   // bytes per second; 0 is none
	LimitDown int64    `json:"limit_down,omitempty"` // bytes per second; 0 is none
	MaxPeers  int      `json:"max_peers,omitempty"`  // connected at once in swarms, 1 to MaxMaxPeers; 0 is DefaultMaxPeers
	LANFirst  bool     `json:"lan_first"`            // what a peer of this LAN has does not come from outside it
	Bootstrap []string `json:"bootstrap,omitempty"`  // multiaddrs; empty is the default ones, "none" is none
	Relay     bool     `json:"relay,omitempty"`      // relay for others (serve --relay)
	Set       []string `json:"set,omitempty"`        // parameters of overlays, MODE.NAME=VALUE; all peers of a network have the same

	// Said names the options that the user gave, by flag, environment or config file: only these
	// are held against those of a process that already runs.
	Said []string `json:"said,omitempty"`
}
