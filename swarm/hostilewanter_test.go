package swarm

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/seed4134be55/peer/swarm/wire"
)

// misleading is what a wanter may say, within its pace and without asking for anything, to keep a seed from spreading
// what it has. It goes on until nobody listens, or until what is said is enough.
var misleading = map[string]func(w *wanter, m *member){
	"is interested and asks for nothing": func(w *wanter, m *member) { w.say(wire.Interested{Channel: 1}) },
	"is interested on every channel": func(w *wanter, m *member) {
		for i := range uint32(maxChannels - 1) {
			w.say(wire.Open{Channel: 2 + i, Root: m.root}, wire.Interested{Channel: 2 + i})
		}
	},
	"claims to hold everything": func(w *wanter, m *member) {
		w.say(wire.HaveBits{Channel: 1, Bits: everything(m)}, wire.Interested{Channel: 1})
	},
	"declines whatever is suggested": func(w *wanter, m *member) {
		w.say(wire.Interested{Channel: 1})
		for {
			switch m := w.hear().(type) {
			case wire.Suggest:
				w.say(wire.Cancel{Channel: 1, Leaves: m.Leaves})
			case nil:
				return
			}
		}
	},
	"changes its mind as often as it may": func(w *wanter, m *member) {
		w.atPace(func(uint32) []wire.Message {
			return []wire.Message{wire.Interested{Channel: 1}, wire.NotInterested{Channel: 1}}
		})
	},
	"comes, holds everything and goes": func(w *wanter, m *member) {
		w.atPace(func(i uint32) []wire.Message {
			i += 2
			return []wire.Message{
				wire.Open{Channel: i, Root: m.root}, wire.Interested{Channel: i},
				wire.HaveBits{Channel: i, Bits: everything(m)}, wire.Close{Channel: i},
			}
		})
	},
}

// everything is the bits of all leaves that m has.
func everything(m *member) []byte { return bytes.Repeat([]byte{255}, m.m.Leaves()/8) }

// atPace says what next returns, again and again, as fast as a wanter may that is not to be cut off.
func (w *wanter) atPace(next func(i uint32) []wire.Message) {
	clock := time.NewTicker(10 * time.Millisecond)
	defer clock.Stop()
	const effortPerTick = messageRate / 100
	for i := uint32(0); ; <-clock.C {
		for said := 0; said < effortPerTick; i++ {
			messages := next(i)
			if !w.say(messages...) {
				return
			}
			for _, m := range messages {
				said += effort(m)
				if _, ok := m.(wire.Open); ok {
					said += openEffort
				}
			}
		}
	}
}

// A wanter that misleads a seed costs the others half as much time again at most.
func TestMisleadingWanters(t *testing.T) {
	const rate = 2 << 20
	f := newFile(t, 29, 1000, 8<<10)
	alone := together(t, f, joinLimited(t, newHeld(f, true), rate))
	for name, do := range misleading {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := joinLimited(t, newHeld(f, true), rate)
			w := want(t, newHost(t), server, 1)
			if o, ok := w.open(1, f.root).(wire.Opened); !ok || o.Have != wire.HaveAll {
				t.Fatalf("%v", o)
			}
			var ended sync.WaitGroup
			ended.Go(func() { do(w, server) })
			took := together(t, f, server)
			sent := server.swarm.Sent()
			t.Logf("%.2f times what they take alone; the seed sent %.2f copies", took.Seconds()/alone.Seconds(), float64(sent)/float64(f.m.Bytes()))
			if took > alone*3/2 {
				t.Errorf("the honest ones took %v, and %v alone", took, alone)
			}
			w.control.Reset()
			ended.Wait()
		})
	}
}
