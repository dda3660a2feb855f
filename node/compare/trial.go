package compare

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed4134be55/peer/discovery/sim"
)

// A trial is one overlay's run. It belongs to one goroutine.
type trial struct {
	Config
	overlay  Overlay
	sim      *sim.Sim
	rand     *rand.Rand // of the work: the same choices for every overlay, as long as the same peers live
	contents []content
	payload  []byte // of each record
	clock    clock
}

// workStream sets the randomness of the work apart from other uses of the same seed.
const workStream = 0x776f726b

func newTrial(c Config, o Overlay) (*trial, error) {
	p, err := o.Protocol(c.Peers, SettingsOf(o.Name, c.Set))
	if err != nil {
		return nil, fmt.Errorf("--set: %w", err)
	}
	s, err := sim.New(sim.Config{Protocol: p, Peers: c.Peers, Seed: c.Seed, Latency: sim.Internet(c.Seed)})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	return &trial{Config: c, overlay: o, sim: s, payload: anAddress(), rand: rand.New(rand.NewPCG(c.Seed, workStream))}, nil
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
	r.Trace = fmt.Sprintf("%016x", t.sim.Hash())
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
	t.sim.Freeze(false)
	if t.Churn > 0 {
		// Those who leave say goodbye half of the time.
		t.sim.SetChurn(sim.Churn{Joins: t.Churn, Leaves: t.Churn / 2, Crashes: t.Churn / 2})
		return t.pass(t.churnWindow()/2, "settling")
	}
	if err := t.pass(settling, "settling"); err != nil {
		return err
	}
	return t.upkeep(r, t.watch)
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
// tables as they are at this moment, before any (more) repair.
func (t *trial) lookUp(r *Result) error {
	stats := t.sim.Stats()
	before := stats.Lookups()
	var counted tally
	if t.Churn > 0 {
		every := t.churnWindow() / time.Duration(t.Lookups)
		if err := t.upkeep(r, func() error { return t.find(&counted, every) }); err != nil {
			return err
		}
	} else {
		t.sim.Freeze(true)
		if err := t.find(&counted, quick); err != nil {
			return err
		}
	}
	stats = t.sim.Stats()
	after := stats.Lookups()
	counted.into(r)
	r.MessagesPerLookup = ratio(float64(after.Messages-before.Messages), float64(t.Lookups))
	r.BytesPerLookup = ratio(float64(after.Bytes-before.Bytes), float64(t.Lookups))
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
