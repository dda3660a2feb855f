package overlay

import "time"

// An Event is what a machine is told: Start, Call, Received, Answered, Unreachable, Fired, RoundTrip, Met or Stop.
type Event interface{ isEvent() }

// Start is the first event. A machine whose tables are filled goes on with them; another joins through one of Known, or,
// if that is empty, is the first of its network until it hears of another (Met).
type Start struct{ Known []Ref }

// Met tells of a node of this overlay that the driver came across by other means: on the LAN, by a configured address,
// or because it connected to us. A machine that is alone joins through it; one that is not finds out whether it belongs
// to the same network, and heals it if not. It may come often, and of nodes that are known.
type Met struct{ Node Ref }

// Call begins an operation, which ends with Actions.Done.
type Call struct {
	ID OpID
	Op Op
}

// Received is a message from another node. If Reply is not zero the sender waits for an answer: give it by
// Actions.Reply, once, in this step or later. An answer that comes after its deadline is dropped.
type Received struct {
	From  Ref
	Msg   Message
	Reply ReplyTo
}

// Answered is the answer to an Ask: within its deadline, from whom it was asked of.
type Answered struct {
	From Ref
	Tag  Tag
	Msg  Message
	Took time.Duration // since the question was sent
}

// Unreachable says that an Ask (with its tag), a Send or a Probe (without) did not reach Node, or was not answered in
// time. The node may be dead, cut off or slow; or it does not agree on the network's parameters.
type Unreachable struct {
	Node Ref
	Tag  Tag
}

// Fired is a timer that ran out.
type Fired struct{ Timer Timer }

// RoundTrip answers a Probe.
type RoundTrip struct {
	Node Ref
	Took time.Duration
}

// Stop is the last event: the node leaves and says goodbye. What the machine then sends is sent and Asks are waited for,
// for a moment, without events for their answers.
type Stop struct{}

func (Start) isEvent()       {}
func (Met) isEvent()         {}
func (Call) isEvent()        {}
func (Received) isEvent()    {}
func (Answered) isEvent()    {}
func (Unreachable) isEvent() {}
func (Fired) isEvent()       {}
func (RoundTrip) isEvent()   {}
func (Stop) isEvent()        {}

// OpID is a driver's number for an operation, ReplyTo for a question that waits for its answer.
type (
	OpID    uint64
	ReplyTo uint64
)

// Tag is a machine's number for a question that it asked. It need not be unique: the driver gives it back as it is.
type Tag uint64

// A Timer is a machine's name for one of its timers. Setting it again moves it.
type Timer struct {
	Kind uint8
	Arg  uint64
}
