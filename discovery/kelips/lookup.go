package kelips

import (
	"slices"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// Bounds of a search.
const (
	maxTries    = 20 // nodes that are asked, for records or who keeps them
	maxSearch   = 15 * time.Second
	maxDoubtful = 3  // of them nodes that are only hearsay
	maxHelpers  = 8  // of them nodes that do not keep the key, asked for some who do
	enoughEmpty = 4  // nodes that keep the key but no record of it
	copies      = 3  // nodes at least that a record is given to
	maxCopies   = 16 // nodes at most; gossip does the rest
	maxAtOnce   = 3  // nodes that a lookup waits for, when several have not answered
	maxSearches = 256
)

// A search is an operation under way: of Find and Route one node is asked after the other, and more at a time
// after silence; of Publish some at a time
// (IPTPS 2003, §2: a lookup asks the nearest contact, and if that fails other contacts, nodes of its own group and a
// random walk in the key's).
type search struct {
	call    overlay.Call
	serial  uint64
	began   overlay.Time
	asked   []overlay.Ref
	named   []overlay.Ref // by nodes that were asked: where the walk may go on
	waits   int
	sure    int // answers that hold all that there is, of this node too
	empty   int
	doubts  int
	helpers int
	result  overlay.Result
}

func (s *search) refs(yield func(overlay.Ref) bool) bool {
	for _, list := range [][]overlay.Ref{s.asked, s.named} {
		for _, r := range list {
			if !yield(r) {
				return false
			}
		}
	}
	return true
}

func (n *Node) onCall(c overlay.Call) {
	switch {
	case n.idle || len(n.searches) >= maxSearches:
		n.out.Done(c.ID, &overlay.Result{Err: overlay.ErrFailed})
	case n.joining && len(n.waiting) < maxWaiting:
		n.waiting = append(n.waiting, c)
	default:
		n.begin(c)
	}
}

func (n *Node) begin(c overlay.Call) {
	n.serial++
	s := &search{call: c, serial: n.serial, began: n.now}
	home := n.inHome(c.Op.Key, n.self.ID)
	if c.Op.Kind == overlay.Publish {
		home = n.keep(c.Op.Record)
	}
	if home {
		s.result.Owners = append(s.result.Owners, n.self)
	}
	if c.Op.Kind == overlay.Find {
		s.result.Records = n.shelf.Get(n.now, c.Op.Key)
		if home && n.leads(c.Op.Key) {
			s.sure++
		}
	}
	n.searches = append(n.searches, s)
	if c.Op.Kind == overlay.Publish {
		n.spread(s)
	}
	n.advance(s)
}

// leads reports whether this node is of the first group of a key's home that has any nodes. Those of the groups after it may
// be in the home since others died, and be told of its records one by one.
func (n *Node) leads(key overlay.Key) bool {
	first := n.config.group(key)
	return !n.bare && n.living(first, n.config.after(first, n.group)) == 0
}

// spread gives a record to those of its home that this node knows and counts on. In a large network those are its contacts;
// in a small one they are all, so that the record is found at once from anywhere.
func (n *Node) spread(s *search) {
	home := n.home(s.call.Op.Key)
	for i := range home {
		if home[i].good() && len(s.asked) < maxCopies {
			n.question(s, home[i].ref)
		}
	}
}

// advance asks whom it can, and ends the search when there is nobody more to ask or to wait for.
func (n *Node) advance(s *search) {
	for s.waits < s.wants() {
		to, ok := n.next(s)
		if !ok {
			break
		}
		n.question(s, to)
	}
	if s.waits == 0 || s.call.Op.Kind != overlay.Publish && s.wants() == 0 {
		n.finish(s)
	}
}

// wants returns how many nodes are to be asked at a time: 0 when the search is at its end.
func (s *search) wants() int {
	r := &s.result
	switch op := s.call.Op; {
	case op.Kind == overlay.Publish:
		return copies - len(r.Owners)
	case op.Kind == overlay.Route && len(r.Owners) > 0, s.empty >= enoughEmpty:
		return 0
	case len(r.Records) > 0 && (s.sure > 1 || s.sure == 1 && op.Want <= len(r.Records)):
		return 0 // one more may know others, if more are wanted; it was asked
	}
	return min(1+r.Timeouts, maxAtOnce)
}

func (n *Node) question(s *search, to overlay.Ref) {
	op := s.call.Op
	var m overlay.Message = &lookup{op.Key, op.Kind == overlay.Find}
	if op.Kind == overlay.Publish {
		m = &store{[]*overlay.Record{op.Record}}
	}
	s.asked = append(s.asked, to)
	s.waits++
	n.out.Ask(to, m, tagSearch|overlay.Tag(s.serial), patience)
}

// next returns whom to ask next: of the home a node that we met, the nearest, one that was named by another, or one that is
// hearsay, in this order; but whoever is in the key's own group comes before nodes of the groups after it, which may be in
// the home only as far as this node knows. If nobody of the home has answered it is one of our group, who may have other
// contacts.
func (n *Node) next(s *search) (overlay.Ref, bool) {
	if len(s.asked) >= maxTries || n.now.Sub(s.began) > maxSearch {
		return overlay.Ref{}, false
	}
	home := n.home(s.call.Op.Key)
	good := n.candidate(s, home, true)
	best := n.nearer(s, good, n.walk(s))
	if s.doubts < maxDoubtful {
		if doubtful := n.candidate(s, home, false); best.IsZero() || n.nearer(s, best, doubtful) != best {
			s.doubts++
			best = doubtful
		}
	}
	if best.IsZero() && s.helpers < maxHelpers && s.empty == 0 && len(s.result.Owners) == 0 {
		s.helpers++
		return n.helper(s)
	}
	return best, !best.IsZero()
}

// candidate returns the first of a home that was not asked and is good, or is not.
func (n *Node) candidate(s *search, home []entry, good bool) overlay.Ref {
	for i := range home {
		if e := &home[i]; e.good() == good && !slices.Contains(s.asked, e.ref) {
			return e.ref
		}
	}
	return overlay.Ref{}
}

// nearer returns which of two is of a group that is nearer after the key's; the first if they are of one. Either may be
// nobody.
func (n *Node) nearer(s *search, a, b overlay.Ref) overlay.Ref {
	first := n.config.group(s.call.Op.Key)
	far := func(r overlay.Ref) int { return n.config.after(first, n.config.group(r.ID)) }
	if a.IsZero() || !b.IsZero() && far(b) < far(a) {
		return b
	}
	return a
}

// walk returns one of those named, at random among the nearest.
func (n *Node) walk(s *search) (to overlay.Ref) {
	s.named = slices.DeleteFunc(s.named, func(r overlay.Ref) bool {
		i, known := n.find(r.ID)
		return r == n.self || slices.Contains(s.asked, r) || known && n.table[i].state == dead
	})
	for k, start := 0, n.rand.IntN(len(s.named)+1); k < len(s.named); k++ {
		to = n.nearer(s, to, s.named[(start+k)%len(s.named)])
	}
	return to
}

func (n *Node) helper(s *search) (overlay.Ref, bool) {
	lo, hi := n.bounds(n.group)
	for _, e := range []*entry{n.random(lo, hi), n.random(lo, hi), n.random(0, len(n.table)), n.random(0, len(n.table))} {
		if e != nil && !slices.Contains(s.asked, e.ref) {
			return e.ref, true
		}
	}
	return overlay.Ref{}, false
}

// home returns the others of a key's home, as far as they are known: each group's after those of the one before it, good
// ones first, the nearest first; of equals any.
func (n *Node) home(key overlay.Key) []entry {
	first := n.config.group(key)
	start, _ := n.bounds(first)
	var home []entry
	living, at, own := 0, -1, n.config.after(first, n.group)
	for k := range n.table {
		e := &n.table[(start+k)%len(n.table)]
		group := n.config.after(first, n.config.group(e.ref.ID))
		if at <= own && own < group {
			living++ // this node
		}
		if group != at && living >= n.config.Contacts {
			break
		}
		if at = group; e.state == met {
			living++
		}
		if e.state != dead {
			home = append(home, *e)
		}
	}
	n.rand.Shuffle(len(home), func(i, j int) { home[i], home[j] = home[j], home[i] })
	slices.SortStableFunc(home, func(a, b entry) int { return n.rank(first, &a) - n.rank(first, &b) })
	return home
}

// rank orders the nodes of a home that begins with a group.
func (n *Node) rank(first int, e *entry) int {
	rank := n.config.after(first, n.config.group(e.ref.ID))<<17 + int(e.rtt)
	if !e.good() {
		rank += maxGroups << 17
	}
	return rank
}

// finding answers lookup. A node that has not been given its group's records yet does not speak for the key's home.
func (n *Node) finding(m *lookup) *found {
	f := &found{home: n.inHome(m.key, n.self.ID) && !n.bare, nodes: n.naming(m.key)}
	if m.records {
		f.records = overlay.Fit(n.shelf.Get(n.now, m.key), overlay.MaxAnswer)
	}
	return f
}

// storing answers store.
func (n *Node) storing(m *store) *stored {
	s := new(stored)
	for _, r := range m.records {
		if n.keep(r) {
			s.kept++
		}
	}
	if len(m.records) > 0 {
		s.nodes = n.naming(m.records[0].Key)
	}
	return s
}

// naming returns some of a key's home.
func (n *Node) naming(key overlay.Key) (some []overlay.Ref) {
	home := n.home(key)
	for i := range home {
		if home[i].good() && len(some) < maxNamed {
			some = append(some, home[i].ref)
		}
	}
	return some
}

func (n *Node) onFound(ev overlay.Answered, m *found) {
	s := n.searching(ev.Tag, ev.From)
	if s == nil {
		return
	}
	n.step(s, ev)
	n.name(s, m.nodes)
	if m.home && n.inHome(s.call.Op.Key, ev.From.ID) {
		s.result.Owners = append(s.result.Owners, ev.From)
		s.sure++
	}
	before := len(s.result.Records)
	if s.call.Op.Kind == overlay.Find {
		s.result.Records = overlay.Merge(s.result.Records, n.valid(m.records, s.call.Op.Key))
	}
	if m.home && len(s.result.Records) == before {
		s.empty++
	}
	n.advance(s)
}

func (n *Node) onStored(ev overlay.Answered, m *stored) {
	if ev.Tag&tagKind == tagMove {
		n.onMoved(ev.From, m)
		return
	}
	s := n.searching(ev.Tag, ev.From)
	if s == nil {
		return
	}
	n.step(s, ev)
	if m.kept > 0 {
		s.result.Owners = append(s.result.Owners, ev.From)
	}
	n.name(s, m.nodes)
	n.advance(s)
}

// step adds an answer to the way. That of a Publish ends at the first who keeps the record; those asked beside it are no
// way.
func (n *Node) step(s *search, ev overlay.Answered) {
	if s.waits--; s.call.Op.Kind == overlay.Publish && len(s.result.Owners) > 0 {
		return
	}
	s.result.Path = append(s.result.Path, overlay.Hop{Node: ev.From, Took: ev.Took})
}

// name takes nodes that another says are of the key's home; others are not asked, so that nobody is sent to anyone.
func (n *Node) name(s *search, nodes []overlay.Ref) {
	for _, r := range nodes {
		if n.inHome(s.call.Op.Key, r.ID) && len(s.named) < maxTries {
			s.named = add(s.named, r)
		}
	}
}

// valid returns the records that are of key and live.
func (n *Node) valid(rs []*overlay.Record, key overlay.Key) (valid []*overlay.Record) {
	for _, r := range rs {
		if r.Key == key && r.Expiry > n.now && r.Expiry.Sub(n.now) <= overlay.MaxLifetime {
			valid = append(valid, r)
		}
	}
	return valid
}

func (n *Node) onNoAnswer(ev overlay.Unreachable) {
	if s := n.searching(ev.Tag, ev.Node); s != nil {
		s.waits--
		s.result.Timeouts++
		n.advance(s)
	}
}

func (n *Node) searching(tag overlay.Tag, from overlay.Ref) *search {
	for _, s := range n.searches {
		if tag == tagSearch|overlay.Tag(s.serial) && slices.Contains(s.asked, from) {
			return s
		}
	}
	return nil
}

// finish ends a search. A record that nobody took stays here until somebody does.
func (n *Node) finish(s *search) {
	n.searches = slices.DeleteFunc(n.searches, func(o *search) bool { return o == s })
	r := &s.result
	if s.call.Op.Kind == overlay.Publish && len(r.Owners) == 0 {
		n.put(s.call.Op.Record)
	}
	switch alone := n.alone(); {
	case len(r.Records) > 0 && s.call.Op.Kind == overlay.Find:
	case alone && s.call.Op.Kind != overlay.Route:
		r.Err = overlay.ErrAlone
	case len(r.Owners) == 0 && !(s.call.Op.Kind == overlay.Find && s.empty > 0):
		r.Err = overlay.ErrFailed
	}
	n.out.Done(s.call.ID, r)
}
