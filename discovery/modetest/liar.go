package modetest

import (
	"math/rand/v2"
	"reflect"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A Lie is how a peer answers wrongly about records.
type Lie int

// The ways to lie.
const (
	Honest    Lie = iota
	Forges        // it names others as providers of what they do not have: their signatures are not good
	Misplaces     // it answers with good records, of other content
)

// Lying returns a protocol whose machines lie. It is the same overlay otherwise, so that liars are in others' tables.
func Lying(p overlay.Protocol, lie Lie) overlay.Protocol {
	honest := p.New
	if lie != Honest {
		p.New = func(self overlay.Ref, r *rand.Rand) overlay.Machine {
			return &lyingMachine{Machine: honest(self, r), lie: lie, asked: make(map[overlay.ReplyTo]overlay.Key)}
		}
	}
	return p
}

type lyingMachine struct {
	overlay.Machine
	lie   Lie
	asked map[overlay.ReplyTo]overlay.Key
	last  overlay.Key // that anybody spoke of
	seen  []*overlay.Record
}

func (l *lyingMachine) Step(now overlay.Time, ev overlay.Event, out *overlay.Actions) {
	if got, ok := ev.(overlay.Received); ok {
		l.hear(got)
	}
	first := len(out.List)
	l.Machine.Step(now, ev, out)
	for i := range out.List[first:] {
		if a := &out.List[first+i]; a.Msg != nil {
			a.Msg = l.twist(now, a)
		}
	}
}

// hear notes what is asked about, and the records to lie with.
func (l *lyingMachine) hear(got overlay.Received) {
	overlay.Look{
		Key: func(k *overlay.Key) {
			l.last = *k
			if got.Reply != 0 {
				l.asked[got.Reply] = *k
			}
		},
		Records: func(rs *[]*overlay.Record) { l.seen = append(l.seen, (*rs)[:min(len(*rs), max(0, 64-len(l.seen)))]...) },
	}.At(got.Msg)
}

// twist returns the message of an action with other records in it, if there is a place for any.
func (l *lyingMachine) twist(now overlay.Time, a *overlay.Action) overlay.Message {
	key, asked := l.asked[a.Reply]
	if delete(l.asked, a.Reply); !asked {
		key = l.last
	}
	if reflect.TypeOf(a.Msg).Kind() != reflect.Pointer {
		return a.Msg // there is nothing in it
	}
	copied := reflect.New(reflect.TypeOf(a.Msg).Elem())
	copied.Elem().Set(reflect.ValueOf(a.Msg).Elem())
	m := copied.Interface().(overlay.Message)
	overlay.Look{
		Records: func(rs *[]*overlay.Record) { *rs = l.lies(now, key) },
	}.At(m)
	return m
}

func (l *lyingMachine) lies(now overlay.Time, key overlay.Key) []*overlay.Record {
	if l.lie == Misplaces {
		others := slices.DeleteFunc(slices.Clone(l.seen), func(r *overlay.Record) bool { return r.Key == key || r.Expiry <= now })
		return others[:min(len(others), 8)]
	}
	victim := peer.ID("\x00\x24\x08\x01\x12\x20" + "the victim of a forger, 32 bytes")
	if len(l.seen) > 0 {
		victim = l.seen[0].Publisher
	}
	forged := &overlay.Record{
		Key: key, Kind: overlay.Provider, Publisher: victim, Sequence: 1 << 50, Expiry: now + overlay.Time(overlay.MaxLifetime/2/1e6*1e6),
		Payload: overlay.AppendAddrs(nil, nil), Signature: make([]byte, 64),
	}
	return []*overlay.Record{forged}
}
