package compare

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A lookup fails that does not end or that misses what somebody has; one for what nobody has any more does not.
func TestWhatFails(t *testing.T) {
	var counted tally
	counted.began = 5
	counted.end(true, 2, 0, time.Second, 2, 1, false)  // found one of two
	counted.end(true, 2, 0, time.Second, 2, 0, false)  // both were lost
	counted.end(true, 2, 0, time.Second, 2, 0, true)   // missed
	counted.end(false, 0, 1, time.Second, 2, 0, false) // no answer; and the fifth never ends
	var r Result
	counted.into(&r)
	if r.Success != 0.4 || r.Recall != 0.125 || r.Hops.Mean != 2 || r.Timeouts.Mean != 0.25 {
		t.Errorf("%+v", r)
	}
}

// Somebody keeps what was published, until all who kept it have died.
func TestKept(t *testing.T) {
	c := small
	c.Set = []Setting{{"a", "k", "2"}}
	x, err := newTrial(c, c.Overlays[0])
	if err != nil {
		t.Fatal(err)
	}
	x.clock = newClock(context.Background(), x.sim, func(string) {})
	for _, step := range []func(*Result) error{x.build, x.publish} {
		if err := step(nil); err != nil {
			t.Fatal(err)
		}
	}
	key := x.contents[0].key
	if !x.kept(key) || x.kept(overlay.NameKey("never published")) {
		t.Errorf("kept: %v, and what was never published: %v", x.kept(key), x.kept(overlay.NameKey("never published")))
	}
	for _, p := range x.sim.Live() {
		if x.sim.Machine(p).Keeps(key) {
			x.sim.Crash(p)
		}
	}
	if x.kept(key) {
		t.Error("kept by nobody alive")
	}
}

// A miss is counted where somebody has the record: with answers that hold none, every lookup fails.
func TestMissed(t *testing.T) {
	c := small
	c.Overlays, c.Lookups = []Overlay{kademlia("a")}, 40
	honest := c.Overlays[0].Protocol
	c.Overlays[0].Protocol = func(n int, set []Setting) (overlay.Protocol, error) {
		p, err := honest(n, set)
		made := p.New
		p.New = func(self overlay.Ref, r *rand.Rand) overlay.Machine { return forgetful{made(self, r)} }
		fill := p.Fill
		p.Fill = func(w overlay.World) {
			for i, m := range w.Machines {
				w.Machines[i] = m.(forgetful).Machine
			}
			fill(w)
		}
		return p, err
	}
	if r := run(t, c)[0]; r.Success != 0 || r.Recall != 0 {
		t.Errorf("success %v, recall %v", r.Success, r.Recall)
	}
}

// A forgetful machine finds nothing for its user.
type forgetful struct{ overlay.Machine }

func (f forgetful) Step(now overlay.Time, ev overlay.Event, out *overlay.Actions) {
	f.Machine.Step(now, ev, out)
	for i := range out.List {
		if r := out.List[i].Result; r != nil {
			r.Records = nil
		}
	}
}

// Lookups teach those who ask whom they cannot reach. So before any repair the network is made anew when every peer has
// looked up about one key, five times at most; and only then.
func TestNetworksMade(t *testing.T) {
	for _, c := range []struct {
		fail          float64
		repair        time.Duration
		lookups, want int // lookups for each peer
	}{{0, 0, 5, 1}, {0.3, time.Minute, 5, 1}, {0.3, 0, 1, 1}, {0.3, 0, 3, 3}, {0.3, 0, 10, 5}} {
		made := 0
		config := small
		config.Overlays = []Overlay{kademlia("a")}
		config.Peers, config.Fail, config.Repair, config.Lookups = 40, c.fail, c.repair, 40*c.lookups
		honest := config.Overlays[0].Protocol
		config.Overlays[0].Protocol = func(n int, set []Setting) (overlay.Protocol, error) {
			p, err := honest(n, set)
			fill := p.Fill
			p.Fill = func(w overlay.World) { made++; fill(w) }
			return p, err
		}
		if r := run(t, config)[0]; made != c.want || r.Success < 0.99 {
			t.Errorf("%+v: %d networks, success %v", c, made, r.Success)
		}
	}
}
