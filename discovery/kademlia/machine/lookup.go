package machine

import (
	"slices"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A lookup finds the k nodes closest to a key (§2.3): it keeps alpha questions in flight, each to the closest node that
// was not asked yet, and ends when the k closest of those that it has heard of and that live have answered.
type lookup struct {
	id   uint64
	key  overlay.Key
	kind purpose
	op   overlay.OpID // of a call
	want int          // of overlay.Find: enough
	list []candidate  // closest first, up to maxCandidates

	flying   int // questions that are not answered
	asked    int
	timeouts int
	records  []*overlay.Record // found, or to be stored at the end
	storing  bool              // the closest are known and are told to store
	stopped  bool              // enough was found
}

type purpose uint8

const (
	forRoute purpose = iota
	forFind
	forPublish
	forJoin    // this node's own id, so that its neighbours learn of it
	forRefresh // a random id in a bucket
	forKeep    // records that this node holds, told again to those who are closest now
)

// A candidate is a node that a lookup has heard of.
type candidate struct {
	node  overlay.Ref
	state state
	via   overlay.Ref // who named it first; nobody: this node's own table
	took  time.Duration
}

type state uint8

const (
	fresh state = iota
	waiting
	answered
	silent
)

// Bounds of one lookup, whatever others answer. Made-up nodes that are closer than all real ones cost a timeout each.
const (
	maxCandidates = 4 * maxK
	maxAsked      = 300
)

// look begins a lookup, from the nodes of the table and of from. Those are asked however far they are: they may know of
// nodes that this node's own network has lost.
func (n *Node) look(l lookup, from []overlay.Ref, out *overlay.Actions) {
	n.last++
	l.id = n.last
	if n.lookups == nil {
		n.lookups = make(map[uint64]*lookup)
	}
	n.lookups[l.id] = &l
	l.hear(n.self, overlay.Ref{}, n.table.closest(l.key, n.c.K))
	l.hear(n.self, overlay.Ref{}, from)
	for _, node := range from {
		if c := l.candidate(node); c != nil && l.asked < n.c.Alpha {
			n.ask(&l, c, out)
		}
	}
	n.advance(&l, out)
}

// hear takes up nodes that via named, and keeps the closest.
func (l *lookup) hear(self, via overlay.Ref, nodes []overlay.Ref) {
	for _, node := range nodes {
		if node == self || node.IsZero() {
			continue
		}
		i, known := slices.BinarySearchFunc(l.list, node, func(c candidate, node overlay.Ref) int {
			return c.node.ID.Xor(l.key).Compare(node.ID.Xor(l.key))
		})
		if known || i >= maxCandidates {
			continue
		}
		if len(l.list) < maxCandidates || l.makeRoom(i) {
			l.list = slices.Insert(l.list, i, candidate{node: node, via: via})
		}
	}
}

// makeRoom drops the furthest candidate behind the first n that was not asked.
func (l *lookup) makeRoom(n int) bool {
	for i := len(l.list) - 1; i >= n; i-- {
		if l.list[i].state == fresh {
			l.list = slices.Delete(l.list, i, i+1)
			return true
		}
	}
	return false
}

// advance asks on, or goes on to what follows when there is nobody left to ask.
func (n *Node) advance(l *lookup, out *overlay.Actions) {
	n.askOn(l, out)
	if l.flying == 0 && !l.storing && l.answered() < n.c.K {
		// The closest of the table are dead, or few: there may be others in it.
		l.hear(n.self, overlay.Ref{}, n.table.closest(l.key, n.c.K))
		n.askOn(l, out)
	}
	switch {
	case l.flying > 0:
	case l.storing:
		n.end(l, out)
	case l.kind == forPublish || l.kind == forKeep:
		n.storeAt(l, out)
	default:
		n.end(l, out)
	}
}

func (n *Node) askOn(l *lookup, out *overlay.Actions) {
	for l.flying < n.c.Alpha && !l.storing {
		c := l.next(n.c.K)
		if c == nil {
			break
		}
		n.ask(l, c, out)
	}
}

func (l *lookup) answered() (nodes int) {
	for i := range l.list {
		if l.list[i].state == answered {
			nodes++
		}
	}
	return nodes
}

func (n *Node) ask(l *lookup, c *candidate, out *overlay.Actions) {
	c.state = waiting
	l.flying++
	l.asked++
	out.Ask(c.node, &find{l.key, l.kind == forFind}, overlay.Tag(l.id), deadline)
}

// next returns the closest candidate to ask: among the k closest that are not silent.
func (l *lookup) next(k int) *candidate {
	if l.stopped || l.asked >= maxAsked {
		return nil
	}
	for i := range l.list {
		switch l.list[i].state {
		case fresh:
			return &l.list[i]
		case waiting, answered:
			if k--; k == 0 {
				return nil
			}
		}
	}
	return nil
}

func (n *Node) onAnswered(ev overlay.Answered, out *overlay.Actions) {
	n.heard(ev.From, out)
	if ev.Tag == tryTag {
		n.join([]overlay.Ref{ev.From}, out)
		return
	}
	l := n.lookups[uint64(ev.Tag)]
	if l == nil {
		return
	}
	if m, ok := ev.Msg.(*found); ok && !l.storing {
		if c := l.candidate(ev.From); c != nil {
			c.state, c.took = answered, ev.Took
		}
		l.hear(n.self, ev.From, n.notLost(m.closest[:min(len(m.closest), n.c.K)]))
		l.collect(n.now, m.records)
	}
	l.flying--
	n.advance(l, out)
}

// notLost leaves out nodes that did not answer this node and were not heard of since: others may name them for long.
func (n *Node) notLost(nodes []overlay.Ref) []overlay.Ref {
	var lost []overlay.Ref
	n.lost.Refs(func(r overlay.Ref) bool { lost = append(lost, r); return true })
	if len(lost) == 0 {
		return nodes
	}
	return slices.DeleteFunc(slices.Clone(nodes), func(r overlay.Ref) bool { return slices.Contains(lost, r) })
}

// collect keeps records that are under the key and live.
func (l *lookup) collect(now overlay.Time, records []*overlay.Record) {
	if l.kind != forFind {
		return
	}
	good := slices.DeleteFunc(slices.Clone(records), func(r *overlay.Record) bool { return r.Key != l.key || r.Expiry <= now })
	l.records = overlay.Merge(l.records, good)
	l.stopped = l.want > 0 && len(l.records) >= l.want
}

func (n *Node) onUnreachable(ev overlay.Unreachable, out *overlay.Actions) {
	if n.table.failed(ev.Node) {
		out.Trace("dropped", overlay.Key{}, ev.Node)
		n.lost.Add(n.now, ev.Node)
	}
	l := n.lookups[uint64(ev.Tag)]
	if l == nil {
		return
	}
	if c := l.candidate(ev.Node); c != nil && !l.storing {
		c.state = silent
		l.timeouts++
	}
	l.flying--
	n.advance(l, out)
}

func (l *lookup) candidate(node overlay.Ref) *candidate {
	for i := range l.list {
		if l.list[i].node == node {
			return &l.list[i]
		}
	}
	return nil
}

// owners returns the k closest nodes that answered, and this node where it is one of them.
func (l *lookup) owners(self overlay.Ref, k int) []overlay.Ref {
	owners := []overlay.Ref{self}
	for _, c := range l.list {
		if c.state == answered {
			owners = append(owners, c.node)
		}
	}
	sortByDistance(owners, l.key)
	return owners[:min(k, len(owners))]
}

// path returns how the closest node that answered was found: each hop is a node that named the next. That is the number
// of rounds that the lookup would have taken had each answer come at once, and what go-libp2p-kad-dht and the
// literature call the hops of an iterative lookup. Questions beside the path are messages, not hops.
func (l *lookup) path() (path []overlay.Hop) {
	i := slices.IndexFunc(l.list, func(c candidate) bool { return c.state == answered })
	if i < 0 {
		return nil
	}
	for c := &l.list[i]; c != nil && len(path) < len(l.list); c = l.candidate(c.via) {
		path = append(path, overlay.Hop{Node: c.node, Took: c.took})
	}
	slices.Reverse(path)
	return path
}

// end ends a lookup and says how it went.
func (n *Node) end(l *lookup, out *overlay.Actions) {
	delete(n.lookups, l.id)
	switch l.kind {
	case forJoin:
		n.onJoined(l, out)
	case forRoute, forFind, forPublish:
		r := &overlay.Result{Owners: l.owners(n.self, n.c.K), Records: l.records, Path: l.path(), Timeouts: l.timeouts}
		if l.kind != forFind {
			r.Records = nil
		}
		switch {
		case len(r.Path) > 0 || len(r.Records) > 0:
		case l.asked == 0:
			r.Err = overlay.ErrAlone
		default:
			r.Err = overlay.ErrFailed
		}
		out.Done(l.op, r)
	}
}
