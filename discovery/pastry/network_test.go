package pastry

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
	"github.com/seed4134be55/peer/fault"
)

// network returns a simulated network, which checks every message, and what to set up in it.
func network(t *testing.T, c sim.Config) *sim.Sim {
	t.Helper()
	if c.Protocol.New == nil {
		c.Protocol = protocol(t, Config{})
	}
	c.Check = true
	s, err := sim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if st := s.Stats(); st.Rejected > 0 {
			t.Errorf("seed %d: %d messages rejected: %v", c.Seed, st.Rejected, st.Why)
		}
	})
	return s
}

func protocol(t testing.TB, c Config) overlay.Protocol {
	t.Helper()
	p, err := Protocol(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func randomKey(r *rand.Rand) (k overlay.Key) {
	for i := range k {
		k[i] = byte(r.Uint32())
	}
	return k
}

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// livingRefs returns the live peers' nodes in the order of a key.
func livingRefs(s *sim.Sim, key overlay.Key) (refs []overlay.Ref) {
	for _, p := range s.Live() {
		refs = append(refs, s.Ref(p))
	}
	byDistance(idOf(key), refs)
	return refs
}

// difference compares the machines of s with those that Fill would make for the same nodes: leaves that are missing or
// too many, slots that are filled and that could be.
func difference(s *sim.Sim, p overlay.Protocol) (leaves, slots, of int) {
	w := overlay.World{
		Nodes:    livingRefs(s, overlay.Key{}),
		Distance: func(a, b overlay.Ref) time.Duration { return time.Millisecond },
		Rand:     source(1),
	}
	slices.SortFunc(w.Nodes, func(a, b overlay.Ref) int { return a.ID.Compare(b.ID) })
	for _, x := range w.Nodes {
		w.Machines = append(w.Machines, p.New(x, source(1)))
	}
	p.Fill(w)
	for i, x := range w.Nodes {
		want, have := w.Machines[i].(*Node), s.MachineOf(x).(*Node)
		leaves += missing(want, have) + missing(have, want)
		slots += have.table.len()
		of += want.table.len()
	}
	return leaves, slots, of
}

func missing(of, in *Node) (count int) {
	for e := range of.leaves.all {
		if _, _, there, _ := in.leaves.place(in.id, e.node, in.rules.half); !there {
			count++
		}
	}
	return count
}

// settles lets time pass until the tables are those that Fill makes, and fails after limit.
func settles(t *testing.T, s *sim.Sim, p overlay.Protocol, limit time.Duration) {
	t.Helper()
	start := s.Now()
	for {
		leaves, slots, of := difference(s, p)
		if leaves == 0 && slots >= of*99/100 {
			t.Logf("settled after %v: %d of %d slots", s.Now().Sub(start), slots, of)
			return
		}
		if s.Now().Sub(start) > limit {
			t.Fatalf("after %v %d leaves are wrong and %d of %d slots filled", limit, leaves, slots, of)
		}
		s.Run(10 * time.Second)
	}
}

func publish(t *testing.T, s *sim.Sim, at int, key overlay.Key) *overlay.Record {
	t.Helper()
	r := s.Record(at, key, overlay.Provider, 3*time.Hour, nil)
	res := s.Do(at, overlay.Op{Kind: overlay.Publish, Key: key, Record: r})
	if res.Err != nil {
		t.Fatalf("publish: %v", res.Err)
	}
	return r
}

func find(s *sim.Sim, at int, key overlay.Key) *overlay.Result {
	return s.Do(at, overlay.Op{Kind: overlay.Find, Key: key})
}

// holders returns which of the nodes keep records under key.
func holders(s *sim.Sim, key overlay.Key) (refs []overlay.Ref) {
	for _, x := range livingRefs(s, key) {
		if n := s.MachineOf(x).(*Node); len(n.shelf.Get(s.Now(), key)) > 0 {
			refs = append(refs, x)
		}
	}
	return refs
}

// Real joins make the tables that Fill makes: the same leaf sets, and as many slots filled.
func TestJoinsMakeTheTablesOfFill(t *testing.T) {
	for _, peers := range []int{1, 2, 3, 5, 9, 17, 40, 150} {
		s := network(t, sim.Config{Seed: uint64(peers)})
		s.Grow(peers, time.Second)
		settles(t, s, protocol(t, Config{}), 10*time.Minute)
	}
}

// Every lookup ends with the numerically closest, whatever the size of the network and its parameters.
func TestRouteReachesTheClosest(t *testing.T) {
	for seed := range uint64(60) {
		r := source(seed)
		c := Config{B: []int{1, 2, 4}[r.IntN(3)], LeafSet: []int{8, 16, 24}[r.IntN(3)]}
		s := network(t, sim.Config{Protocol: protocol(t, c), Peers: 2 + r.IntN(60), Seed: seed})
		s.Fill()
		for range 50 {
			key := randomKey(r)
			res := s.Do(s.Random(), overlay.Op{Kind: overlay.Route, Key: key})
			if want := livingRefs(s, key)[0]; res.Err != nil || res.Owners[0] != want {
				t.Fatalf("seed %d, %+v, %d peers: %v leads to %v, %v, want %v", seed, c, s.Peers(), key, res.Owners, res.Err, want)
			}
		}
	}
}

// A peer that knows nobody says so, keeps what it publishes, and hands it over when it meets somebody.
func TestAlone(t *testing.T) {
	s := network(t, sim.Config{Seed: 1})
	s.Join()
	key := randomKey(source(1))
	r := s.Record(0, key, overlay.Value, time.Hour, []byte("v"))
	if res := s.Do(0, overlay.Op{Kind: overlay.Publish, Key: key, Record: r}); res.Err != overlay.ErrAlone {
		t.Fatalf("publish alone: %v", res.Err)
	}
	if res := find(s, 0, key); res.Err != overlay.ErrAlone || len(res.Records) != 1 {
		t.Fatalf("find alone: %v, %d records", res.Err, len(res.Records))
	}
	s.JoinThrough()
	s.Meet(0, 1)
	s.Run(time.Minute)
	if res := find(s, 1, key); res.Err != nil || len(res.Records) != 1 {
		t.Fatalf("find after they met: %v, %d records", res.Err, len(res.Records))
	}
	if got := len(holders(s, key)); got != 2 {
		t.Fatalf("%d of 2 have the record", got)
	}
}

// Peers that begin at once, each knowing only the others, make one network.
func TestAllBeginAtOnce(t *testing.T) {
	for _, peers := range []int{2, 3, 8, 24} {
		s := network(t, sim.Config{Seed: uint64(peers)})
		for range peers {
			s.JoinThrough()
		}
		for p := range peers {
			s.Meet(p, (p+1)%peers)
		}
		settles(t, s, protocol(t, Config{}), 5*time.Minute)
	}
}

// A newcomer whose known peers are dead is the first of its network, and goes on trying them.
func TestJoinThroughTheDead(t *testing.T) {
	s := network(t, sim.Config{Seed: 1})
	s.Join()
	s.Crash(0)
	s.JoinThrough(0)
	s.Run(20 * time.Second)
	if res := find(s, 1, overlay.Key{}); res.Err != overlay.ErrAlone {
		t.Fatalf("%v, want %v", res.Err, overlay.ErrAlone)
	}
}

// Records are on the five numerically closest, whoever comes, leaves and fails, as long as not all fail at once; and
// nobody else keeps them.
func TestKeysMove(t *testing.T) {
	r := source(3)
	s := network(t, sim.Config{Seed: 3, Peers: 40})
	s.Fill()
	keys := make([]overlay.Key, 20)
	for i := range keys {
		keys[i] = randomKey(r)
		publish(t, s, s.Random(), keys[i])
	}
	check := func(when string) {
		t.Helper()
		for _, key := range keys {
			if have, want := holders(s, key), livingRefs(s, key)[:replicas]; !slices.Equal(have, want) {
				t.Errorf("%s: %v is kept by %v, want %v", when, key.Short(), have, want)
			}
		}
	}
	check("published")
	s.Grow(30, 2*time.Second)
	s.Run(10 * time.Minute)
	check("after joins")
	for range 30 {
		s.Leave(s.Random())
		s.Run(10 * time.Second)
	}
	s.Run(15 * time.Minute)
	check("after leaves")
	for range 10 {
		s.Crash(s.Random())
		s.Run(2 * time.Minute)
	}
	s.Run(15 * time.Minute)
	check("after crashes")
}

// The last holders of a record who leave together, with a goodbye, take no record with them.
func TestLeaveHandsOver(t *testing.T) {
	s := network(t, sim.Config{Seed: 4, Peers: 30})
	s.Fill()
	key := randomKey(source(4))
	publish(t, s, 0, key)
	for _, x := range livingRefs(s, key)[:replicas] {
		s.Leave(s.PeerOf(x))
		s.Run(time.Second)
	}
	if res := find(s, s.Random(), key); len(res.Records) != 1 {
		t.Fatalf("the record is gone: %v", res.Err)
	}
}

// Half of the peers crash at once. Lookups go round them at once, and end with the closest that lives.
func TestHalfCrash(t *testing.T) {
	s := network(t, sim.Config{Seed: 5, Peers: 200, Protocol: protocol(t, Config{LeafSet: 24})})
	s.Fill()
	s.Freeze(true)
	s.CrashShare(0.5)
	r, timeouts := source(5), 0
	for range 200 {
		key := randomKey(r)
		res := s.Do(s.Random(), overlay.Op{Kind: overlay.Route, Key: key})
		if want := livingRefs(s, key)[0]; res.Err != nil || res.Owners[0] != want {
			t.Errorf("%v leads to %v, %v, want %v", key.Short(), res.Owners, res.Err, want)
		}
		timeouts += res.Timeouts
	}
	if timeouts == 0 {
		t.Error("no timeouts, though half of the network is dead")
	}
	s.Freeze(false)
	settles(t, s, protocol(t, Config{LeafSet: 24}), 30*time.Minute)
}

// A network that is cut in two becomes two, and one again after the cut heals: by themselves, as each remembers some of
// the other.
func TestPartitionHeals(t *testing.T) {
	s := network(t, sim.Config{Seed: 6, Peers: 32})
	s.Fill()
	key := randomKey(source(6))
	s.Partition(func(p int) int { return p % 2 })
	s.Run(5 * time.Minute)
	publish(t, s, 0, key)
	publish(t, s, 1, key)
	if got := len(find(s, 2, key).Records); got != 1 {
		t.Fatalf("%d records found on one side", got)
	}
	s.Heal()
	settles(t, s, protocol(t, Config{}), 20*time.Minute)
	s.Run(10 * time.Minute)
	for _, p := range []int{4, 5} {
		if got := len(find(s, p, key).Records); got != 2 {
			t.Errorf("peer %d finds %d records of 2", p, got)
		}
	}
}

// Two networks one of whose peers meets one of the other's become one.
func TestNetworksMerge(t *testing.T) {
	s := network(t, sim.Config{Seed: 7})
	s.JoinThrough()
	for range 15 {
		s.JoinThrough(0)
		s.Run(time.Second)
	}
	s.JoinThrough()
	for range 15 {
		s.JoinThrough(16)
		s.Run(time.Second)
	}
	s.Run(time.Minute)
	s.Meet(3, 20)
	settles(t, s, protocol(t, Config{}), 20*time.Minute)
}

// Under churn and loss no lookup fails, nearly all end with the closest, and what is published is found.
func TestChurn(t *testing.T) {
	for seed := range uint64(2) {
		s := network(t, sim.Config{Seed: seed, Peers: 120, Loss: 0.01})
		s.Fill()
		r := source(seed)
		key := randomKey(r)
		publish(t, s, 0, key)
		s.SetChurn(sim.Churn{Joins: 0.05, Leaves: 0.02, Crashes: 0.03})
		right, lookups, found := 0, 120, 0
		for range lookups {
			s.Run(5 * time.Second)
			k := randomKey(r)
			want := livingRefs(s, k)[0]
			res := s.Do(s.Random(), overlay.Op{Kind: overlay.Route, Key: k})
			if res.Err == nil && res.Owners[0] == want {
				right++
			}
			if res.Err != nil {
				t.Errorf("seed %d: %v", seed, res.Err)
			}
			if len(find(s, s.Random(), key).Records) > 0 {
				found++
			}
		}
		t.Logf("seed %d: %d of %d lookups end with the closest, %d find", seed, right, lookups, found)
		if right < lookups*97/100 || found < lookups {
			t.Errorf("seed %d: %d of %d lookups end with the closest, %d find", seed, right, lookups, found)
		}
	}
}

// The same seed gives the same run, another seed another.
func TestSameSeedSameTrace(t *testing.T) {
	run := func(seed uint64) uint64 {
		s := network(t, sim.Config{Seed: seed, Peers: 30})
		s.Fill()
		s.Grow(20, time.Second)
		s.CrashShare(0.2)
		s.Run(5 * time.Minute)
		return s.Hash()
	}
	if a, b, c := run(1), run(1), run(2); a != b || a == c {
		t.Errorf("hashes %x, %x and %x", a, b, c)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"b", "2", ""}, {"b", "4", ""}, {"leafset", "24", ""},
		{"b", "3", "pastry.b is 1, 2 or 4, not 3"},
		{"leafset", "7", "pastry.leafset is an even number from 8 to 24, not 7"},
		{"leafset", "26", "pastry.leafset is an even number from 8 to 24, not 26"},
		{"leafset", "many", `pastry.leafset is a number, not "many"`},
		{"fingers", "3", `pastry has no "fingers" to set: it has b and leafset`},
	} {
		var cfg Config
		err := cfg.Set(c.name, c.value)
		if fmt.Sprint(err) != c.want && (err != nil || c.want != "") {
			t.Errorf("%s=%s: %v, want %s", c.name, c.value, err, c.want)
		}
		if err != nil && fault.KindOf(err) != fault.BadInput {
			t.Errorf("%s=%s: %v is no bad input", c.name, c.value, err)
		}
	}
	if _, err := Protocol(Config{B: 5}); err == nil {
		t.Error("b = 5 is taken")
	}
}
