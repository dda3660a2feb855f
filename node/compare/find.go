package compare

import (
	"slices"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// find has random peers look up n random keys, one after a while each, and waits for all to end.
func (t *trial) find(counted *tally, n int, every time.Duration) error {
	tended := t.sim.Now()
	for range n {
		t.findOne(counted)
		if err := t.clock.pass(every); err != nil {
			return err
		}
		if t.Churn > 0 && t.sim.Now().Sub(tended) > tending {
			t.tend()
			tended = t.sim.Now()
		}
		t.clock.share("looking up", counted.began, t.Lookups)
	}
	return t.await(func() bool { return counted.ended == counted.began })
}

func (t *trial) findOne(counted *tally) {
	c := t.contents[t.rand.IntN(len(t.contents))]
	ids := t.living(c)
	began := t.sim.Now()
	counted.began++
	t.sim.Call(t.randomPeer(), overlay.Op{Kind: overlay.Find, Key: c.key}, func(r *overlay.Result) {
		n := found(ids, r.Records)
		missed := n == 0 && len(ids) > 0 && t.kept(c.key)
		counted.end(r.Err == nil, r.Hops(), r.Timeouts, t.sim.Now().Sub(began), len(ids), n, missed)
	})
}

// kept reports whether a live peer has a record of key. If all who had one died, no lookup could have found it.
func (t *trial) kept(key overlay.Key) bool {
	return slices.ContainsFunc(t.sim.Live(), func(p int) bool {
		return slices.ContainsFunc(t.sim.Nodes(p), func(node overlay.Ref) bool { return t.sim.MachineOf(node).Keeps(key) })
	})
}

// await lets time pass until done, or until nobody would wait any longer.
func (t *trial) await(done func() bool) error {
	for end := t.sim.Now().Add(patience); !done() && t.sim.Now() < end; {
		if err := t.clock.pass(100 * time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// watch lets time go by until enough has been seen.
func (t *trial) watch() error {
	t.clock.say("running")
	steps, end := t.sim.Stats().Steps+busySteps, t.sim.Now().Add(maxWatch)
	for least := t.sim.Now().Add(minWatch); t.sim.Now() < least || t.sim.Now() < end && t.sim.Stats().Steps < steps; {
		if err := t.clock.pass(minWatch); err != nil {
			return err
		}
	}
	return nil
}

// pass lets time go by, with what users do meanwhile.
func (t *trial) pass(d time.Duration, what string) error {
	steps := int((d + tending - 1) / tending)
	for i := range steps {
		if err := t.clock.pass(min(tending, d-time.Duration(i)*tending)); err != nil {
			return err
		}
		if t.Churn > 0 {
			t.tend()
		}
		t.clock.share(what, i+1, steps)
	}
	return nil
}
