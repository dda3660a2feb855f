package systemtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seed4134be55/peer/internal/netlab"
	"github.com/seed4134be55/peer/internal/process"
	"github.com/seed4134be55/peer/internal/swarmlab"
)

// The swarms of docs/performance.md, small: what starting costs weighs more in them, and other tests may run beside
// them, so ratios of time are held to less. What is counted is held to the same.
var smallSwarms = map[string]map[string]float64{
	"crowd8": {
		"slowest over the bound":                      2.2,
		"copies that the seed sent":                   1.5,
		"bytes that came twice, in % of those wanted": 12,
		"bytes of messages, in % of those wanted":     0.5,
	},
	"slowseed":   {"slowest over the bound": 1.8, "copies that the seed sent": 1.8},
	"seedstops":  {"downloads that completed": 8},
	"late":       {"slowest of the last four over the bound": 2},
	"sources":    {"rate over the sum of the sources'": 0.45},
	"smallfiles": {"slowest over the bound": 2.5},
	"freeriders": {"slowest of the six over the same without the two": 1.8},
	"router":     {"copies that crossed the router, both ways": 1.8},
}

// Each case completes with what was shared, and within its limits.
func TestSwarms(t *testing.T) {
	netlab.Require(t)
	peer, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := scratch()
	if err != nil {
		t.Fatal(err)
	}
	baseline := filepath.Join(dir, "baseline")
	if err := process.Build(t.Context(), "bench/baseline", ".", baseline); err != nil {
		t.Fatal(err)
	}
	for name, limits := range smallSwarms {
		t.Run(name, func(t *testing.T) {
			cfg := swarmlab.Config{
				Peer: peer, Baseline: baseline, Dir: memory(t), Bytes: 24 * mib, Files: 500, Rate: 40, Log: t.Logf,
				Share: []string{"--profile", "unixfs-v0-2015"}, // with a quarter of the size they have as many leaves
			}
			if name == "slowseed" {
				cfg.Bytes /= 2
			}
			figures, err := swarmlab.Run(t.Context(), name, cfg)
			if err != nil {
				t.Fatal(err)
			}
			met := 0
			for _, f := range figures {
				limit, held := limits[f.What]
				t.Logf("%s: %.3f", f.What, f.Got)
				if f.Reach = limit; held && !f.Reached() {
					t.Errorf("%s: %.3f, not %v", f.What, f.Got, limit)
				}
				if held {
					met++
				}
			}
			if met != len(limits) {
				t.Errorf("%d of %d limits are of no figure", len(limits)-met, len(limits))
			}
		})
	}
}

// memory is a folder that is no disk, where there is one: nine homes on one disk would be what is measured.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "peer-systemtest")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
