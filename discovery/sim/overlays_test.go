package sim_test

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/chord"
	"github.com/seed4134be55/peer/discovery/kademlia/machine"
	"github.com/seed4134be55/peer/discovery/kelips"
	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/pastry"
	"github.com/seed4134be55/peer/discovery/sim"
)

// overlays are all that there are, for networks of a size.
var overlays = []struct {
	name string
	make func(n int) (overlay.Protocol, error)
}{
	{"chord", func(n int) (overlay.Protocol, error) { return chord.Protocol(chord.Config{Size: n}) }},
	{"pastry", func(n int) (overlay.Protocol, error) { return pastry.Protocol(pastry.Config{Size: n}) }},
	{"kelips", func(n int) (overlay.Protocol, error) { return kelips.Protocol(kelips.Config{Size: n}) }},
	{"kademlia", func(int) (overlay.Protocol, error) { return machine.Protocol(machine.Config{}) }},
}

// Every overlay runs alike from the same seed, on however many processors, and whether or not its messages are encoded and
// decoded on their way.
func TestOverlaysReplay(t *testing.T) {
	for _, o := range overlays {
		t.Run(o.name, func(t *testing.T) {
			p, err := o.make(60)
			if err != nil {
				t.Fatal(err)
			}
			one := eventful(t, sim.Config{Protocol: p, Seed: 11})
			checked := eventful(t, sim.Config{Protocol: p, Seed: 11, Check: true})
			if checked.Rejected > 0 {
				t.Errorf("%d messages were rejected: %v", checked.Rejected, checked.Why)
			}
			old := runtime.GOMAXPROCS(1)
			again := eventful(t, sim.Config{Protocol: p, Seed: 11})
			runtime.GOMAXPROCS(old)
			if one != again {
				t.Errorf("on one processor\n%+v, on %d\n%+v", again, old, one)
			}
			if one != checked {
				t.Errorf("as it is\n%+v, encoded and decoded\n%+v", one, checked)
			}
			if other := eventful(t, sim.Config{Protocol: p, Seed: 12}); other.hash == one.hash {
				t.Error("another seed gives the same trace")
			}
		})
	}
}

type outcome struct {
	sim.Stats
	hash uint64
}

// eventful grows a network and has peers join, leave, crash, publish and look up in it, and parts it for a while.
func eventful(t *testing.T, c sim.Config) outcome {
	t.Helper()
	c.Latency, c.Loss = sim.Internet(c.Seed), 0.01
	s, err := sim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Grow(40, 2*time.Second)
	s.SetChurn(sim.Churn{Joins: 0.1, Leaves: 0.05, Crashes: 0.05})
	for i := range 60 {
		at, key := s.Random(), overlay.NameKey(strconv.Itoa(i/3))
		op := overlay.Op{Kind: overlay.Publish, Key: key, Record: s.Record(at, key, overlay.Value, time.Hour, []byte("v"))}
		if i%3 > 0 {
			op = overlay.Op{Kind: overlay.OpKind(i%3 - 1), Key: key}
		}
		s.Call(at, op, func(*overlay.Result) {})
		s.Run(3 * time.Second)
		if i == 30 {
			s.Partition(func(peer int) int { return peer % 2 })
		}
	}
	s.Heal()
	s.CrashShare(0.2)
	s.Run(2 * time.Minute)
	return outcome{s.Stats(), s.Hash()}
}
