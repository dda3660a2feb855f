package compare

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/kademlia/machine"
	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

// kademlia is an overlay to try things on, twice by two names.
func kademlia(name string) Overlay {
	return Overlay{name, MaxPeers, func(_ int, set []Setting) (overlay.Protocol, error) {
		var c machine.Config
		for _, s := range set {
			if err := c.Set(s.Name, s.Value); err != nil {
				return overlay.Protocol{}, err
			}
		}
		return machine.Protocol(c)
	}}
}

func run(t *testing.T, c Config) []Result {
	t.Helper()
	var all []Result
	if err := Run(t.Context(), c, func(string, string) {}, func(r Result) { all = append(all, r) }); err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		t.Logf("%s", r.Line())
	}
	return all
}

var small = Config{Overlays: []Overlay{kademlia("a"), kademlia("b")}, Peers: 150, Lookups: 200, Seed: 1}

// The same seed gives the same lines in the same order, on however many processors.
func TestSameSeedSameLine(t *testing.T) {
	lines := func() (all []byte) {
		for _, r := range run(t, small) {
			all = append(append(all, r.Line()...), '\n')
		}
		return all
	}
	many := lines()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if one := lines(); !bytes.Equal(one, many) {
		t.Errorf("on one processor:\n%s\non several:\n%s", one, many)
	}
	other := small
	other.Seed = 2
	if r := run(t, other); bytes.Contains(many, []byte(r[0].Trace)) {
		t.Error("another seed gives the same trace")
	}
}

func TestStatic(t *testing.T) {
	for _, r := range run(t, small) {
		if r.Success != 1 || r.Recall < 0.999 || r.Hops.Mean < 1 || r.Hops.Mean > 4 || r.Timeouts.Mean != 0 {
			t.Errorf("%+v", r)
		}
		if r.MessagesPerLookup < r.Hops.Mean || r.BytesPerLookup < 20*r.MessagesPerLookup || r.Latency.P50 <= 0 || r.Latency.P99 < r.Latency.P50 {
			t.Errorf("%+v", r)
		}
		if r.State <= 0 || r.Load.P1 > 1 || r.Load.P99 < 1 || r.Load.Max < r.Load.P99 {
			t.Errorf("%+v", r)
		}
	}
}

// Peers that died cost timeouts, and less after a repair.
func TestFail(t *testing.T) {
	c := small
	c.Overlays = c.Overlays[:1]
	c.Fail = 0.3
	before := run(t, c)[0]
	c.Repair, c.Set = 20*time.Minute, []Setting{{"a", "refresh", "2m"}}
	after := run(t, c)[0]
	if before.Timeouts.Mean < 0.5 || after.Timeouts.Mean >= before.Timeouts.Mean {
		t.Errorf("timeouts: %v, repaired %v", before.Timeouts.Mean, after.Timeouts.Mean)
	}
	if before.Success < 0.99 || after.Success < 0.99 {
		t.Errorf("success: %v, repaired %v", before.Success, after.Success)
	}
}

func TestChurn(t *testing.T) {
	c := small
	c.Overlays, c.Peers, c.Churn = c.Overlays[:1], 60, 0.01
	for _, r := range run(t, c) {
		if r.Success < 0.97 || r.Success == 1 && r.Timeouts.Mean == 0 || r.Maintenance <= 0 {
			t.Errorf("%+v", r)
		}
	}
}

func TestBadConfig(t *testing.T) {
	for words, change := range map[string]func(*Config){
		"--peers 1:":                    func(c *Config) { c.Peers = 1 },
		"--peers 1000001:":              func(c *Config) { c.Peers = MaxPeers + 1 },
		"--lookups 0:":                  func(c *Config) { c.Lookups = 0 },
		"--lookups 10000001:":           func(c *Config) { c.Lookups = MaxLookups + 1 },
		"--fail 1:":                     func(c *Config) { c.Fail = 1 },
		"--fail -0.1:":                  func(c *Config) { c.Fail = -0.1 },
		"fewer than two would be left":  func(c *Config) { c.Peers, c.Fail = 10, 0.9 },
		"nothing fails: add --fail":     func(c *Config) { c.Repair = time.Minute },
		"--repair 25h0m0s:":             func(c *Config) { c.Fail, c.Repair = 0.1, 25*time.Hour },
		"--churn 16:":                   func(c *Config) { c.Churn = 16 },
		"c is not simulated":            func(c *Config) { c.Set = []Setting{{"c", "k", "3"}} },
		"there are k, alpha":            func(c *Config) { c.Set = []Setting{{"b", "kk", "3"}} },
		"b takes at most 100, more do ": func(c *Config) { c.Overlays = slices.Clone(c.Overlays); c.Overlays[1].Most = 100 },
	} {
		c := small
		change(&c)
		err := Run(t.Context(), c, nil, nil)
		if fault.KindOf(err) != fault.BadInput || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
}

// Whoever stops it does not wait for it.
func TestStop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := small
	c.Lookups = MaxLookups
	began := make(chan struct{}, 64)
	done := make(chan error)
	go func() {
		done <- Run(ctx, c, func(string, string) {
			select {
			case began <- struct{}{}:
			default:
			}
		}, nil)
	}()
	<-began
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on")
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	for p, want := range map[int]int{1: 1, 50: 50, 99: 99, 100: 100} {
		if got := percentile(hundred, p); got != want {
			t.Errorf("%d %%: %d", p, got)
		}
	}
	if got := percentile([]int{7}, 1); got != 7 {
		t.Error(got)
	}
	if got := percentile([]float64(nil), 50); got != 0 {
		t.Error(got)
	}
}

func TestParseSetting(t *testing.T) {
	if s, err := ParseSetting("chord.successors=2=0"); err != nil || s != (Setting{"chord", "successors", "2=0"}) {
		t.Errorf("%v, %v", s, err)
	}
	for _, bad := range []string{"", "chord", "chord.successors", "chord.=1", ".successors=1", "chord.successors=", "successors=1", "a=b.c"} {
		if s, err := ParseSetting(bad); fault.KindOf(err) != fault.BadInput {
			t.Errorf("%q: %v, %v", bad, s, err)
		}
	}
}
