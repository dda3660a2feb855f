// Package archtest holds the architecture: which room may import which, and what stays out of each.
//
// The three tables below are the rules; docs/architecture.md says why. Test files are free, since a test may
// put rooms together. It is not a style check. A new room goes into the first table.
package archtest

// module is the import path of this module's root.
const module = "github.com/seed4134be55/peer"

// A pattern names packages by their path. `x` is one package, `x/...` that and everything below, `x/*/...` each room
// directly below x with everything in it. `own` in a list is the room itself with everything in it.

// everywhere may be imported by any room below it in this file.
var everywhere = []string{"fault", "reach"}

// rooms says which of our own packages each may import, beside everywhere. Arrows run one way:
//
//	cmd → node → {swarm, index → discovery} → contentaddr
//
// The first row that fits a package counts.
var rooms = []struct {
	room string
	may  []string
}{
	{"fault", nil},
	{"reach", []string{"fault"}},

	{"contentaddr/...", []string{"own"}},

	// discovery's root is the vocabulary and have a question that modes share. Modes do not know each other.
	{"discovery", []string{"contentaddr/..."}},
	{"discovery/have/...", []string{"own", "discovery", "contentaddr/..."}},
	{"discovery/overlay/...", []string{"own", "discovery", "contentaddr/..."}},
	{"discovery/modetest/...", []string{"own", "discovery", "discovery/overlay", "discovery/sim"}}, // holds modes to their contract there
	{"discovery/*/...", []string{"own", "discovery", "discovery/have", "discovery/overlay", "contentaddr/..."}},

	{"index", []string{"discovery", "contentaddr/..."}},
	{"index/*/...", []string{"own", "index", "discovery", "contentaddr/..."}},

	// swarm meets discovery through small interfaces of its own.
	{"swarm/...", []string{"own", "contentaddr/..."}},

	// node is where parts meet. The rooms in it get what they need handed in: compare, say, the modes as a list.
	{"node", []string{"own", "swarm/...", "discovery/...", "index/...", "contentaddr/..."}},
	{"node/compare/...", []string{"own", "discovery", "discovery/overlay", "discovery/sim"}}, // the overlays come as a list
	{"node/*/...", []string{"own", "swarm", "discovery", "index", "contentaddr/..."}},

	{"cmd/...", []string{"own", "node/...", "contentaddr/..."}},

	// What tests and measurements use; no part of peer imports it.
	{"internal/...", []string{"internal/..."}},
	{"bench/swarmsim/...", []string{"own", "swarm/sim"}}, // simulates; the others measure peer from outside
	{"bench/...", []string{"own", "internal/..."}},
}

// pure packages decide and do nothing: the same code runs over libp2p, in the simulator and in a table test.
var pure = []string{
	"fault",
	"contentaddr/bitfield/...", "contentaddr/link/...", "contentaddr/manifest/...", "contentaddr/names/...", "contentaddr/unixfs/...",
	"discovery/chord/...", "discovery/kademlia/machine/...", "discovery/kelips/...", "discovery/overlay", "discovery/pastry/...",
	"discovery/sim/...",
	"swarm/choker/...", "swarm/pex/...", "swarm/picker/...", "swarm/sim/...", "swarm/spread/...", "swarm/wire/...",
}

// bans says which foreign packages stay out of which rooms.
var bans = []struct {
	in, except   []string // rooms
	ban, allowed []string // import paths
	why          string
}{
	{
		in:  pure,
		ban: []string{"net", "os/...", "log/...", "math/rand"},
		why: "a pure package does no I/O, logs nothing and gets its randomness handed in",
	},
	{
		in:      []string{"contentaddr/..."},
		ban:     []string{"net", "net/http/...", "github.com/libp2p/..."},
		allowed: []string{"github.com/libp2p/go-libp2p/core/peer"},
		why:     "contentaddr knows no network, only libp2p's plain data types",
	},
	{
		in:     []string{"..."},
		except: []string{"node", "discovery/modetest"},
		ban:    []string{"github.com/libp2p/go-libp2p"},
		why:    "libp2p's host is built in node and nowhere else",
	},
	{
		in:     []string{"..."},
		except: []string{"discovery/modetest", "internal/..."},
		ban:    []string{"testing/...", module + "/discovery/modetest"},
		why:    "only tests import what is for tests",
	},
	{
		in:     []string{"..."},
		except: []string{"swarm/bitswap/...", "node/gateway/..."},
		ban:    []string{"github.com/ipfs/boxo/..."},
		why:    "boxo has no maintainer: only where interoperation needs it, never in the core",
	},
}

// calls says which names of a package stay out of pure ones, which may use the package otherwise.
var calls = []struct {
	of, why string
	names   []string
}{
	{
		of:    "time",
		why:   "a pure package has no clock: the time is handed in",
		names: []string{"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"},
	},
	{
		of:  "math/rand/v2",
		why: "a pure package has no global randomness: a seeded source is handed in",
		names: []string{"ExpFloat64", "Float32", "Float64", "Int", "Int32", "Int32N", "Int64", "Int64N", "IntN", "N", "NormFloat64",
			"Perm", "Shuffle", "Uint", "Uint32", "Uint32N", "Uint64", "Uint64N", "UintN"},
	},
}
