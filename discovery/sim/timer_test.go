package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A puppet does what the test says at its start, at each call and to each message, and notes when it hears of what.
type puppet struct {
	self  overlay.Ref
	does  func(ev overlay.Event, out *overlay.Actions)
	notes []string
}

func (p *puppet) Refs(func(overlay.Ref) bool) {}
func (p *puppet) Keeps(overlay.Key) bool      { return false }
func (p *puppet) Census() overlay.Census      { return overlay.Census{} }
func (p *puppet) String() string              { return "" }

func (p *puppet) Step(now overlay.Time, ev overlay.Event, out *overlay.Actions) {
	what := fmt.Sprintf("%T", ev)[len("overlay."):]
	if f, ok := ev.(overlay.Fired); ok {
		what = fmt.Sprint("timer ", f.Timer.Arg)
	}
	p.notes = append(p.notes, fmt.Sprint(now.Sub(Epoch), " ", what))
	if p.does != nil {
		p.does(ev, out)
	}
}

// puppets starts peers that all do the same.
func puppets(t *testing.T, n int, does func(ev overlay.Event, out *overlay.Actions)) *Sim {
	t.Helper()
	p := protocol()
	p.New = func(self overlay.Ref, _ *rand.Rand) overlay.Machine { return &puppet{self: self, does: does} }
	s, err := New(Config{Protocol: p})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		s.JoinThrough()
	}
	return s
}

func wantNotes(t *testing.T, s *Sim, peer int, want ...string) {
	t.Helper()
	if got := s.Machine(peer).(*puppet).notes; !slices.Equal(got, want) {
		t.Errorf("peer %d heard %q,\nwant %q", peer, got, want)
	}
}

func named(arg uint64) overlay.Timer { return overlay.Timer{Arg: arg} }

func TestTimers(t *testing.T) {
	s := puppets(t, 1, func(ev overlay.Event, out *overlay.Actions) {
		switch ev := ev.(type) {
		case overlay.Start:
			out.Set(named(1), 10*time.Second) // earlier,
			out.Set(named(1), 5*time.Second)
			out.Set(named(2), 5*time.Second) // later, twice,
			out.Set(named(2), 7*time.Second)
			out.Set(named(2), 20*time.Second)
			out.Set(named(3), 6*time.Second) // not at all,
			out.Cancel(named(3))
			out.Cancel(named(4))
			out.Set(named(5), -time.Second) // and at once.
		case overlay.Fired:
			if ev.Timer == named(1) {
				out.Set(named(1), time.Minute)
			}
		}
	})
	s.Run(2 * time.Minute)
	wantNotes(t, s, 0, "0s Start", "0s timer 5", "5s timer 1", "20s timer 2", "1m5s timer 1")
	if n := len(s.queue.heap); n != 1 { // timer 1, once more
		t.Errorf("%d events are left, want one", n)
	}
}

// A timer that is put off again and again keeps one place in the queue.
func TestTimersThatMoveTakeNoRoom(t *testing.T) {
	s := puppets(t, 1, func(ev overlay.Event, out *overlay.Actions) {
		switch ev.(type) {
		case overlay.Start, overlay.Fired:
			for i := range 100 {
				out.Set(named(1), time.Minute+time.Duration(i))
			}
		}
	})
	s.Run(time.Hour)
	if n := len(s.queue.heap); n != 1 {
		t.Errorf("%d events are in the queue", n)
	}
}

// Timers that wait come as much later as they waited; one that is not due meanwhile comes when it is.
func TestThawedTimers(t *testing.T) {
	s := puppets(t, 1, func(ev overlay.Event, out *overlay.Actions) {
		if _, ok := ev.(overlay.Start); ok {
			out.Set(named(1), 10*time.Second)
			out.Set(named(2), 20*time.Second)
			out.Set(named(3), 300*time.Second)
		}
	})
	s.Run(5 * time.Second)
	s.Freeze(true)
	s.Freeze(true)
	s.Run(100 * time.Second)
	s.Freeze(false)
	s.Run(300 * time.Second)
	wantNotes(t, s, 0, "0s Start", "1m50s timer 1", "2m0s timer 2", "5m0s timer 3")
}

// An operation's own timers run while others wait, until it has ended.
func TestOperationsTimersRunWhileFrozen(t *testing.T) {
	var op overlay.OpID
	s := puppets(t, 1, func(ev overlay.Event, out *overlay.Actions) {
		switch ev := ev.(type) {
		case overlay.Start:
			out.Set(named(1), time.Second)
		case overlay.Call:
			op = ev.ID
			out.Set(named(2), 2*time.Second)
			out.Set(named(3), 3*time.Second)
		case overlay.Fired:
			if ev.Timer == named(2) {
				out.Done(op, &overlay.Result{})
			}
		}
	})
	s.Freeze(true)
	if r := s.Do(0, overlay.Op{}); r.Err != nil {
		t.Error(r.Err)
	}
	s.Run(time.Minute)
	wantNotes(t, s, 0, "0s Start", "0s Call", "2s timer 2")
}

// What an operation's timer does after its end is maintenance.
func TestCausesEnd(t *testing.T) {
	s := puppets(t, 2, nil)
	to := s.Ref(1)
	s.Machine(0).(*puppet).does = func(ev overlay.Event, out *overlay.Actions) {
		switch ev := ev.(type) {
		case overlay.Call:
			out.Send(to, &word{kind: wordNote})
			out.Set(named(1), time.Minute)
			out.Done(ev.ID, &overlay.Result{})
		case overlay.Fired:
			out.Send(to, &word{kind: wordNote})
		}
	}
	s.Do(0, overlay.Op{Kind: overlay.Find})
	s.Run(time.Hour)
	if st := s.Stats(); st.Calls[overlay.Find].Messages != 1 || st.Maintenance.Messages != 1 {
		t.Errorf("%+v", st)
	}
}

// A question has one answer, from whom it was asked of, and none after its deadline.
func TestOneAnswer(t *testing.T) {
	s := puppets(t, 3, nil)
	asked, third := s.Ref(1), s.Ref(2)
	var question overlay.ReplyTo
	s.Machine(0).(*puppet).does = func(ev overlay.Event, out *overlay.Actions) {
		if _, ok := ev.(overlay.Call); ok {
			out.Ask(asked, &word{kind: wordMore}, 7, time.Second)
		}
	}
	s.Machine(1).(*puppet).does = func(ev overlay.Event, out *overlay.Actions) {
		switch ev := ev.(type) {
		case overlay.Received:
			question = ev.Reply
			out.Send(third, &word{kind: wordNote})
			out.Set(named(1), 90*time.Millisecond)
			out.Set(named(2), 2*time.Second)
		case overlay.Fired:
			out.Reply(question, &word{kind: wordNodes})
			out.Reply(question, &word{kind: wordNodes})
		}
	}
	s.Machine(2).(*puppet).does = func(ev overlay.Event, out *overlay.Actions) {
		out.Reply(question, &word{kind: wordNodes}) // which it was not asked
	}
	s.Call(0, overlay.Op{}, func(*overlay.Result) {})
	s.Run(time.Minute)
	wantNotes(t, s, 0, "0s Start", "0s Call", "190ms Answered")
	if got := s.Stats().Lookups().Messages; got != 3 { // question, note and answer
		t.Errorf("%d messages", got)
	}
}

// Whoever sends to nobody is told after a while.
func TestMessageToNobody(t *testing.T) {
	s := puppets(t, 2, nil)
	to := s.Ref(1)
	s.Crash(1)
	s.Machine(0).(*puppet).does = func(ev overlay.Event, out *overlay.Actions) {
		if _, ok := ev.(overlay.Call); ok {
			out.Send(to, &word{kind: wordNote})
		}
	}
	s.Call(0, overlay.Op{}, func(*overlay.Result) {})
	s.Run(time.Minute)
	wantNotes(t, s, 0, "0s Start", "0s Call", "5.05s Unreachable")
}

// Who sent what is malformed is not spoken to for a minute.
func TestMalformedIsIgnored(t *testing.T) {
	s := puppets(t, 2, nil)
	s.cfg.Check = true
	to := s.Ref(1)
	forged := s.Record(1, overlay.NameKey("k"), overlay.Value, time.Hour, nil)
	forged.Signature = nil
	s.Machine(0).(*puppet).does = func(ev overlay.Event, out *overlay.Actions) {
		switch ev := ev.(type) {
		case overlay.Call:
			out.Send(to, &word{kind: wordNote, records: []*overlay.Record{forged}})
			out.Set(named(1), 30*time.Second)
			out.Set(named(2), 90*time.Second)
		case overlay.Fired:
			out.Send(to, &word{kind: wordNote, hops: uint8(ev.Timer.Arg)})
		}
	}
	s.Call(0, overlay.Op{}, func(*overlay.Result) {})
	s.Run(time.Hour)
	wantNotes(t, s, 1, "0s Start", "1m30.05s Received")
	if s.Stats().Rejected != 1 {
		t.Errorf("%+v", s.Stats())
	}
}
