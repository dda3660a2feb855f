package sim

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

// busy is a run with something of everything.
func busy(t *testing.T, c Config) *Sim {
	t.Helper()
	c.Peers, c.Loss, c.Latency = 50, 0.02, Internet(c.Seed)
	s := start(t, c)
	s.SetChurn(Churn{Joins: 0.5, Leaves: 0.3, Crashes: 0.2})
	for i := range 30 {
		at := s.Random()
		op := overlay.Op{Kind: overlay.OpKind(i % 3), Key: overlay.NameKey("k")}
		if op.Kind == overlay.Publish {
			op.Record = s.Record(at, op.Key, overlay.Value, time.Hour, []byte("v"))
		}
		s.Call(at, op, func(*overlay.Result) {})
		s.Run(time.Second)
	}
	s.Partition(func(peer int) int { return peer % 2 })
	s.Run(10 * time.Second)
	s.Heal()
	s.CrashShare(0.3)
	s.Run(10 * time.Second)
	return s
}

func TestSameSeedSameTrace(t *testing.T) {
	var hashes []uint64
	for _, procs := range []int{1, 2, 8} {
		old := runtime.GOMAXPROCS(procs)
		hashes = append(hashes, busy(t, Config{Seed: 7}).Hash())
		runtime.GOMAXPROCS(old)
	}
	if hashes[0] != hashes[1] || hashes[0] != hashes[2] || hashes[0] == 0 {
		t.Errorf("the traces of one seed are %x", hashes)
	}
	if other := busy(t, Config{Seed: 8}).Hash(); other == hashes[0] {
		t.Error("another seed gives the same trace")
	}
}

// Encoding and decoding everything, and looking on, change nothing.
func TestCheckedRunIsTheSame(t *testing.T) {
	plain := busy(t, Config{Seed: 3})
	steps := uint64(0)
	checked := busy(t, Config{Seed: 3, Check: true, Observe: func(Step) { steps++ }})
	if plain.Hash() != checked.Hash() {
		t.Errorf("traces %x and, checked, %x", plain.Hash(), checked.Hash())
	}
	if plain.Stats() != checked.Stats() || steps != checked.Stats().Steps {
		t.Errorf("plain %+v\nchecked %+v, seen %d steps", plain.Stats(), checked.Stats(), steps)
	}
}

func TestDoEnds(t *testing.T) {
	s := start(t, Config{Peers: 10})
	r := s.Do(0, overlay.Op{Kind: overlay.Route})
	if r.Err != nil || len(r.Owners) != 1 || r.Path[0].Took != 400*time.Millisecond {
		t.Errorf("%+v", r)
	}
	// Four questions and answers between different nodes took four round trips of 100 ms.
	if got := s.Now().Sub(Epoch); got != 400*time.Millisecond {
		t.Errorf("took %v", got)
	}
	stats := s.Stats()
	if got := stats.Lookups().Messages; got != 8 {
		t.Errorf("%d messages are the lookup's, want 8", got)
	}
	if stats.Maintenance.Messages == 0 || stats.Calls[overlay.Publish].Messages != 0 {
		t.Errorf("%+v", stats)
	}
	s.Crash(0)
	if r := s.Do(0, overlay.Op{}); !errors.Is(r.Err, errGone) {
		t.Errorf("a dead peer's operation: %v", r.Err)
	}
}

// The operations of a peer end when it does.
func TestCrashEndsOperations(t *testing.T) {
	s := start(t, Config{Peers: 10})
	var err error
	s.Call(4, overlay.Op{}, func(r *overlay.Result) { err = r.Err })
	s.Crash(4)
	if !errors.Is(err, errGone) || s.Finish(time.Minute) != 0 {
		t.Errorf("ended with %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	s := start(t, Config{Peers: 2})
	s.Crash(1)
	r := s.Do(0, overlay.Op{})
	if !errors.Is(r.Err, overlay.ErrFailed) || s.Now().Sub(Epoch) != 2*time.Second {
		t.Errorf("%v after %v, want at the deadline", r.Err, s.Now().Sub(Epoch))
	}
	s = start(t, Config{Peers: 2})
	s.Crash(1)
	s.Run(5900 * time.Millisecond) // the first tick is within a second, its send is told of after five
	if got := heard(s, 0, "Unreachable"); got < 2 {
		t.Errorf("told %d times, want of the question and of the message", got)
	}
}

func TestLossLosesItsShare(t *testing.T) {
	s := start(t, Config{Peers: 50, Loss: 0.25})
	s.Run(40 * time.Second)
	asked, answered, unreachable := 0, 0, 0
	for p := range s.Peers() {
		asked += heard(s, p, "Fired")
		answered += heard(s, p, "RoundTrip")
		unreachable += heard(s, p, "Unreachable")
	}
	if share := float64(answered) / float64(asked); share < 0.5 || share > 0.62 { // 0.75 squared
		t.Errorf("%.2f of the probes came back", share)
	}
	if unreachable == 0 {
		t.Error("nobody noticed")
	}
}

func TestPartition(t *testing.T) {
	s := start(t, Config{Peers: 20})
	s.Partition(func(peer int) int { return peer / 10 })
	s.Run(30 * time.Second)
	for p := range 20 {
		for n := range s.Machine(p).Refs {
			if s.PeerOf(n)/10 != p/10 {
				t.Fatalf("peer %d still knows %d, on the other side", p, s.PeerOf(n))
			}
		}
	}
	s.Heal()
	s.Meet(0, 19)
	s.Run(30 * time.Second)
	if heard(s, 19, "Received") == 0 || heard(s, 0, "Met") != 1 {
		t.Error("the halves did not meet")
	}
}

func TestFreeze(t *testing.T) {
	s := start(t, Config{Peers: 20})
	s.Freeze(true)
	s.Run(time.Minute)
	for p := range 20 {
		if heard(s, p, "Fired") != 0 {
			t.Fatal("a timer fired while frozen")
		}
	}
	if r := s.Do(3, overlay.Op{}); r.Err != nil {
		t.Errorf("a lookup while frozen: %v", r.Err)
	}
	s.Freeze(false)
	thawed := s.Now()
	s.Run(time.Second)
	ticked := 0
	for p := range 20 {
		ticked += heard(s, p, "Fired")
	}
	if ticked < 20 || s.stats.Steps == 0 {
		t.Errorf("%d ticks in the second after %v, want one of each peer at least", ticked, thawed.Sub(Epoch))
	}
}

func TestGrowAndLeave(t *testing.T) {
	s := start(t, Config{})
	s.Grow(30, time.Second)
	if s.Peers() != 30 || len(s.Live()) != 30 || heard(s, 29, "Answered") == 0 {
		t.Errorf("%d peers, %d alive", s.Peers(), len(s.Live()))
	}
	before := s.Stats().Maintenance.Messages
	s.Leave(7)
	if said := s.Stats().Maintenance.Messages - before; said != maxKnown {
		t.Errorf("a leaving peer said goodbye to %d, want %d", said, maxKnown)
	}
	s.Leave(7)
	if s.Alive(7) || s.Machine(7) != nil || len(s.Live()) != 29 {
		t.Error("it is still there")
	}
	if gone := s.CrashShare(0.5); len(gone) != 15 || len(s.Live()) != 14 {
		t.Errorf("half of 29 are %d", len(gone))
	}
}

func TestChurnKeepsItsRates(t *testing.T) {
	s := start(t, Config{Peers: 200})
	s.SetChurn(Churn{Joins: 2, Leaves: 1, Crashes: 1})
	s.Run(200 * time.Second)
	joined := s.Peers() - 200
	gone := s.Peers() - len(s.Live())
	if joined < 320 || joined > 480 || gone < 320 || gone > 480 {
		t.Errorf("%d joined and %d went in 200 s, want about 400 each", joined, gone)
	}
	s.SetChurn(Churn{})
	now := s.Peers()
	s.Run(100 * time.Second)
	if s.Peers() != now || s.Peers()-len(s.Live()) != gone {
		t.Error("churn goes on after its end")
	}
}

func TestVirtualNodes(t *testing.T) {
	p := protocol()
	p.Virtual = 30
	s := start(t, Config{Protocol: p, Peers: 3, Check: true})
	if len(s.Nodes(1)) != 30 || s.Ref(1) != s.Nodes(1)[0] || s.Nodes(1)[29].ID != overlay.PeerKey(s.ID(1), 29) {
		t.Errorf("nodes %v", s.Nodes(1))
	}
	s.Run(20 * time.Second)
	if st := s.Stats(); st.Rejected > 0 {
		t.Errorf("%d rejected: %v", st.Rejected, st.Why)
	}
	s.Crash(1)
	for _, n := range s.Nodes(1) {
		if s.MachineOf(n) != nil {
			t.Error("a node outlives its peer")
		}
	}
	// Between the nodes of one peer no message is sent.
	alone := start(t, Config{Protocol: p, Peers: 1})
	alone.Run(5 * time.Second)
	if alone.Stats().Maintenance.Messages != 0 || heard(alone, 0, "RoundTrip") == 0 {
		t.Errorf("%+v", alone.Stats())
	}
}

// A record that its publisher did not sign does not arrive when checked, nor one that was changed.
func TestForgedRecordsAreRejected(t *testing.T) {
	s := start(t, Config{Peers: 10, Check: true})
	forged := *s.Record(3, overlay.NameKey("k"), overlay.Value, time.Hour, []byte("v"))
	forged.Payload = []byte("w")
	r := s.Do(0, overlay.Op{Kind: overlay.Publish, Record: &forged})
	if r.Err == nil || s.Stats().Rejected != 1 || fault.KindOf(s.Stats().Why) != fault.Corrupt {
		t.Errorf("%v, %+v", r.Err, s.Stats())
	}
}

func TestNewRefusesNonsense(t *testing.T) {
	for _, c := range []Config{{}, {Protocol: protocol(), Peers: -1}, {Protocol: protocol(), Loss: 1}, {Protocol: protocol(), Loss: -0.1}} {
		if _, err := New(c); fault.KindOf(err) != fault.BadInput {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
