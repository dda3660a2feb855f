package compare

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
)

// A trial is one overlay's run. It belongs to one goroutine.
type trial struct {
	Config
	overlay  Overlay
	protocol overlay.Protocol
	sim      *sim.Sim
	rand     *rand.Rand // of the work: the same choices for every overlay, as long as the same peers live
	contents []content
	payload  []byte // of each record
	clock    clock
	watched  time.Duration // how long the first network was watched
	trace    uint64        // of the networks before this one: see again
}

// The streams of randomness of what is published and of what is looked up, apart from other uses of the same seed.
const (
	publishStream = 0x776f726b + iota
	lookUpStream
)

func newTrial(c Config, o Overlay) (*trial, error) {
	p, err := o.Protocol(c.Peers, SettingsOf(o.Name, c.Set))
	if err != nil {
		return nil, fmt.Errorf("--set: %w", err)
	}
	t := &trial{Config: c, overlay: o, protocol: p, payload: anAddress()}
	return t, t.open()
}

// open makes the network, with nobody in it yet.
func (t *trial) open() error {
	s, err := sim.New(sim.Config{Protocol: t.protocol, Peers: t.Peers, Seed: t.Seed, Latency: sim.Internet(t.Seed)})
	if err != nil {
		return fmt.Errorf("%s: %w", t.overlay.Name, err)
	}
	t.sim, t.clock.sim, t.rand = s, s, rand.New(rand.NewPCG(t.Seed, publishStream))
	return nil
}

// run does the work, telling what it is at, and returns what it came to.
func (t *trial) run(ctx context.Context, say func(what string)) (Result, error) {
	t.clock = newClock(ctx, t.sim, say)
	r := Result{Event: "result", Mode: t.overlay.Name, Driver: "sim", Peers: t.Peers, Lookups: t.Lookups}
	for _, step := range []func(*Result) error{t.build, t.publish, t.settle, t.fail, t.lookUp, t.census} {
		if err := step(&r); err != nil {
			return r, err
		}
	}
	r.Trace = fmt.Sprintf("%016x", t.trace+t.sim.Hash())
	return r, nil
}

// build makes the peers, with the tables that they would have once all joins have settled. Their timers wait until
// settle.
func (t *trial) build(*Result) error {
	t.clock.say("building")
	t.sim.Fill()
	t.sim.Freeze(true)
	return t.clock.ctx.Err()
}

// settle lets the network run for a while, so that what was published gets where it belongs and timers are out of step,
// and then measures what it sends when nobody looks anything up.
func (t *trial) settle(r *Result) error {
	if t.Churn > 0 {
		t.sim.Freeze(false)
		// Those who leave say goodbye half of the time.
		t.sim.SetChurn(sim.Churn{Joins: t.Churn, Leaves: t.Churn / 2, Crashes: t.Churn / 2})
		return t.pass(t.churnWindow()/2, "settling")
	}
	if err := t.calm(r); err != nil {
		return err
	}
	began := t.sim.Now()
	err := t.upkeep(r, t.watch)
	t.watched = t.sim.Now().Sub(began)
	return err
}

// calm lets what was published get where it belongs, and, if that was watched once, as much time pass as then.
func (t *trial) calm(*Result) error {
	t.sim.Freeze(false)
	return t.pass(settling+t.watched, "settling")
}

// upkeep measures what maintenance costs while do lets time pass.
func (t *trial) upkeep(r *Result, do func() error) error {
	before, began := t.sim.Stats().Maintenance.Bytes, t.sim.Now()
	err := do()
	seconds := t.sim.Now().Sub(began).Seconds()
	r.Maintenance = ratio(float64(t.sim.Stats().Maintenance.Bytes-before), seconds*float64(len(t.sim.Live())))
	return err
}

// fail has a share of the peers die at once, and gives the others time to repair what that broke.
func (t *trial) fail(*Result) error {
	if t.Fail == 0 {
		return nil
	}
	t.sim.CrashShare(t.Fail)
	return t.pass(t.Repair, "repairing")
}

// lookUp has random peers look up random keys. Unless peers come and go, timers wait meanwhile: what is measured are the
// tables as they are at this moment, before any (more) repair. Lookups repair too, as each timeout teaches the asker, so
// where peers have just died, every peer looks up about one key, and then it all begins again.
func (t *trial) lookUp(r *Result) error {
	var counted tally
	work := rand.New(rand.NewPCG(t.Seed, lookUpStream))
	batch := t.Lookups
	if t.Fail > 0 && t.Repair == 0 {
		batch = max(t.Peers, (t.Lookups+maxAgain-1)/maxAgain)
	}
	for counted.began < t.Lookups {
		if counted.began > 0 {
			if err := t.again(); err != nil {
				return err
			}
		}
		t.rand = work
		if err := t.lookUpSome(&counted, min(batch, t.Lookups-counted.began), r); err != nil {
			return err
		}
	}
	counted.into(r)
	return nil
}

// again makes the network as it was when its peers had died.
func (t *trial) again() error {
	t.trace += t.sim.Hash()
	if err := t.open(); err != nil {
		return err
	}
	for _, step := range []func(*Result) error{t.build, t.publish, t.calm, t.fail} {
		if err := step(nil); err != nil {
			return err
		}
	}
	return nil
}

func (t *trial) lookUpSome(counted *tally, n int, r *Result) error {
	stats := t.sim.Stats()
	before := stats.Lookups()
	find := func() error { return t.find(counted, n, quick) }
	if t.Churn > 0 {
		find = func() error {
			every := t.churnWindow() / time.Duration(t.Lookups)
			return t.upkeep(r, func() error { return t.find(counted, n, every) })
		}
	} else {
		t.sim.Freeze(true)
	}
	if err := find(); err != nil {
		return err
	}
	stats = t.sim.Stats()
	after := stats.Lookups()
	counted.messages += after.Messages - before.Messages
	counted.bytes += after.Bytes - before.Bytes
	return nil
}

// census counts what the peers hold at the end.
func (t *trial) census(r *Result) error {
	live := t.sim.Live()
	keys := make([]int, len(live))
	bytes := 0
	for i, p := range live {
		for _, node := range t.sim.Nodes(p) {
			c := t.sim.MachineOf(node).Census()
			keys[i] += c.Keys
			bytes += c.Bytes
		}
	}
	r.State = ratio(float64(bytes), float64(len(live)))
	r.setLoad(keys)
	return nil
}
