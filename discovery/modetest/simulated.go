package modetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
	"github.com/seed4134be55/peer/fault"
)

// What passes in a simulated world, in virtual time. Machines have their usual periods there.
const (
	simLife    = 3 * time.Hour
	simAgain   = time.Hour
	simSettles = 10 * time.Minute // after peers have come
	simRepairs = 2 * time.Hour
	simPause   = 5 * time.Second // between two looks
	stretch    = 60              // of a setting's times, as lookups there wait as long for the dead as they do on a long way
)

// Simulated makes worlds in virtual time. All messages are encoded, decoded and verified on their way.
func Simulated(p overlay.Protocol) Maker {
	return func(t *testing.T, s Setting) World {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		w := &simulated{life: cmp.Or(stretch*s.Life, simLife), again: cmp.Or(stretch*s.Again, simAgain), protocol: p}
		lying := p
		lying.New = func(self overlay.Ref, r *rand.Rand) overlay.Machine { return Lying(p, w.lie).New(self, r) }
		var err error
		if w.sim, err = sim.New(sim.Config{Protocol: lying, Seed: seed, Check: true}); err != nil {
			t.Fatal(err)
		}
		return w
	}
}

type simulated struct {
	mu          sync.Mutex // guards all: virtual time passes for one at a time
	sim         *sim.Sim
	protocol    overlay.Protocol
	lie         Lie // of whoever joins
	life, again time.Duration
	said        []saying
	sides       func(i int) int
}

// A saying is what a peer publishes, and publishes again.
type saying struct {
	peer    int
	key     overlay.Key
	kind    overlay.RecordKind
	payload []byte
	next    overlay.Time
}

func (w *simulated) Join(t *testing.T, n int) (peers []Peer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range n {
		i := w.sim.Join()
		peers = append(peers, Peer{ID: w.sim.ID(i), Mode: &simMode{w, i}})
		w.pass(time.Second)
	}
	return peers
}

func (w *simulated) JoinLiar(t *testing.T, lie Lie) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lie = lie
	w.sim.Join()
	w.lie = Honest
}

func (w *simulated) Settle(*testing.T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pass(simSettles)
}

func (w *simulated) Leave(_ *testing.T, i int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sim.Leave(i)
}

func (w *simulated) Crash(_ *testing.T, i int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sim.Crash(i)
}

func (w *simulated) Cut(_ *testing.T, side func(i int) int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sides = side
	w.sim.Partition(side)
}

func (w *simulated) Heal(*testing.T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sim.Heal()
	for i := range w.sim.Peers() {
		if w.sim.Alive(i) && w.sides(i) != w.sides(0) {
			w.sim.Meet(0, i)
			return
		}
	}
}

func (w *simulated) Until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for range int(simRepairs / simPause) {
		if cond() {
			return
		}
		w.mu.Lock()
		w.pass(simPause)
		w.mu.Unlock()
	}
	t.Fatalf("waited %v of virtual time in vain: %s", simRepairs, what)
}

// pass lets time pass and has peers publish again what is due. The world is locked.
func (w *simulated) pass(d time.Duration) {
	for end := w.sim.Now().Add(d); w.sim.Now() < end; {
		next := end
		for i := range w.said {
			s := &w.said[i]
			if s.next <= w.sim.Now() {
				s.next = w.sim.Now().Add(w.again)
				w.publish(*s, func(*overlay.Result) {})
			}
			next = min(next, s.next)
		}
		w.sim.Run(max(next, w.sim.Now()+1).Sub(w.sim.Now()))
	}
}

func (w *simulated) publish(s saying, done func(*overlay.Result)) {
	if w.sim.Alive(s.peer) {
		r := w.sim.Record(s.peer, s.key, s.kind, w.life, s.payload)
		w.sim.Call(s.peer, overlay.Op{Kind: overlay.Publish, Key: s.key, Record: r}, done)
	}
}

// A simMode is the mode of one simulated peer. Time passes while it is asked.
type simMode struct {
	world *simulated
	peer  int
}

func (m *simMode) Name() string { return m.world.protocol.Name }

func (m *simMode) Caps() discovery.Caps {
	return discovery.Caps{Provide: true, Find: true, Values: true, Route: true}
}

// Run has nothing to do: the world runs its peers.
func (m *simMode) Run(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (m *simMode) Provide(_ context.Context, c cid.Cid, _ bool) error {
	return m.say(overlay.ContentKey(c.Hash()), overlay.Provider, overlay.AppendAddrs(nil, nil))
}

func (m *simMode) say(key overlay.Key, kind overlay.RecordKind, payload []byte) error {
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	s := saying{m.peer, key, kind, payload, m.world.sim.Now().Add(m.world.again)}
	m.world.said = slices.DeleteFunc(m.world.said, func(o saying) bool { return o.peer == s.peer && o.key == key && o.kind == kind })
	m.world.said = append(m.world.said, s)
	var result *overlay.Result
	m.world.publish(s, func(r *overlay.Result) { result = r })
	for range int(time.Hour / time.Second) {
		if result != nil {
			break
		}
		m.world.pass(time.Second)
	}
	if result == nil {
		return errors.New("publishing did not end within an hour of virtual time")
	}
	if errors.Is(result.Err, overlay.ErrAlone) {
		return nil
	}
	return result.Err
}

func (m *simMode) do(op overlay.Op) *overlay.Result {
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	return m.world.sim.Do(m.peer, op)
}

func (m *simMode) records(key overlay.Key, kind overlay.RecordKind, want int) []*overlay.Record {
	r := m.do(overlay.Op{Kind: overlay.Find, Key: key, Want: want})
	return slices.DeleteFunc(slices.Clone(r.Records), func(r *overlay.Record) bool {
		return r.Kind != kind || r.Expiry <= m.world.sim.Now()
	})
}

func (m *simMode) FindProvidersAsync(_ context.Context, c cid.Cid, n int) <-chan peer.AddrInfo {
	want := 0
	if n > 0 {
		want = n + 1
	}
	found := make(chan peer.AddrInfo, overlay.MaxProviders)
	defer close(found)
	for _, r := range m.records(overlay.ContentKey(c.Hash()), overlay.Provider, want) {
		if r.Publisher != m.world.sim.ID(m.peer) && (n == 0 || len(found) < n) {
			found <- peer.AddrInfo{ID: r.Publisher}
		}
	}
	return found
}

func (m *simMode) Put(_ context.Context, key string, value []byte) error {
	if len(value) > overlay.MaxPayload {
		return fault.New(fault.BadInput, "a value of %d bytes", len(value))
	}
	return m.say(overlay.KeyOf(key), overlay.Value, value)
}

func (m *simMode) Values(_ context.Context, key string) (values []discovery.Record, err error) {
	for _, r := range m.records(overlay.KeyOf(key), overlay.Value, 0) {
		values = append(values, discovery.Record{Publisher: r.Publisher, Sequence: r.Sequence, Expiry: r.Expiry.Std(), Value: r.Payload})
	}
	if len(values) == 0 {
		return nil, fault.New(fault.NotFound, "nothing under %q", key)
	}
	return values, nil
}

func (m *simMode) Route(_ context.Context, key string) iter.Seq2[discovery.Hop, error] {
	place := overlay.KeyOf(key)
	hop := func(node overlay.Ref) discovery.Hop {
		return discovery.Hop{Peer: m.world.sim.ID(m.world.sim.PeerOf(node)), Distance: m.world.protocol.Distance(node.ID, place)}
	}
	return func(yield func(discovery.Hop, error) bool) {
		r := m.do(overlay.Op{Kind: overlay.Route, Key: place})
		for _, h := range r.Path {
			if !yield(hop(h.Node), nil) {
				return
			}
		}
		if r.Err != nil || len(r.Owners) == 0 {
			yield(discovery.Hop{}, fmt.Errorf("no owner: %w", cmp.Or(r.Err, overlay.ErrFailed)))
			return
		}
		owner := hop(r.Owners[0])
		owner.Owner = true
		yield(owner, nil)
	}
}
