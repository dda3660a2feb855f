package overlay

import "time"

// Actions collects what a driver must do, in the order in which a machine asked for it. A driver reuses it: Reset, Step,
// and then each of List.
type Actions struct {
	List []Action
	// Tracing says that somebody looks at traces. Without it Trace does nothing.
	Tracing bool
}

// An Action is one thing to do. Which fields matter depends on Do.
type Action struct {
	Do     Do
	To     Ref
	Msg    Message
	Tag    Tag
	Reply  ReplyTo
	Timer  Timer
	After  time.Duration // DoSet: from now; DoAsk: the deadline
	Op     OpID
	Result *Result
	Trace  *Trace
}

// Do says what to do.
type Do uint8

// What an Action may be.
const (
	DoSend   Do = iota // Msg to To, which does not answer
	DoAsk              // Msg to To, whose answer or silence comes with Tag
	DoReply            // Msg to the question Reply
	DoSet              // Timer, to fire After from now
	DoCancel           // Timer
	DoProbe            // the round trip to To
	DoDone             // Op ended with Result
	DoTrace
)

// A Trace is a word about what a machine did, for scenarios and drawings.
type Trace struct {
	What string // such as "new successor"
	Key  Key    // zero if it is about none
	Node Ref    // zero if it is about none
}

// Reset empties the list and keeps its memory.
func (a *Actions) Reset() {
	clear(a.List)
	a.List = a.List[:0]
}

// Send sends m to a node and expects nothing. A message is not changed any more once it is sent: a simulator hands it to
// the other machine as it is.
func (a *Actions) Send(to Ref, m Message) { a.add(Action{Do: DoSend, To: to, Msg: m}) }

// Ask sends m to a node. Answered or Unreachable follows, within about the deadline.
func (a *Actions) Ask(to Ref, m Message, tag Tag, deadline time.Duration) {
	a.add(Action{Do: DoAsk, To: to, Msg: m, Tag: tag, After: deadline})
}

// Reply answers a question.
func (a *Actions) Reply(to ReplyTo, m Message) { a.add(Action{Do: DoReply, Reply: to, Msg: m}) }

// Set has a timer fire in a while, instead of when it would have fired.
func (a *Actions) Set(t Timer, after time.Duration) { a.add(Action{Do: DoSet, Timer: t, After: after}) }

// Cancel has a timer not fire. There may be none.
func (a *Actions) Cancel(t Timer) { a.add(Action{Do: DoCancel, Timer: t}) }

// Probe measures the round trip to a node. RoundTrip or Unreachable follows.
func (a *Actions) Probe(to Ref) { a.add(Action{Do: DoProbe, To: to}) }

// Done ends an operation.
func (a *Actions) Done(op OpID, r *Result) { a.add(Action{Do: DoDone, Op: op, Result: r}) }

// Trace says what the machine did, if somebody looks.
func (a *Actions) Trace(what string, key Key, node Ref) {
	if a.Tracing {
		a.add(Action{Do: DoTrace, Trace: &Trace{what, key, node}})
	}
}

func (a *Actions) add(x Action) { a.List = append(a.List, x) }
