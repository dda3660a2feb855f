package chord

import (
	"slices"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

// Bounds of a lookup. Nobody can make one go on: each hop is nearer to the key than the one that named it, a node is
// asked once, and these end it.
const (
	maxHops     = 64
	maxTimeouts = 64
	maxPool     = 32
	maxLasting  = 2 * time.Minute
	opinions    = 3 // replicas asked at once if the owner has no records
)

// A purpose is what a lookup is for.
type purpose uint8

const (
	forUser purpose = iota
	forJoin
	forFinger
	forRing // to find this node's place in another ring
	forMove // to bring a record to whoever is responsible
)

// A lookup finds the node responsible for a key, iteratively (ToN 2003, §IV-D and §V-A): the nodes that may be nearer
// wait in a pool, and the one nearest before the key is asked next. After silence the next of them has its turn, whoever
// named it, so that the lookup goes on as §IV-E.3 says and back where it must.
type lookup struct {
	for_   purpose
	finger uint8
	walk   bool // join: the node before the key is found, or one near it
	last   bool // the one asked is to be the owner
	ending bool // the owner has answered; others still may
	op     overlay.Call
	key    overlay.Key
	target overlay.Key // key, or past owners that are dead
	serial uint64
	began  overlay.Time

	pool   []overlay.Ref // the next is the last
	tried  []overlay.Ref
	silent []overlay.Ref     // of those tried
	owners []overlay.Ref     // named, in order
	far    []overlay.Ref     // named, but too far from the key to be likely
	by     overlay.Ref       // who named the owners
	more   []source          // those that may name more nodes, the nearest last
	skip   int               // of the question that is open
	held   *overlay.Answered // of one that named another owner
	start  overlay.Ref       // forRing: who was introduced
	best   overlay.Ref       // walk: the nearest that has answered
	turns  int               // how often by was asked again
	open   int               // questions without an answer
	kept   int               // Publish: nodes that have the record
	result overlay.Result
}

// A source is a node that has answered, and how many nodes it has named.
type source struct {
	node overlay.Ref
	skip int
}

func (l *lookup) refs(yield func(overlay.Ref) bool) bool {
	for _, refs := range [][]overlay.Ref{l.pool, l.tried, l.owners, l.far, {l.by, l.start, l.best}, l.result.Owners} {
		for _, r := range refs {
			if !r.IsZero() && !yield(r) {
				return false
			}
		}
	}
	return true
}

// onCall begins an operation. While this node joins it waits: what it would find now is itself.
func (n *Node) onCall(c overlay.Call) {
	switch {
	case n.starting() && len(n.waiting) < maxWaiting:
		n.waiting = append(n.waiting, c)
		return
	case n.starting() || n.idle:
		n.out.Done(c.ID, &overlay.Result{Err: overlay.ErrFailed})
		return
	case n.alone():
		n.callAlone(c)
		return
	}
	l := &lookup{op: c, key: c.Op.Key}
	if c.Op.Kind == overlay.Publish {
		l.key = c.Op.Record.Key
	}
	n.begin(l)
}

func (n *Node) callAlone(c overlay.Call) {
	r := &overlay.Result{Err: overlay.ErrAlone, Owners: []overlay.Ref{n.self}}
	switch c.Op.Kind {
	case overlay.Publish:
		if err := n.shelf.Put(n.now, c.Op.Record); err != nil {
			r.Err = err
		}
	case overlay.Find:
		r.Records = n.shelf.Get(n.now, c.Op.Key)
	}
	n.out.Done(c.ID, r)
}

// begin begins a lookup: by our own tables, or by its pool.
func (n *Node) begin(l *lookup) {
	n.serial++
	l.serial, l.target, l.began = n.serial, l.key, n.now
	n.lookups = append(n.lookups, l)
	if len(l.pool) == 0 {
		owner, nodes := n.locate(l.key, maxPool, overlay.Ref{})
		if owner {
			l.owners, l.by = nodes, n.self
		} else {
			n.candidates(l, nodes)
		}
	}
	n.next(l)
}

// locate names nodes for a key: the one responsible and those that follow it, if it is this node or in its successor list,
// or else up to most nodes before the key, the nearest first. Who asks is not told of itself.
func (n *Node) locate(key overlay.Key, most int, asker overlay.Ref) (owner bool, nodes []overlay.Ref) {
	if n.owns(key) {
		return true, n.named(append([]overlay.Ref{n.self}, n.list...), asker)
	}
	d := key.Sub(n.self.ID)
	if i := n.search(n.list, d); i < len(n.list) {
		if nodes = n.named(n.sure(i), asker); len(nodes) > 0 {
			return true, nodes
		}
	} else if n.whole && (n.pred.IsZero() || len(n.list) > 0 && n.pred == n.list[len(n.list)-1]) {
		return true, n.named(append([]overlay.Ref{n.self}, n.list...), asker)
	}
	return false, n.preceding(d, most, asker)
}

func (n *Node) named(nodes []overlay.Ref, asker overlay.Ref) []overlay.Ref {
	nodes = slices.DeleteFunc(nodes, func(x overlay.Ref) bool { return x == asker })
	return nodes[:min(len(nodes), maxNamed)]
}

// sure returns the entries of the successor list from i on that have answered.
func (n *Node) sure(i int) (nodes []overlay.Ref) {
	for ; i < len(n.list) && len(nodes) <= maxNamed; i++ {
		if n.unheard>>i&1 == 0 {
			nodes = append(nodes, n.list[i])
		}
	}
	return nodes
}

// preceding returns nodes whose distance is less than d, the nearest to it first: of the fingers, then, as all of these
// are farther, of the successor list (ToN 2003, §IV-E.3: both are searched).
func (n *Node) preceding(d overlay.Key, most int, asker overlay.Ref) (nodes []overlay.Ref) {
	for i := n.search(n.fingers, d) - 1; i >= 0 && len(nodes) < most; i-- {
		if n.fingers[i] != asker {
			nodes = append(nodes, n.fingers[i])
		}
	}
	for i := n.search(n.list, d) - 1; i >= 0 && len(nodes) < most; i-- {
		if n.unheard>>i&1 == 0 && n.list[i] != asker && !slices.Contains(nodes, n.list[i]) {
			nodes = append(nodes, n.list[i])
		}
	}
	return nodes
}

// onLocate answers from the tables.
func (n *Node) onLocate(from overlay.Ref, m *locate, reply overlay.ReplyTo) {
	answer := new(located)
	if !n.starting() {
		if m.Key != from.ID {
			from = overlay.Ref{} // only who looks for its own place must not be told of itself
		}
		if answer.Owner, answer.Nodes = n.locate(m.Key, m.Skip+maxPassed, from); !answer.Owner {
			answer.Nodes = answer.Nodes[min(m.Skip, len(answer.Nodes)):]
		}
	}
	n.out.Reply(reply, answer)
}

// candidates puts nodes into the pool.
func (n *Node) candidates(l *lookup, nodes []overlay.Ref) {
	for _, x := range nodes {
		if x.ID == n.self.ID || slices.Contains(l.tried, x) || slices.Contains(l.pool, x) {
			continue
		}
		d := l.target.Sub(x.ID)
		i, _ := slices.BinarySearchFunc(l.pool, d, func(y overlay.Ref, d overlay.Key) int { return d.Compare(l.target.Sub(y.ID)) })
		l.pool = slices.Insert(l.pool, i, x)
	}
	if extra := len(l.pool) - maxPool; extra > 0 {
		l.pool = slices.Delete(l.pool, 0, extra)
	}
}

// next asks the next node, or ends.
func (n *Node) next(l *lookup) {
	if len(l.result.Path) >= maxHops || l.result.Timeouts >= maxTimeouts || n.now.Sub(l.began) > maxLasting {
		n.end(l, overlay.ErrFailed)
		return
	}
	if len(l.owners) == 0 && len(l.pool) == 0 && len(l.more) == 0 {
		l.owners, l.far = l.far, nil
	}
	l.skip = 0
	switch {
	case len(l.owners) > 0:
		x := l.owners[0]
		l.owners = l.owners[1:]
		l.last = true
		if x == n.self {
			n.onOwnSelf(l)
			return
		}
		n.query(l, x)
	case len(l.pool) > 0:
		x := l.pool[len(l.pool)-1]
		l.pool = l.pool[:len(l.pool)-1]
		l.last = false
		n.query(l, x)
	case len(l.more) > 0: // all that it named are silent
		x := l.more[len(l.more)-1]
		l.more = l.more[:len(l.more)-1]
		l.last, l.skip = false, x.skip
		n.query(l, x.node)
	default:
		n.end(l, overlay.ErrFailed)
	}
}

func (n *Node) query(l *lookup, x overlay.Ref) {
	l.tried = append(l.tried, x)
	l.open++
	n.ask(x, n.question(l), tagLookup|overlay.Tag(l.serial)&tagArg)
}

func (n *Node) question(l *lookup) overlay.Message {
	switch {
	case l.walk:
		return neighbours{}
	case !l.last:
		return &locate{l.target, l.skip}
	case l.for_ == forMove:
		return &store{Moved: true, Records: fit(n.shelf.Get(n.now, l.key), maxBatch)}
	case l.for_ == forUser && l.op.Op.Kind == overlay.Publish:
		return &store{Records: []*overlay.Record{l.op.Op.Record}}
	case l.for_ == forUser && l.op.Op.Kind == overlay.Find:
		return &fetch{l.key, l.most()}
	}
	return &fetch{l.key, 0}
}

func (l *lookup) most() int {
	if w := l.op.Op.Want; w > 0 {
		return min(w, maxFound)
	}
	return maxFound
}

// find returns the running lookup that a tag is about, or nil.
func (n *Node) find(tag overlay.Tag) *lookup {
	i := slices.IndexFunc(n.lookups, func(l *lookup) bool { return overlay.Tag(l.serial)&tagArg == tag&tagArg })
	if i < 0 {
		return nil
	}
	return n.lookups[i]
}

// onStep takes an answer to a lookup's question.
func (n *Node) onStep(ev overlay.Answered) {
	l := n.find(ev.Tag)
	if l == nil {
		return
	}
	l.open--
	if l.ending {
		n.onOpinion(l, ev)
		return
	}
	l.result.Path = append(l.result.Path, overlay.Hop{Node: ev.From, Took: ev.Took})
	switch m := ev.Msg.(type) {
	case *located:
		n.onLocated(l, ev.From, m)
	case *neighbourhood:
		n.onWalked(l, ev.From, m)
	case *fetched:
		if m.Mine || !n.elsewhere(l, ev, m.Nodes) {
			n.accept(l, ev)
		}
	case *stored:
		if m.Mine || !n.elsewhere(l, ev, m.Nodes) {
			n.accept(l, ev)
		}
	default:
		n.next(l)
	}
}

// accept takes an answer as the owner's.
func (n *Node) accept(l *lookup, ev overlay.Answered) {
	l.result.Owners = append(l.result.Owners, ev.From)
	switch m := ev.Msg.(type) {
	case *fetched:
		n.take(l, m.Records)
		n.finding(l, others(m.Mine, m.Nodes))
	case *stored:
		if m.Kept > 0 {
			l.kept++
		}
		if l.for_ == forMove {
			n.end(l, nil) // the owner tells its replicas
			return
		}
		n.spread(l, others(m.Mine, m.Nodes))
	}
}

// others are the replicas that an answer names.
func others(mine bool, nodes []overlay.Ref) []overlay.Ref {
	if !mine && len(nodes) > 0 {
		return nodes[1:]
	}
	return nodes
}

// onSilence goes on with the next node.
func (n *Node) onSilence(x overlay.Ref, tag overlay.Tag) {
	l := n.find(tag)
	if l == nil {
		return
	}
	l.open--
	l.silent = append(l.silent, x)
	if l.walk && !l.best.IsZero() { // what it said before is old, and with x dead it may be the one
		l.tried = slices.DeleteFunc(slices.Clone(l.tried), func(y overlay.Ref) bool { return y == l.best })
		n.candidates(l, []overlay.Ref{l.best})
	}
	l.result.Timeouts++
	switch {
	case l.ending:
		n.settle(l)
	case l.held != nil: // the one before it is dead, so it is the owner
		n.accept(l, *l.held)
	case l.last && len(l.owners) == 0 && len(l.far) == 0 && l.turns < maxNamed && n.past(l, x):
		n.again(l)
	default:
		n.next(l)
	}
}

// past moves the target past an owner that is dead. It reports whether whoever named it may know the next.
func (n *Node) past(l *lookup, x overlay.Ref) bool {
	l.turns++
	l.target = x.ID.Add(power(0))
	return !l.by.IsZero()
}

// again asks whoever named dead owners for those that follow them.
func (n *Node) again(l *lookup) {
	if l.by != n.self {
		l.pool = append(l.pool, l.by)
		n.next(l)
		return
	}
	owner, nodes := n.locate(l.target, maxPool, overlay.Ref{})
	nodes = slices.DeleteFunc(nodes, func(x overlay.Ref) bool { return slices.Contains(l.tried, x) })
	if owner {
		l.owners = nodes
	} else {
		n.candidates(l, nodes)
	}
	n.next(l)
}

// onLocated takes what a node on the way says. Nearer nodes count if they are nearer than itself and before the key.
func (n *Node) onLocated(l *lookup, from overlay.Ref, m *located) {
	if !m.Owner {
		nearer := slices.DeleteFunc(slices.Clone(m.Nodes), func(x overlay.Ref) bool { return !between(from.ID, x.ID, l.target) })
		n.candidates(l, nearer[:min(len(nearer), maxPassed)])
		if len(m.Nodes) >= maxPassed && l.skip < maxSkip {
			l.more = append(l.more, source{from, l.skip + maxPassed})
		}
		n.next(l)
		return
	}
	if l.for_ == forJoin {
		l.walk, l.tried = true, l.silent // those who answered are asked again, something else
		l.pool = append(l.pool, from)
		n.next(l)
		return
	}
	owners := slices.DeleteFunc(slices.Clone(m.Nodes), func(x overlay.Ref) bool { return x != from && slices.Contains(l.tried, x) })
	switch {
	case len(owners) == 0:
	case n.unlikely(l.target, owners[0]):
		if len(l.far) == 0 || owners[0].ID.Sub(l.key).Compare(l.far[0].ID.Sub(l.key)) < 0 {
			l.far, l.by = owners, from
		}
	default:
		l.owners, l.by = owners, from
	}
	n.next(l)
}

// unlikelyGaps is how many mean gaps between nodes an owner may be from its key. In a ring of nodes whose ids are hashes
// one lookup in e^24 meets a wider gap.
const unlikelyGaps = 24

// unlikely reports whether an owner is so far from its key that whoever names it is mistaken or lies: one that answers
// with itself for every key is found out by that. Our own part of the ring is the measure.
func (n *Node) unlikely(key overlay.Key, owner overlay.Ref) bool {
	if n.whole || len(n.list) < maxNamed {
		return false
	}
	return part(owner.ID.Sub(key)) > unlikelyGaps*part(n.span())/float64(len(n.list))
}

// elsewhere goes on with the node before the one that was asked as the owner, if that says that it is not, and the other
// may be. Its answer counts if the other is silent.
func (n *Node) elsewhere(l *lookup, ev overlay.Answered, nodes []overlay.Ref) bool {
	l.held = nil
	if len(nodes) == 0 {
		return false
	}
	x := nodes[0]
	if x.ID == n.self.ID || slices.Contains(l.tried, x) || !between(l.key, x.ID, ev.From.ID) && x.ID != l.key {
		return false
	}
	l.held = &ev
	l.last = true
	n.query(l, x)
	return true
}

// onWalked takes what a node near the place of a joining one says, and goes on until it is the one before.
func (n *Node) onWalked(l *lookup, from overlay.Ref, m *neighbourhood) {
	nearer := slices.DeleteFunc(slices.Clone(m.List), func(x overlay.Ref) bool {
		return !between(from.ID, x.ID, n.self.ID) || slices.Contains(l.tried, x)
	})
	switch {
	case len(m.List) == 0 && !m.Whole: // it is in no ring yet
		n.next(l)
	case len(nearer) == 0:
		n.finish(l)
		n.onPlaced(from, m)
	default:
		l.best = from
		n.candidates(l, nearer)
		n.next(l)
	}
}

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
