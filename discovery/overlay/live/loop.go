package live

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/seed4134be55/peer/discovery/overlay"
)

const (
	inboxLen  = 256              // who has more for the loop waits, and does not read on
	tidyEvery = 15 * time.Second // idle links, questions that nobody answered, the book
	goodbye   = 2 * time.Second  // for what machines say when they stop
	parting   = 500 * time.Millisecond
)

// A loop runs the machines of one peer. One goroutine, in run, owns all fields but those of the first group; others reach
// it by post. It never waits for a stream or a dial.
type loop struct {
	host     host.Host
	protocol protocol.ID
	overlay  overlay.Protocol
	hello    []byte
	params   []overlay.Param
	log      *slog.Logger
	gate     *gate
	checker  checker
	inbox    chan func()
	ended    chan struct{} // closed when run takes nothing more from inbox
	work     *crew         // the goroutines of streams and dials
	dials    chan struct{} // a slot for each dial under way
	counted  *counter
	clock    *clock

	alarms   *alarms
	book     *book
	machines []overlay.Machine
	selves   []overlay.Ref // of machines
	actions  overlay.Actions
	todo     []happening
	links    map[peer.ID]*link
	asks     map[uint64]*ask
	replies  map[overlay.ReplyTo]reply
	ops      map[overlay.OpID]func(*Outcome)
	last     uint64 // number of a question, a reply or an operation
	refused  map[peer.ID]refusal
	frozen   bool // timers wait: for tests of what happens without maintenance
	stopping bool
	alone    bool          // no machine knows anybody
	joined   chan struct{} // has room for one: alone no longer
}

// A happening is an event that a machine is to be told of.
type happening struct {
	node int
	ev   overlay.Event
}

// post has f run on the loop. It waits while the loop is busy, and reports whether f will run.
func (l *loop) post(ctx context.Context, f func()) bool {
	select {
	case l.inbox <- f:
		return true
	case <-l.ended:
	case <-ctx.Done():
	}
	return false
}

// run starts the machines and drives them until ctx ends, and then says goodbye.
func (l *loop) run(ctx context.Context) {
	for i := range l.machines {
		var known []overlay.Ref
		if i > 0 {
			known = l.selves[:1]
		}
		l.tell(i, overlay.Start{Known: known})
	}
	l.serve(ctx, nil)
	l.stopping = true
	for i := range l.machines {
		l.tell(i, overlay.Stop{})
	}
	for op, done := range l.ops {
		done(&Outcome{Err: errStopped})
		delete(l.ops, op)
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	l.serve(leaving, func() bool { return len(l.asks) == 0 && !l.opening() })
	l.part()
	close(l.ended)
}

// serve takes what comes until ctx ends or enough says so.
func (l *loop) serve(ctx context.Context, enough func() bool) {
	timer, tidy := time.NewTimer(0), time.NewTicker(tidyEvery)
	defer timer.Stop()
	defer tidy.Stop()
	for {
		l.drain()
		if enough != nil && enough() {
			return
		}
		timer.Reset(l.alarms.next(time.Now()))
		select {
		case f := <-l.inbox:
			f()
		case <-timer.C:
			l.ring()
		case <-tidy.C:
			l.tidy()
		case <-ctx.Done():
			return
		}
	}
}

// ring tells of what has run out.
func (l *loop) ring() {
	for now := time.Now(); ; {
		key, ok := l.alarms.due(now)
		if !ok {
			return
		}
		if key.ask != 0 {
			l.giveUp(key.ask)
		} else {
			l.tell(key.node, overlay.Fired{Timer: key.timer})
		}
	}
}

// tell has a machine told of an event, after those that are to come first.
func (l *loop) tell(node int, ev overlay.Event) {
	if _, last := ev.(overlay.Stop); l.stopping && !last {
		return
	}
	l.todo = append(l.todo, happening{node, ev})
}

// drain tells the machines of all events, and of those that follow at once from them.
func (l *loop) drain() {
	for len(l.todo) > 0 {
		next := l.todo[0]
		l.todo = l.todo[1:]
		l.step(next.node, next.ev)
	}
	l.todo = nil
	if l.alone && l.census().Peers > 0 {
		l.alone = false
		select {
		case l.joined <- struct{}{}:
		default:
		}
	}
}

func (l *loop) step(node int, ev overlay.Event) {
	l.actions.Reset()
	l.machines[node].Step(l.clock.now(), ev, &l.actions)
	for i := range l.actions.List {
		l.do(node, &l.actions.List[i])
	}
}

func (l *loop) do(node int, a *overlay.Action) {
	switch a.Do {
	case overlay.DoSend:
		l.send(&outgoing{node: node, kind: frameTell, to: a.To, msg: a.Msg})
	case overlay.DoAsk:
		l.ask(node, a)
	case overlay.DoReply:
		l.reply(a.Reply, a.Msg)
	case overlay.DoSet:
		if !l.frozen && !l.stopping {
			l.alarms.set(alarmKey{node: node, timer: a.Timer}, l.clock.until(a.After))
		}
	case overlay.DoCancel:
		l.alarms.cancel(alarmKey{node: node, timer: a.Timer})
	case overlay.DoProbe:
		l.probe(node, a.To)
	case overlay.DoDone:
		l.done(a.Op, a.Result)
	case overlay.DoTrace:
		l.log.Debug(a.Trace.What, slog.String("mode", l.overlay.Name), slog.Int("node", node),
			slog.String("key", a.Trace.Key.Short()), slog.String("about", a.Trace.Node.String()))
	}
}

// tidy closes what has been idle and forgets what nobody needs.
func (l *loop) tidy() {
	now := time.Now()
	l.closeIdle(now)
	for id, r := range l.replies {
		if now.Sub(r.since) > replyWithin {
			l.forgetReply(id, r)
		}
	}
	for id, r := range l.refused {
		if now.After(r.until) {
			delete(l.refused, id)
		}
	}
	l.book.own = l.book.ownAddrs()
	l.book.sweep(l.held)
	l.alone = l.census().Peers == 0
}

// held yields the nodes that are still spoken of. No event waits meanwhile.
func (l *loop) held(yield func(overlay.Ref) bool) {
	more := true
	once := func(r overlay.Ref) bool {
		more = more && yield(r)
		return more
	}
	for _, m := range l.machines {
		m.Refs(once)
	}
	for _, q := range l.asks {
		once(q.to)
	}
	for _, k := range l.links {
		for _, o := range k.backlog {
			once(o.to)
		}
	}
}

// census counts what all machines hold. Its peers are those of the one that knows most.
func (l *loop) census() (all overlay.Census) {
	for _, m := range l.machines {
		c := m.Census()
		all.Peers = max(all.Peers, c.Peers)
		all.Keys += c.Keys
		all.Records += c.Records
		all.Bytes += c.Bytes
	}
	return all
}

// met tells the machines of a peer that speaks the protocol.
func (l *loop) met(id peer.ID) {
	if id == l.host.ID() || l.gate.ignores(id) {
		return
	}
	ref, err := l.book.ref(nodeID{peer: id})
	if err != nil {
		return
	}
	l.book.prove(id)
	for i := range l.machines {
		l.tell(i, overlay.Met{Node: ref})
	}
}

// call begins an operation of the first machine. then gets its outcome, on the loop.
func (l *loop) call(op overlay.Op, then func(*Outcome)) {
	l.last++
	id := overlay.OpID(l.last)
	l.ops[id] = then
	l.tell(0, overlay.Call{ID: id, Op: op})
}

func (l *loop) done(op overlay.OpID, r *overlay.Result) {
	then := l.ops[op]
	if then == nil {
		return
	}
	delete(l.ops, op)
	then(l.outcome(r))
}

// An Outcome is how an operation ended, with peers in place of handles.
type Outcome struct {
	Err      error             // overlay.ErrFailed, overlay.ErrAlone or what wraps them, or that the mode has stopped
	Owners   []Step            // that answered for the key, the responsible one first
	Records  []*overlay.Record // verified
	Path     []Step
	Timeouts int
}

// A Step is one hop of a lookup.
type Step struct {
	Peer peer.ID
	Node overlay.Key
	Took time.Duration // until its answer; 0 if that is not known
}

func (l *loop) outcome(r *overlay.Result) *Outcome {
	o := &Outcome{Err: r.Err, Records: r.Records, Timeouts: r.Timeouts}
	for _, ref := range r.Owners {
		if n := l.book.nodes[ref.Handle]; n != nil {
			o.Owners = append(o.Owners, Step{Peer: n.peer, Node: n.ref.ID})
		}
	}
	for _, h := range r.Path {
		if n := l.book.nodes[h.Node.Handle]; n != nil {
			o.Path = append(o.Path, Step{n.peer, n.ref.ID, h.Took})
		}
	}
	return o
}

// A refusal says why nobody speaks to a peer for a while.
type refusal struct {
	why   string
	until time.Time
}

const (
	maxRefused = 256
	refuseFor  = 5 * time.Minute // whose parameters differ: they may be restarted with others
)

// refuse notes that a peer's parameters are not ours.
func (l *loop) refuse(id peer.ID, err error) {
	why := whatDiffers(err)
	if why == "" {
		return
	}
	if _, known := l.refused[id]; !known {
		l.log.Warn("a peer of another kind: "+why, slog.String("peer", id.String()))
	}
	if len(l.refused) < maxRefused {
		l.refused[id] = refusal{why, time.Now().Add(refuseFor)}
	}
}

var errStopped = errors.New("it has stopped")
