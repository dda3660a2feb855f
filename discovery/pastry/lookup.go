package pastry

import (
	"slices"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// An op is an operation of this node's user. A message is routed for it, up to three times if no answer comes; then, to
// publish or if the answer has no records, the numerically closest are asked themselves.
type op struct {
	id     overlay.OpID
	what   overlay.Op
	number uint64 // the op's
	try    uint64 // the message's number, not to be guessed; 0: none is under way
	tries  int
	first  []overlay.Ref // where the messages before went first
	asked  []overlay.Ref // whose word on records is awaited
	result overlay.Result
}

// Operations.
const (
	maxTries = 3
	tryTime  = 8 * time.Second // from a message to its answer
	maxOps   = 1024            // at once; more fail
)

func (n *Node) onCall(now overlay.Time, id overlay.OpID, what overlay.Op, out *overlay.Actions) {
	o := &op{id: id, what: what, number: n.next()}
	if len(n.ops) >= maxOps {
		o.result.Err = overlay.ErrFailed
		out.Done(id, &o.result)
		return
	}
	n.ops = append(n.ops, o)
	if n.ready {
		n.try(now, o, out)
	}
}

func (n *Node) opOfTry(try uint64) *op {
	return n.opWhere(func(o *op) bool { return try != 0 && o.try == try })
}

func (n *Node) opNumber(number uint64) *op {
	return n.opWhere(func(o *op) bool { return o.number == number })
}

func (n *Node) opWhere(is func(*op) bool) *op {
	if i := slices.IndexFunc(n.ops, is); i >= 0 {
		return n.ops[i]
	}
	return nil
}

// try routes a message for an operation, another way than before if there is one. When no answer came it may be that the
// closest gives none, or one that does not count. Then whoever knows the replicas names them, to be asked themselves.
func (n *Node) try(now overlay.Time, o *op, out *overlay.Actions) {
	if n.alone() {
		n.onAlone(now, o, out)
		return
	}
	o.tries++
	o.try = n.secret()
	m := &routeMessage{number: o.try, key: o.what.Key, origin: n.self, timeouts: o.result.Timeouts}
	if o.what.Kind == overlay.Find {
		m.purpose, m.want = toFind, min(o.what.Want, overlay.MaxProviders)
	}
	m.named = o.tries > 1 && o.what.Kind != overlay.Route
	out.Set(overlay.Timer{Kind: timeOp, Arg: o.number}, tryTime)
	f := &forward{number: n.next(), msg: m, mine: true, failed: o.first}
	if n.ends(now, m) {
		n.arrived(now, m, out)
		return
	}
	n.pass(now, f, out)
	if len(n.forwards) > 0 && n.forwards[len(n.forwards)-1] == f {
		o.first = append(slices.Clip(o.first), f.to)
	}
}

// onAlone ends an operation of a node that knows no other. What is published stays here until there is somebody.
func (n *Node) onAlone(now overlay.Time, o *op, out *overlay.Actions) {
	o.result.Err = overlay.ErrAlone
	switch o.what.Kind {
	case overlay.Publish:
		_ = n.shelf.Put(now, o.what.Record) // who is told that he is alone expects nothing
		n.keepLater(now, out)
	case overlay.Find:
		o.result.Records = n.shelf.Get(now, o.what.Key)
	}
	n.done(o, out)
}

func (n *Node) done(o *op, out *overlay.Actions) {
	n.ops = slices.DeleteFunc(n.ops, func(x *op) bool { return x == o })
	out.Cancel(overlay.Timer{Kind: timeOp, Arg: o.number})
	byDistance(idOf(o.what.Key), o.result.Owners)
	out.Done(o.id, &o.result)
}

// onTimeOp takes that a try takes too long: it is tried again, or what there is must do.
func (n *Node) onTimeOp(now overlay.Time, number uint64, out *overlay.Actions) {
	switch o := n.opNumber(number); {
	case o == nil:
	case o.try == 0 && len(o.result.Owners) > 0:
		n.done(o, out)
	case o.tries < maxTries:
		o.asked = nil
		n.try(now, o, out)
	default:
		o.result.Err = overlay.ErrFailed
		n.done(o, out)
	}
}

// onOpAnswer takes the answer to an operation's message.
func (n *Node) onOpAnswer(now overlay.Time, o *op, m *answerMessage, out *overlay.Actions) {
	o.try = 0
	owner := n.self
	if len(m.path) > 0 {
		owner = m.path[len(m.path)-1].node
	}
	o.result.Path, o.result.Timeouts = hops(m.path), max(m.timeouts, o.result.Timeouts)
	near := unique(append([]overlay.Ref{owner}, m.near...))
	byDistance(idOf(o.what.Key), near)
	near = near[:min(len(near), replicas)]
	switch o.what.Kind {
	case overlay.Publish:
		n.store(now, o, near, out)
		return
	case overlay.Find:
		o.result.Records = overlay.Merge(o.result.Records, valid(now, o.what.Key, m.records))
	}
	o.result.Owners = []overlay.Ref{owner}
	if o.what.Kind == overlay.Find && len(o.result.Records) == 0 {
		n.fetch(now, o, near, out)
		return
	}
	n.done(o, out)
}

// valid returns the records that are of key and have not expired.
func valid(now overlay.Time, key overlay.Key, records []*overlay.Record) (list []*overlay.Record) {
	for _, r := range records {
		if r.Key == key && r.Expiry > now {
			list = append(list, r)
		}
	}
	return list
}

// store has the numerically closest keep a record.
func (n *Node) store(now overlay.Time, o *op, near []overlay.Ref, out *overlay.Actions) {
	m := &storeMessage{records: []*overlay.Record{o.what.Record}}
	for _, node := range near {
		if node == n.self {
			if err := n.shelf.Put(now, o.what.Record); err == nil {
				o.result.Owners = append(o.result.Owners, node)
				n.keepLater(now, out)
			}
			continue
		}
		o.asked = append(o.asked, node)
		out.Ask(node, m, tag(askStore, o.number), n.patienceWith(node))
	}
	n.ended(now, o, out)
}

// fetch asks the other replicas for records, since the owner has none: it may have come only just now.
func (n *Node) fetch(now overlay.Time, o *op, near []overlay.Ref, out *overlay.Actions) {
	for _, node := range near {
		switch {
		case node == n.self:
			o.result.Records = n.shelf.Get(now, o.what.Key)
		case node != o.result.Owners[0]:
			o.asked = append(o.asked, node)
			out.Ask(node, &fetchMessage{o.what.Key}, tag(askFetch, o.number), n.patienceWith(node))
		}
	}
	n.ended(now, o, out)
}

func (n *Node) patienceWith(node overlay.Ref) time.Duration {
	return patience(entry{node, n.roundTrip(node)})
}

func (o *op) heard(node overlay.Ref) bool {
	i := slices.Index(o.asked, node)
	if i >= 0 {
		o.asked = slices.Delete(o.asked, i, i+1)
	}
	return i >= 0
}

// onStored takes what a node says to a record, or that it says nothing.
func (n *Node) onStored(now overlay.Time, number uint64, from overlay.Ref, taken bool, out *overlay.Actions) {
	o := n.opNumber(number)
	if o == nil || !o.heard(from) {
		return
	}
	if taken {
		o.result.Owners = append(o.result.Owners, from)
	}
	n.ended(now, o, out)
}

// onFetched takes a replica's records, or nil if it did not answer.
func (n *Node) onFetched(now overlay.Time, number uint64, from overlay.Ref, m overlay.Message, out *overlay.Actions) {
	o := n.opNumber(number)
	if o == nil || !o.heard(from) {
		return
	}
	if m, ok := m.(*recordsMessage); ok {
		o.result.Owners = append(o.result.Owners, from)
		o.result.Records = overlay.Merge(o.result.Records, valid(now, o.what.Key, m.records))
	}
	n.ended(now, o, out)
}

// ended ends an operation if nobody's word is awaited any more. What nobody keeps is published again.
func (n *Node) ended(now overlay.Time, o *op, out *overlay.Actions) {
	switch {
	case len(o.asked) > 0:
	case len(o.result.Owners) == 0 && o.tries < maxTries:
		n.try(now, o, out)
	case len(o.result.Owners) == 0:
		o.result.Err = overlay.ErrFailed
		n.done(o, out)
	default:
		n.done(o, out)
	}
}

// onFetch answers for the records under a key.
func (n *Node) onFetch(now overlay.Time, m *fetchMessage, reply overlay.ReplyTo, out *overlay.Actions) {
	if reply != 0 {
		out.Reply(reply, &recordsMessage{overlay.Fit(n.shelf.Get(now, m.key), maxBytes)})
	}
}

// onStore keeps records.
func (n *Node) onStore(now overlay.Time, m *storeMessage, reply overlay.ReplyTo, out *overlay.Actions) {
	taken := true
	for _, r := range m.records {
		if err := n.shelf.Put(now, r); err != nil && err != overlay.ErrOld {
			taken = false
		}
	}
	n.keepLater(now, out)
	n.ack(reply, taken, out)
}
