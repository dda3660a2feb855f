package archtest

import (
	"strings"
	"testing"
	"testing/fstest"
)

// Each rule bites: a file that breaks it is named, with the import and the reason.
func TestRulesBite(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"discovery/lan/a.go", `import "` + module + `/discovery/kademlia"`, "imports discovery/kademlia"},
		{"discovery/lan/a.go", `import "` + module + `/index"`, "imports index"},
		{"discovery/mux.go", `import "` + module + `/discovery/lan"`, "imports discovery/lan"},
		{"index/central/a.go", `import "` + module + `/index/tracker"`, "imports index/tracker"},
		{"index/central/a.go", `import "` + module + `/discovery/lan"`, "imports discovery/lan"},
		{"swarm/a.go", `import "` + module + `/discovery"`, "imports discovery"},
		{"swarm/a.go", `import "` + module + `/node"`, "imports node"},
		{"contentaddr/store/a.go", `import "` + module + `/swarm/wire"`, "imports swarm/wire"},
		{"contentaddr/store/a.go", `import "github.com/libp2p/go-libp2p/core/host"`, "knows no network"},
		{"contentaddr/store/a.go", `import "net"`, "knows no network"},
		{"node/gateway/a.go", `import "` + module + `/node/mount"`, "imports node/mount"},
		{"node/compare/a.go", `import "` + module + `/discovery/kademlia"`, "imports discovery/kademlia"},
		{"cmd/peer/a.go", `import "` + module + `/swarm"`, "imports swarm"},
		{"cmd/peer/a.go", `import "` + module + `/internal/netlab"`, "imports internal/netlab"},
		{"fault/a.go", `import "` + module + `/reach"`, "imports reach"},
		{"bench/a.go", `import "` + module + `/swarm/sim"`, "imports swarm/sim"},
		{"bench/swarmsim/a.go", `import "` + module + `/swarm"`, "imports swarm"},
		{"swarm/sim/a.go", "import \"time\"\nvar _ = time.Now", "uses time.Now"},
		{"node/api/a.go", `import "github.com/libp2p/go-libp2p"`, "built in node"},
		{"cmd/peer/a_windows.go", `import "github.com/libp2p/go-libp2p"`, "built in node"},
		{"node/a.go", `import "` + module + `/discovery/modetest"`, "what is for tests"},
		{"contentaddr/store/a.go", `import "testing/iotest"`, "what is for tests"},
		{"swarm/a.go", `import "github.com/ipfs/boxo/bitswap"`, "boxo has no maintainer"},
		{"swarm/picker/a.go", `import "os"`, "does no I/O"},
		{"swarm/wire/a.go", `import "log/slog"`, "does no I/O"},
		{"swarm/choker/a.go", "import \"time\"\nvar _ = time.Now", "uses time.Now"},
		{"swarm/choker/a.go", "import clock \"time\"\nvar _ = clock.Since", "uses time.Since"},
		{"swarm/choker/a.go", "import \"math/rand/v2\"\nvar _ = rand.IntN", "uses math/rand/v2.IntN"},
		{"contentaddr/names/a.go", "func f() { go f() }", "starts a goroutine"},
		{"helpers/a.go", "", "no row of rooms"},
	} {
		broken, err := check(moduleOf(c.name, c.source))
		if err != nil {
			t.Errorf("%s with %s: %v", c.name, c.source, err)
			continue
		}
		if len(broken) != 1 || !strings.HasPrefix(broken[0], c.name+": ") || !strings.Contains(broken[0], c.want) {
			t.Errorf("%s with %s: %q, want one line about %q", c.name, c.source, broken, c.want)
		}
	}
}

// What the rules allow passes.
func TestRulesLetPass(t *testing.T) {
	for _, c := range []struct{ name, source string }{
		{"discovery/lan/a.go", `import "` + module + `/discovery/have"`},
		{"index/central/a.go", `import "` + module + `/discovery"`},
		{"swarm/bitswap/a.go", `import "github.com/ipfs/boxo/bitswap"`},
		{"swarm/choker/a.go", "import \"time\"\nfunc f(now time.Time) time.Duration { return time.Second }"},
		{"swarm/picker/a.go", "import \"math/rand/v2\"\nfunc f(r *rand.Rand) int { return r.IntN(3) }"},
		{"contentaddr/link/a.go", "import (\n\"net/url\"\n\"github.com/libp2p/go-libp2p/core/peer\"\n)"},
		{"bench/swarmsim/a.go", `import "` + module + `/swarm/sim"`},
		{"node/host.go", `import "github.com/libp2p/go-libp2p"`},
		{"swarm/a_test.go", `import "` + module + `/node"`},
		{"bench/baseline/main.go", `import "` + module + `/node"`}, // a module of its own
		{"contentaddr/testdata/a.go", `import "net"`},
	} {
		if broken, err := check(moduleOf(c.name, c.source)); err != nil || len(broken) > 0 {
			t.Errorf("%s with %s: %q, %v", c.name, c.source, broken, err)
		}
	}
}

// moduleOf is a module of one file, beside a nested module.
func moduleOf(name, source string) fstest.MapFS {
	return fstest.MapFS{
		"go.mod":                &fstest.MapFile{},
		"bench/baseline/go.mod": &fstest.MapFile{},
		name:                    &fstest.MapFile{Data: []byte("package a\n" + source)},
	}
}
