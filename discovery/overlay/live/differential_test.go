package live

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery/kademlia/machine"
	"github.com/seed4134be55/peer/discovery/modetest"
	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
)

// The same 32 peers with the same tables do the same in both drivers: each lookup ends at the same peers, over the same
// hops, with as many messages; and what one published the others find. Timers wait, so that nothing else is said.
func TestDriversAgree(t *testing.T) {
	for _, p := range overlays(t) {
		if p.Name == "kademlia" {
			// Questions of one lookup run side by side, and which answer comes first is for the network to say: one at a time.
			var err error
			if p, err = machine.Protocol(machine.Config{Alpha: 1}); err != nil {
				t.Fatal(err)
			}
		}
		t.Run(p.Name, func(t *testing.T) {
			modetest.NoLeaks(t)
			hosts := modetest.Hosts(t, 32)
			p := settledBy(p, rand.Uint64(), t)
			one, other := simulated(t, p, hosts), between(t, p, hosts)
			for i := range 8 {
				key := overlay.NameKey(fmt.Sprint("key ", i))
				publish, find := 5*i%32, (7*i+3)%32
				for _, op := range []struct {
					at int
					op overlay.Op
				}{{publish, overlay.Op{Kind: overlay.Publish}}, {find, overlay.Op{Kind: overlay.Find}}, {find, overlay.Op{Kind: overlay.Route}}} {
					op.op.Key = key
					want, got := one(op.at, op.op), other(op.at, op.op)
					if want != got {
						t.Errorf("key %d, operation %d at peer %d:\nsim    %s\nlibp2p %s", i, op.op.Kind, op.at, want, got)
					}
				}
			}
		})
	}
}

const roundTrip = time.Millisecond

// settledBy makes what a protocol takes from chance the same for both drivers.
func settledBy(p overlay.Protocol, seed uint64, t *testing.T) overlay.Protocol {
	t.Logf("seed %d", seed)
	fill, make := p.Fill, p.New
	p.New = func(self overlay.Ref, _ *rand.Rand) overlay.Machine {
		return make(self, rand.New(rand.NewPCG(seed, uint64(self.Handle))))
	}
	p.Fill = func(w overlay.World) {
		w.Rand = rand.New(rand.NewPCG(seed, 0))
		w.Distance = func(a, b overlay.Ref) time.Duration { return roundTrip } // as it is measured between these hosts
		fill(w)
	}
	return p
}

// A driver runs an operation and says how it ended.
type driver func(at int, op overlay.Op) string

func simulated(t *testing.T, p overlay.Protocol, hosts []host.Host) driver {
	var ids []peer.ID
	for _, h := range hosts {
		ids = append(ids, h.ID())
	}
	s, err := sim.New(sim.Config{Protocol: p, Peers: len(ids), IDs: ids, Check: true, Latency: sim.Constant(roundTrip / 2)})
	if err != nil {
		t.Fatal(err)
	}
	s.Freeze(true)
	s.Fill()
	s.Run(time.Second)
	messages := func() (n uint64) {
		st := s.Stats()
		for _, c := range st.Calls {
			n += c.Messages
		}
		return n + st.Maintenance.Messages
	}
	return func(at int, op overlay.Op) string {
		if op.Kind == overlay.Publish {
			op.Record = s.Record(at, op.Key, overlay.Value, time.Hour, []byte("value"))
		}
		before := messages()
		r := s.Do(at, op)
		s.Run(time.Second)
		said := outcome{published: op.Kind == overlay.Publish, messages: messages() - before, err: r.Err, timeouts: r.Timeouts}
		for _, o := range r.Owners {
			said.owners = append(said.owners, s.ID(s.PeerOf(o)))
		}
		for _, h := range r.Path {
			said.hops = append(said.hops, s.ID(s.PeerOf(h.Node)))
		}
		for _, rec := range r.Records {
			said.records = append(said.records, rec.Publisher)
		}
		return said.String()
	}
}

// between runs the same peers between hosts that are all connected.
func between(t *testing.T, p overlay.Protocol, hosts []host.Host) driver {
	var modes []*Mode
	for _, h := range hosts {
		m := newMode(t, Config{Host: h, Network: "test", Protocol: p})
		m.loop.frozen = true
		for _, o := range hosts { // the handles that the simulator gives
			if _, err := m.loop.book.ref(nodeID{peer: o.ID()}); err != nil {
				t.Fatal(err)
			}
		}
		m.loop.book.swept = maxNodes
		if err := m.loop.populate(); err != nil {
			t.Fatal(err)
		}
		modes = append(modes, m)
	}
	w := overlay.World{Now: modes[0].loop.clock.now()}
	for _, m := range modes {
		w.Nodes = append(w.Nodes, m.loop.selves[0])
	}
	slices.SortFunc(w.Nodes, func(a, b overlay.Ref) int { return a.ID.Compare(b.ID) })
	for _, n := range w.Nodes {
		w.Machines = append(w.Machines, modes[n.Handle-1].loop.machines[0])
	}
	p.Fill(w)
	for i, h := range hosts {
		for _, o := range hosts[:i] {
			modetest.Connect(t, h, o)
		}
	}
	for _, m := range modes {
		m.unmet = true
		modetest.Go(t, m)
	}
	for _, m := range modes {
		modetest.Until(t, "it runs", func() bool { return m.Census().Peers > 0 })
	}
	messages := func() (n uint64) {
		for _, m := range modes {
			n += m.Stats().Messages
		}
		return n
	}
	return func(at int, op overlay.Op) string {
		if op.Kind == overlay.Publish {
			var err error
			if op.Record, err = modes[at].publisher.record(op.Key, overlay.Value, []byte("value")); err != nil {
				t.Fatal(err)
			}
		}
		before := messages()
		o, err := modes[at].Call(t.Context(), op)
		if err != nil {
			t.Fatal(err)
		}
		said := outcome{published: op.Kind == overlay.Publish, err: o.Err, timeouts: o.Timeouts}
		for _, s := range o.Owners {
			said.owners = append(said.owners, s.Peer)
		}
		for _, s := range o.Path {
			said.hops = append(said.hops, s.Peer)
		}
		for _, rec := range o.Records {
			said.records = append(said.records, rec.Publisher)
		}
		said.messages = quiet(t, messages) - before
		return said.String()
	}
}

// quiet returns how many messages there are once it is still: what an operation sets off may outlast it.
func quiet(t *testing.T, messages func() uint64) uint64 {
	last, since := messages(), time.Now()
	modetest.Until(t, "it is still", func() bool {
		if now := messages(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > 50*time.Millisecond
	})
	return last
}

type outcome struct {
	published             bool
	messages              uint64
	timeouts              int
	err                   error
	owners, hops, records []peer.ID
}

func (o outcome) String() string {
	if o.published { // by several at once: whose answer comes first is for the network to say
		slices.Sort(o.owners)
		return fmt.Sprintf("%d messages, %d hops, %d timeouts, %v\n  owners %v", o.messages, len(o.hops), o.timeouts, o.err, o.owners)
	}
	return fmt.Sprintf("%d messages, %d timeouts, %v\n  owners %v\n  hops %v\n  records %v", o.messages, o.timeouts, o.err,
		o.owners, o.hops, o.records)
}
