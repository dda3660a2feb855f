package sim

import (
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

// What an operation may end with, beside what machines say.
var (
	errGone    = fault.New(fault.NotFound, "the peer has left or crashed")
	errEndless = fault.New(fault.Failed, "the operation did not end within %v", patience)
)

// patience bounds how long Do waits for an operation, in virtual time.
const patience = time.Hour

// Run lets virtual time pass.
func (s *Sim) Run(d time.Duration) {
	end := s.now.Add(d)
	s.until(end, func() bool { return false })
	s.now = end
}

// Finish lets virtual time pass until all operations have ended, but no longer than limit. It returns how many have not.
func (s *Sim) Finish(limit time.Duration) int {
	s.until(s.now.Add(limit), func() bool { return len(s.calls) == 0 })
	return len(s.calls)
}

// Call begins an operation at the first node of a peer. done is called when it ends, with an error if the peer is dead
// or dies before.
func (s *Sim) Call(at int, op overlay.Op, done func(*overlay.Result)) {
	if !s.Alive(at) {
		done(&overlay.Result{Err: errGone})
		return
	}
	s.lastOp++
	id := overlay.OpID(s.lastOp<<opKindBits | uint64(op.Kind))
	n := uint32(at * s.virtual)
	s.calls[id] = call{n, done}
	s.step(n, overlay.Call{ID: id, Op: op}, delivery{what: eventCall, cause: id})
}

// An operation's number has its kind in it, so that what it costs can be counted after it has ended.
const opKindBits = 2

// Do runs an operation to its end and returns how it ended. Virtual time passes.
func (s *Sim) Do(at int, op overlay.Op) *overlay.Result {
	var result *overlay.Result
	s.Call(at, op, func(r *overlay.Result) { result = r })
	s.until(s.now.Add(patience), func() bool { return result != nil })
	if result == nil {
		return &overlay.Result{Err: errEndless}
	}
	return result
}

// until handles events up to end, as long as they are not enough.
func (s *Sim) until(end overlay.Time, enough func() bool) {
	for !enough() && len(s.queue.heap) > 0 && s.queue.heap[0].at <= end {
		e := s.queue.pop()
		s.now = e.at
		s.handle(e)
	}
}

func (s *Sim) handle(e event) {
	switch e.what {
	case letterArrives:
		s.deliver(s.letters.drop(e.a))
	case deadlinePasses:
		s.deadline(e.a, e.b)
	case timerFires:
		s.fire(e)
	case peerComes, peerLeaves, peerCrashes:
		s.turn(e)
	}
}

// A delivery is what the trace and the counts need to know of an event, beside its node.
type delivery struct {
	what  eventKind
	kind  overlay.Kind // of the message
	from  uint32       // node; of messages
	size  int          // of the message, in bytes
	cause overlay.OpID
}

type eventKind uint8

const (
	eventStart eventKind = iota
	eventMet
	eventCall
	eventReceived
	eventAnswered
	eventUnreachable
	eventFired
	eventRoundTrip
	eventStop
)

// step tells a node's machine of an event and does what it says.
func (s *Sim) step(n uint32, ev overlay.Event, d delivery) {
	out := s.actions()
	s.stats.Steps++
	s.trace(n, d)
	s.nodes[n].machine.Step(s.now, ev, out)
	if s.cfg.Observe != nil {
		s.cfg.Observe(Step{s.now, s.refs[n], ev, d.cause, out.List})
	}
	for i := range out.List {
		s.act(n, &out.List[i], d.cause)
	}
	// Whom it concerns is told last, as they may begin something else in turn.
	for i := range out.List {
		if a := &out.List[i]; a.Do == overlay.DoDone {
			s.done(a.Op, a.Result)
		}
	}
	out.Reset()
	s.free = append(s.free, out)
}

func (s *Sim) actions() *overlay.Actions {
	if n := len(s.free); n > 0 {
		out := s.free[n-1]
		s.free = s.free[:n-1]
		return out
	}
	return &overlay.Actions{Tracing: s.cfg.Observe != nil}
}

func (s *Sim) act(n uint32, a *overlay.Action, cause overlay.OpID) {
	switch a.Do {
	case overlay.DoSend:
		s.send(letter{msg: a.Msg, from: n, to: index(a.To), cause: cause, what: isMessage})
	case overlay.DoAsk:
		s.ask(letter{msg: a.Msg, from: n, to: index(a.To), cause: cause, what: isQuestion}, a.Tag, a.After)
	case overlay.DoProbe:
		s.ask(letter{from: n, to: index(a.To), cause: cause, what: isProbe}, 0, probeDeadline)
	case overlay.DoReply:
		s.reply(n, a.Reply, a.Msg)
	case overlay.DoSet:
		s.set(n, a.Timer, a.After, cause)
	case overlay.DoCancel:
		s.nodes[n].cancel(a.Timer)
	}
}

// index returns the number of a node.
func index(r overlay.Ref) uint32 { return uint32(r.Handle) - 1 }

func (s *Sim) done(id overlay.OpID, r *overlay.Result) {
	c, ok := s.calls[id]
	if !ok {
		return
	}
	delete(s.calls, id)
	c.done(r)
}
