package chord

import (
	"slices"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

// onOwnSelf ends a lookup whose owner is this node.
func (n *Node) onOwnSelf(l *lookup) {
	l.result.Owners = append(l.result.Owners, n.self)
	if l.for_ == forUser && l.op.Op.Kind == overlay.Publish {
		if n.shelf.Put(n.now, l.op.Op.Record) == nil {
			l.kept++
		}
		n.spread(l, n.replicas())
		return
	}
	n.finding(l, n.replicas())
}

// finding ends a lookup, or asks replicas for records first.
func (n *Node) finding(l *lookup, replicas []overlay.Ref) {
	l.ending = true
	if l.for_ != forUser || l.op.Op.Kind != overlay.Find {
		l.result.Owners = append(l.result.Owners, replicas...)
		n.end(l, nil)
		return
	}
	n.take(l, n.shelf.Get(n.now, l.key))
	if len(l.result.Records) == 0 {
		for _, x := range replicas[:min(len(replicas), opinions, n.config.Replicas-1)] {
			if x != n.self {
				n.query(l, x)
			}
		}
	}
	n.settle(l)
}

// take adds records to what is found: those under the key that have not expired.
func (n *Node) take(l *lookup, records []*overlay.Record) {
	records = slices.DeleteFunc(slices.Clone(records), func(r *overlay.Record) bool { return r.Key != l.key || r.Expiry <= n.now })
	l.result.Records = overlay.Merge(l.result.Records, records)
}

// spread has the replicas told, after the owner.
func (n *Node) spread(l *lookup, replicas []overlay.Ref) {
	l.ending = true
	for _, x := range replicas[:min(len(replicas), n.config.Replicas-1)] {
		if x != n.self {
			n.query(l, x)
			continue
		}
		if n.shelf.Put(n.now, l.op.Op.Record) == nil {
			l.kept++
			l.result.Owners = append(l.result.Owners, x)
		}
	}
	n.settle(l)
}

// onOpinion takes what a replica says.
func (n *Node) onOpinion(l *lookup, ev overlay.Answered) {
	switch m := ev.Msg.(type) {
	case *fetched:
		l.result.Owners = append(l.result.Owners, ev.From)
		n.take(l, m.Records)
	case *stored:
		if m.Kept > 0 {
			l.kept++
			l.result.Owners = append(l.result.Owners, ev.From)
		}
	}
	n.settle(l)
}

// errRefused is a Publish that nobody wanted.
var errRefused = fault.New(fault.Refused, "nobody responsible keeps the record: enough others have theirs, or it has expired")

// settle ends a lookup once everybody asked has answered or not.
func (n *Node) settle(l *lookup) {
	switch {
	case l.open > 0:
	case l.op.Op.Kind == overlay.Publish && l.for_ == forUser && l.kept == 0:
		n.end(l, errRefused)
	default:
		n.end(l, nil)
	}
}

func (n *Node) finish(l *lookup) {
	if i := slices.Index(n.lookups, l); i >= 0 {
		n.lookups = slices.Delete(n.lookups, i, i+1)
	}
	if len(n.lookups) == 0 {
		n.lookups = nil
	}
}

// end ends a lookup and does what it was for.
func (n *Node) end(l *lookup, err error) {
	n.finish(l)
	l.result.Err = err
	switch l.for_ {
	case forUser:
		n.out.Done(l.op.ID, &l.result)
	case forJoin:
		n.out.Trace("found nobody to join", overlay.Key{}, overlay.Ref{})
		n.joined()
	case forFinger:
		n.onFinger(l, err)
	case forRing:
		n.onForeign(l, err)
	case forMove:
		if err != nil {
			n.move(l.key)
		}
	}
}
