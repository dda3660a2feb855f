package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A gossip is a small machine that does a bit of everything: it asks a random node it knows for more nodes each second,
// sends a note and probes one. A call is passed on to a random node, and so to another, which answers.
type gossip struct {
	self    overlay.Ref
	r       *rand.Rand
	known   []overlay.Ref
	shelf   overlay.Shelf
	calls   []overlay.OpID // by tag, from callTag on
	heard   map[string]int
	forward map[overlay.Tag]overlay.ReplyTo
}

const (
	maxKnown = 8
	moreTag  = overlay.Tag(1)
	callTag  = overlay.Tag(100)
	tick     = 1 // timer
)

// A word is any message of gossip.
type word struct {
	kind    overlay.Kind
	refs    []overlay.Ref
	records []*overlay.Record
	hops    uint8
}

const (
	wordMore overlay.Kind = iota + 1
	wordNodes
	wordNote
	wordFind
	wordFound
)

func (w *word) Kind() overlay.Kind { return w.kind }

func (w *word) Fields(c *overlay.Coder) {
	c.Refs(&w.refs, maxKnown)
	c.Records(&w.records, 4)
	overlay.Number(c, &w.hops, 10)
}

func protocol() overlay.Protocol {
	return overlay.Protocol{
		Name: "gossip",
		New: func(self overlay.Ref, r *rand.Rand) overlay.Machine {
			return &gossip{self: self, r: r, heard: map[string]int{}, forward: map[overlay.Tag]overlay.ReplyTo{}}
		},
		NewMessage: func(k overlay.Kind) overlay.Message {
			if k < wordMore || k > wordFound {
				return nil
			}
			return &word{kind: k}
		},
		Fill: func(w overlay.World) {
			for i, m := range w.Machines {
				for d := range min(maxKnown, len(w.Nodes)-1) {
					m.(*gossip).learn(w.Nodes[(i+d+1)%len(w.Nodes)])
				}
			}
		},
	}
}

func (g *gossip) Refs(yield func(overlay.Ref) bool) { slices.Values(g.known)(yield) }
func (g *gossip) Keeps(k overlay.Key) bool          { return g.shelf.Keeps(k) }
func (g *gossip) Census() overlay.Census            { return overlay.Census{Peers: len(g.known)} }
func (g *gossip) String() string                    { return fmt.Sprint("knows ", g.known) }

func (g *gossip) learn(nodes ...overlay.Ref) {
	for _, n := range nodes {
		if n != g.self && !slices.Contains(g.known, n) && len(g.known) < maxKnown {
			g.known = append(g.known, n)
		}
	}
}

func (g *gossip) any() (overlay.Ref, bool) {
	if len(g.known) == 0 {
		return overlay.Ref{}, false
	}
	return g.known[g.r.IntN(len(g.known))], true
}

func (g *gossip) Step(now overlay.Time, ev overlay.Event, out *overlay.Actions) {
	g.heard[fmt.Sprintf("%T", ev)]++
	switch ev := ev.(type) {
	case overlay.Start:
		g.learn(ev.Known...)
		out.Set(overlay.Timer{Kind: tick}, time.Duration(g.r.Int64N(int64(time.Second))))
	case overlay.Met:
		g.learn(ev.Node)
	case overlay.Call:
		g.call(now, ev, out)
	case overlay.Received:
		g.received(now, ev, out)
	case overlay.Answered:
		g.answered(ev, out)
	case overlay.Unreachable:
		g.known = slices.DeleteFunc(g.known, func(n overlay.Ref) bool { return n == ev.Node })
		g.end(ev.Tag, &overlay.Result{Err: overlay.ErrFailed}, out)
	case overlay.Fired:
		g.gossip(out)
	case overlay.Stop:
		for _, n := range g.known {
			out.Send(n, &word{kind: wordNote})
		}
	}
}

func (g *gossip) gossip(out *overlay.Actions) {
	out.Set(overlay.Timer{Kind: tick}, time.Second)
	if n, ok := g.any(); ok {
		out.Ask(n, &word{kind: wordMore}, moreTag, 2*time.Second)
	}
	if n, ok := g.any(); ok {
		out.Send(n, &word{kind: wordNote, refs: []overlay.Ref{g.self}})
		out.Probe(n)
	}
	out.Trace("gossiped", overlay.Key{}, g.self)
}

func (g *gossip) call(now overlay.Time, c overlay.Call, out *overlay.Actions) {
	n, ok := g.any()
	if !ok {
		out.Done(c.ID, &overlay.Result{Err: overlay.ErrAlone})
		return
	}
	m := &word{kind: wordFind, hops: 3}
	if c.Op.Record != nil {
		m.records = []*overlay.Record{c.Op.Record}
	}
	g.calls = append(g.calls, c.ID)
	out.Ask(n, m, callTag+overlay.Tag(len(g.calls)-1), 2*time.Second)
}

func (g *gossip) received(now overlay.Time, ev overlay.Received, out *overlay.Actions) {
	m := ev.Msg.(*word)
	for _, r := range m.records {
		_ = g.shelf.Put(now, r)
	}
	switch m.kind {
	case wordMore:
		out.Reply(ev.Reply, &word{kind: wordNodes, refs: slices.Clone(g.known)})
	case wordNote:
		g.learn(m.refs...)
	case wordFind:
		n, ok := g.any()
		if m.hops == 0 || !ok {
			out.Reply(ev.Reply, &word{kind: wordFound, refs: []overlay.Ref{g.self}})
			return
		}
		tag := overlay.Tag(ev.Reply) << 8
		g.forward[tag] = ev.Reply
		out.Ask(n, &word{kind: wordFind, hops: m.hops - 1, records: m.records}, tag, time.Second)
	}
}

func (g *gossip) answered(ev overlay.Answered, out *overlay.Actions) {
	m := ev.Msg.(*word)
	if m.kind == wordNodes {
		g.learn(m.refs...)
		return
	}
	g.end(ev.Tag, &overlay.Result{Owners: m.refs, Path: []overlay.Hop{{Node: ev.From, Took: ev.Took}}}, out)
}

func (g *gossip) end(tag overlay.Tag, r *overlay.Result, out *overlay.Actions) {
	if to, ok := g.forward[tag]; ok {
		delete(g.forward, tag)
		if r.Err == nil {
			out.Reply(to, &word{kind: wordFound, refs: r.Owners})
		}
		return
	}
	if tag >= callTag && int(tag-callTag) < len(g.calls) {
		out.Done(g.calls[tag-callTag], r)
	}
}

func start(t *testing.T, c Config) *Sim {
	t.Helper()
	if c.Protocol.New == nil {
		c.Protocol = protocol()
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Fill()
	return s
}

func heard(s *Sim, peer int, event string) int {
	return s.Machine(peer).(*gossip).heard["overlay."+event]
}
