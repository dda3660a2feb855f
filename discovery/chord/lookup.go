package chord

import (
	"slices"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
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
