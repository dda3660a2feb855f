package kelips

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
)

// network returns a simulated network, filled if c has peers.
func network(t testing.TB, kc Config, c sim.Config) *sim.Sim {
	t.Helper()
	p, err := Protocol(kc)
	if err != nil {
		t.Fatal(err)
	}
	c.Protocol = p
	s, err := sim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Fill()
	return s
}

// grown returns a network that n peers joined one by one, and some time for it to settle.
func grown(t testing.TB, kc Config, n int, settle time.Duration, c sim.Config) *sim.Sim {
	t.Helper()
	s := network(t, kc, c)
	s.Grow(n, time.Second)
	s.Run(settle)
	return s
}

func node(s *sim.Sim, peer int) *Node { return s.Machine(peer).(*Node) }

func key(i int) overlay.Key { return overlay.NameKey(fmt.Sprint("key ", i)) }

func publish(t testing.TB, s *sim.Sim, peer int, k overlay.Key) *overlay.Result {
	t.Helper()
	return s.Do(peer, overlay.Op{Kind: overlay.Publish, Key: k, Record: s.Record(peer, k, overlay.Provider, 3*time.Hour, []byte("here"))})
}

func find(s *sim.Sim, peer int, k overlay.Key) *overlay.Result {
	return s.Do(peer, overlay.Op{Kind: overlay.Find, Key: k})
}

// With default parameters a network works whatever its size: everyone finds what anyone published.
func TestFewPeers(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 24} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := grown(t, Config{}, n, time.Minute, sim.Config{Seed: uint64(n), Check: true})
			for p := range n {
				r := publish(t, s, p, key(p))
				if (r.Err != nil) != (n == 1) {
					t.Errorf("publish by %d: %v", p, r.Err)
				}
			}
			s.Run(20 * time.Second)
			for p := range n {
				for k := range n {
					if r := find(s, p, key(k)); len(r.Records) != 1 || r.Records[0].Publisher != s.ID(k) {
						t.Errorf("%d finds %d records of %d: %v", p, len(r.Records), k, r.Err)
					}
				}
			}
			if st := s.Stats(); st.Rejected > 0 {
				t.Errorf("%+v", st)
			}
			t.Logf("%v", s.Machine(0))
		})
	}
}

// After a third of 24 peers was killed, every key that somebody alive published is found again, within a minute.
func TestThirdKilled(t *testing.T) {
	for seed := range uint64(10) {
		s := grown(t, Config{}, 24, time.Minute, sim.Config{Seed: seed})
		for p := range 24 {
			publish(t, s, p, key(p))
		}
		s.Run(20 * time.Second)
		s.CrashShare(1. / 3)
		s.Run(time.Minute)
		for _, p := range s.Live() {
			for _, k := range s.Live() {
				if r := find(s, p, key(k)); len(r.Records) != 1 {
					t.Errorf("seed %d: %d finds %d records of %d: %v, %d timeouts", seed, p, len(r.Records), k, r.Err, r.Timeouts)
				}
			}
		}
	}
}

// missing counts the pairs of one group's nodes of which one does not know the other, and the contacts that are not there
// although there are nodes for them.
func missing(s *sim.Sim) (mates, contacts int) {
	sizes := map[int]int{}
	for _, p := range s.Live() {
		sizes[node(s, p).group]++
	}
	for _, p := range s.Live() {
		n, have := node(s, p), map[int]int{}
		for i := range n.table {
			if n.table[i].state == met && s.Alive(s.PeerOf(n.table[i].ref)) {
				have[n.config.group(n.table[i].ref.ID)]++
			}
		}
		for g, size := range sizes {
			if g == n.group {
				mates += size - 1 - have[g]
			} else {
				contacts += min(size, n.config.Contacts) - have[g]
			}
		}
	}
	return mates, contacts
}

func checkTables(t *testing.T, s *sim.Sim) {
	t.Helper()
	for _, p := range s.Live() {
		checkTable(t, node(s, p))
	}
}

// Joins one by one give the views and contacts that Fill makes.
func TestGrowthConverges(t *testing.T) {
	const n = 300
	s := grown(t, Config{Size: n}, n, 2*time.Minute, sim.Config{Seed: 1})
	filled := network(t, Config{Size: n}, sim.Config{Seed: 1, Peers: n})
	for _, s := range []*sim.Sim{s, filled} {
		if mates, contacts := missing(s); mates+contacts > 0 {
			t.Errorf("%d mates and %d contacts are missing", mates, contacts)
		}
		checkTables(t, s)
	}
	for p := range n {
		if a, b := node(s, p), node(filled, p); a.mates != b.mates || len(a.table)-a.loose != len(b.table)-b.loose {
			t.Errorf("peer %d knows %d mates and %d in all, filled %d and %d", p, a.mates, len(a.table)-a.loose, b.mates, len(b.table)-b.loose)
		}
	}
}

// everybodyFinds fails the test for each of the keys below count that somebody does not find.
func everybodyFinds(t *testing.T, s *sim.Sim, count int) {
	t.Helper()
	for _, p := range s.Live() {
		for k := range count {
			if r := find(s, p, key(k)); len(r.Records) != 1 {
				t.Errorf("%d finds %d records of key %d: %v", p, len(r.Records), k, r.Err)
			}
		}
	}
}

// Two networks that hear of each other become one, and everyone finds what was published in either.
func TestNetworksMerge(t *testing.T) {
	s := network(t, Config{}, sim.Config{Seed: 4})
	first := []int{s.JoinThrough(), s.JoinThrough()}
	for i := range 10 {
		s.JoinThrough(first[i%2])
		s.Run(time.Second)
	}
	s.Run(30 * time.Second)
	for k := range 12 {
		publish(t, s, k, key(k))
	}
	s.Run(10 * time.Second)
	if r := find(s, 3, key(2)); len(r.Records) > 0 {
		t.Fatal("they are one before they met")
	}
	s.Meet(5, 6)
	s.Run(time.Minute)
	if mates, contacts := missing(s); mates+contacts > 0 {
		t.Errorf("%d mates and %d contacts are missing", mates, contacts)
	}
	everybodyFinds(t, s, 12)
}

// A network that was cut in two long enough for each half to forget the other heals by itself.
func TestPartitionHeals(t *testing.T) {
	s := grown(t, Config{}, 20, time.Minute, sim.Config{Seed: 5})
	s.Partition(func(p int) int { return p % 2 })
	s.Run(5 * time.Minute)
	for p := range 20 {
		for i, n := 0, node(s, p); i < len(n.table); i++ {
			if s.PeerOf(n.table[i].ref)%2 != p%2 && n.table[i].state == met {
				t.Fatalf("%d still counts on the other side", p)
			}
		}
		publish(t, s, p, key(p))
	}
	s.Heal()
	s.Run(9 * time.Minute) // what Lost has come to wait
	if mates, contacts := missing(s); mates+contacts > 0 {
		t.Errorf("%d mates and %d contacts are missing", mates, contacts)
	}
	everybodyFinds(t, s, 20)
}

// A record survives its publisher and all but one of those that keep it; who leaves is forgotten at once.
func TestLeave(t *testing.T) {
	s := grown(t, Config{}, 12, time.Minute, sim.Config{Seed: 6})
	publish(t, s, 0, key(0))
	for p := range 10 {
		s.Leave(p)
		s.Run(6 * time.Second)
		for _, q := range s.Live() {
			if n := node(s, q); n.state(s.Ref(p)) == "met" {
				t.Errorf("%d still counts on %d", q, p)
			}
		}
		everybodyFinds(t, s, 1)
	}
}

// When a group gets its first nodes, the records of its keys move there from the groups after it, and those drop them once
// the group is large enough.
func TestFirstMemberOfGroup(t *testing.T) {
	const c = 4
	s := grown(t, Config{Groups: 4, Contacts: c}, 1, 0, sim.Config{Seed: 7})
	empty := (node(s, 0).group + 3) % 4
	var inside []int
	for s.Peers() < 40 { // nobody of one group stays
		if p := s.Join(); node(s, p).group == empty {
			s.Leave(p)
		}
		s.Run(time.Second)
	}
	s.Run(time.Minute)
	var keys []overlay.Key
	for i := 0; len(keys) < 30; i++ {
		if k := key(i); node(s, 0).config.group(k) == empty {
			keys = append(keys, k)
			publish(t, s, 0, k)
		}
	}
	s.Run(time.Minute)
	for len(inside) < c {
		if p := s.Join(); node(s, p).group == empty {
			inside = append(inside, p)
		} else {
			s.Leave(p)
		}
		s.Run(time.Second)
		for _, k := range keys {
			if r := find(s, 0, k); len(r.Records) != 1 {
				t.Errorf("with %d in the group: %d records, %v", len(inside), len(r.Records), r.Err)
			}
		}
	}
	s.Run(3 * time.Minute)
	for _, p := range s.Live() {
		want := 0
		if node(s, p).group == empty {
			want = len(keys)
		}
		if got := node(s, p).Census().Keys; got != want {
			t.Errorf("%d of group %d keeps %d keys, want %d", p, node(s, p).group, got, want)
		}
	}
}

// Lookups at once after joining end well: they wait for the welcome.
func TestLookupWhileJoining(t *testing.T) {
	s := grown(t, Config{}, 24, time.Minute, sim.Config{Seed: 8})
	for k := range 10 {
		publish(t, s, k, key(k))
	}
	s.Run(20 * time.Second)
	for k := range 10 {
		if r := find(s, s.Join(), key(k)); len(r.Records) != 1 {
			t.Errorf("%d records, %v", len(r.Records), r.Err)
		}
	}
}

// A liar claims that nodes which are dead live, answers each lookup with them and keeps nothing that it says it keeps.
type liar struct {
	*Node
	dead []overlay.Ref
}

func (l *liar) Step(now overlay.Time, ev overlay.Event, out *overlay.Actions) {
	from := len(out.List)
	l.Node.Step(now, ev, out)
	for i := range out.List[from:] {
		switch a := &out.List[from+i]; a.Msg.(type) {
		case *gossip:
			a.Msg = &gossip{nodes: l.made(maxTold)}
		case *welcome:
			a.Msg = &welcome{l.made(maxWelcome)}
		case *found:
			a.Msg = &found{home: true, nodes: l.names()}
		case *stored:
			a.Msg = &stored{kept: 1, nodes: l.names()}
		case *page:
			a.Msg = &page{more: true}
		}
	}
}

func (l *liar) made(n int) (list []told) {
	for range n {
		list = append(list, told{l.dead[l.rand.IntN(len(l.dead))], 0})
	}
	return list
}

func (l *liar) names() (list []overlay.Ref) {
	for _, t := range l.made(maxNamed) {
		list = append(list, t.node)
	}
	return list
}

// With one liar among ten, records are found, lookups end with few timeouts, and tables hold nobody who never spoke.
func TestLiars(t *testing.T) {
	const made, others = 1000, 50
	p, err := Protocol(Config{})
	if err != nil {
		t.Fatal(err)
	}
	inner, count := p.New, 0
	var dead []overlay.Ref
	p.New = func(self overlay.Ref, r *rand.Rand) overlay.Machine {
		n := inner(self, r).(*Node)
		if count++; count <= made {
			dead = append(dead, self)
		} else if count%10 == 0 {
			return &liar{n, dead}
		}
		return n
	}
	s, err := sim.New(sim.Config{Protocol: p, Seed: 9})
	if err != nil {
		t.Fatal(err)
	}
	for p := range made {
		s.JoinThrough()
		s.Crash(p)
	}
	s.JoinThrough()
	for range others - 1 {
		s.JoinThrough(s.Random(), s.Random(), s.Random())
		s.Run(time.Second)
	}
	s.Run(2 * time.Minute)
	var honestOnes []int
	for _, p := range s.Live() {
		if n, ok := s.Machine(p).(*Node); ok {
			honestOnes = append(honestOnes, p)
			checkTable(t, n)
			for i := range n.table {
				if e := &n.table[i]; e.state == met && s.PeerOf(e.ref) < made {
					t.Errorf("%d counts on one who never lived", p)
				}
			}
			if n.mates < 2 {
				t.Errorf("%d knows %d mates", p, n.mates)
			}
		}
	}
	for i, p := range honestOnes {
		publish(t, s, p, key(i))
	}
	s.Run(30 * time.Second)
	lost, timeouts := 0, 0
	for _, p := range honestOnes {
		for k := range honestOnes {
			r := find(s, p, key(k))
			if timeouts += r.Timeouts; r.Timeouts > maxTries {
				t.Errorf("%d timeouts", r.Timeouts)
			}
			if len(r.Records) != 1 {
				lost++
			}
		}
	}
	all := len(honestOnes) * len(honestOnes)
	t.Logf("%d of %d lookups in vain, %.2f timeouts each", lost, all, float64(timeouts)/float64(all))
	if lost > 0 || timeouts > all/2 {
		t.Errorf("%d of %d lookups in vain, %d timeouts", lost, all, timeouts)
	}
}

// What is on the wire means the same on the other side.
func TestCheckedRunIsTheSame(t *testing.T) {
	run := func(check bool) uint64 {
		s := grown(t, Config{}, 30, 30*time.Second, sim.Config{Seed: 10, Check: check, Loss: 0.02})
		for p := range 30 {
			publish(t, s, p, key(p))
		}
		s.CrashShare(0.2)
		s.Run(time.Minute)
		if st := s.Stats(); st.Rejected > 0 {
			t.Errorf("%+v", st)
		}
		return s.Hash()
	}
	if a, b := run(false), run(true); a != b {
		t.Errorf("%x and %x", a, b)
	}
}

// With a tenth of all messages lost, hardly any mate is given up, and nearly every lookup ends well.
func TestLoss(t *testing.T) {
	const n, files = 400, 50
	s := network(t, Config{Size: n}, sim.Config{Seed: 11, Peers: n, Loss: 0.1})
	settleRecords(s, files)
	s.Run(2 * time.Minute)
	mates, contacts := missing(s)
	t.Logf("%d mates and %d contacts are missing", mates, contacts)
	if all := n * n / node(s, 0).config.Groups; mates > all/20 || contacts > all/20 {
		t.Errorf("of %d", all)
	}
	failed := 0
	for i := range 500 {
		if r := find(s, s.Random(), key(i%files)); len(r.Records) == 0 {
			failed++
		}
	}
	if failed > 5 {
		t.Errorf("%d of 500 lookups failed", failed)
	}
}

// While peers come and go, a hundred times as fast as a day's stay would have it, lookups succeed.
func TestChurn(t *testing.T) {
	const n, files = 400, 50
	s := network(t, Config{Size: n}, sim.Config{Seed: 12, Peers: n})
	settleRecords(s, files)
	s.SetChurn(sim.Churn{Joins: 0.5, Leaves: 0.25, Crashes: 0.25})
	failed, hops, timeouts := 0, 0, 0
	for i := range 300 {
		s.Run(time.Second)
		r := find(s, s.Random(), key(i%files))
		hops += r.Hops()
		timeouts += r.Timeouts
		if len(r.Records) == 0 {
			failed++
		}
	}
	t.Logf("%d of 300 failed, %d hops, %d timeouts", failed, hops, timeouts)
	if failed > 3 {
		t.Errorf("%d of 300 lookups failed", failed)
	}
}

// Nodes that come into a home as others die are told of its records one by one: meanwhile they do not take what they have
// for all. Every key has two providers here, and both are found if they live.
func TestHomeGrows(t *testing.T) {
	const keys = 250
	for seed := range uint64(3) {
		s := network(t, Config{Size: 24}, sim.Config{Seed: seed, Peers: 24})
		for i := range 2 * keys {
			p, k := i%23, key(i/2)
			r := s.Record(p, k, overlay.Provider, 3*time.Hour, make([]byte, 40))
			s.Call(p, overlay.Op{Kind: overlay.Publish, Key: k, Record: r}, func(*overlay.Result) {})
		}
		s.Run(time.Minute)
		s.CrashShare(1. / 3)
		s.Run(time.Minute)
		s.Freeze(true)
		for i := range keys {
			p := s.Random()
			if r := find(s, p, key(i)); len(r.Records) != 2 {
				t.Errorf("seed %d: %d finds %d records of key %d: %v", seed, p, len(r.Records), i, r.Err)
			}
		}
	}
}
