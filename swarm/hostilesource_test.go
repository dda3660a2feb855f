package swarm

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/swarm/wire"
)

// sources starts n good sources of f that send so many bytes a second each.
func sources(t *testing.T, f *file, n int, up int64) (all []peer.AddrInfo) {
	t.Helper()
	for range n {
		all = append(all, joinLimited(t, newHeld(f, true), up).info())
	}
	return all
}

// timed downloads f from the peers given and returns how long that took.
func timed(t *testing.T, f *file, from ...peer.AddrInfo) time.Duration {
	t.Helper()
	start := time.Now()
	attack(t, f, new(keeper), from...).end(t, f)
	return time.Since(start)
}

// A liar beside three honest sources costs a tenth of their speed at most.
func TestLiarCostsLittleTime(t *testing.T) {
	const up = 2 << 20
	f := newFile(t, 70, 200, 64<<10)
	honest := timed(t, f, sources(t, f, 3, up)...)
	for range 3 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			h := newHeld(f, true)
			h.spoil = func(_ int, block []byte) []byte {
				if random.IntN(10) > 0 {
					return block
				}
				return bent(block)
			}
			took := timed(t, f, append(sources(t, f, 3, up), joinLimited(t, h, up).info())...)
			t.Logf("%.2f of the speed of three honest sources", honest.Seconds()/took.Seconds())
			if took > honest*10/9 {
				t.Errorf("it took %v, and %v without the liar", took, honest)
			}
		})
	}
}

// One source that sends a byte a second and one that is silent, beside two good ones: they hold no piece for longer than
// a source may be silent, they cost little time, and nothing of the session is left.
func TestSlowAndSilentBesideTwoGood(t *testing.T) {
	const up = 2 << 20
	f := newFile(t, 71, 300, 64<<10)
	good := timed(t, f, sources(t, f, 2, up)...)
	silent := newVillain(t, f, func(v *villain) { v.leaf = func(*talk, int) {} })
	slow := newVillain(t, f, func(v *villain) {
		v.leaf = func(t *talk, i int) {
			t.frame(frameHeader(wire.FrameLeaf, uint64(t.channel), uint64(i), uint64(len(t.block(i)))), nil)
			for _, b := range t.block(i) {
				<-time.After(time.Second)
				if !t.frame(nil, []byte{b}) {
					return
				}
			}
		}
	})
	start := time.Now()
	v := attack(t, f, new(keeper), append(sources(t, f, 2, up), silent.info(), slow.info())...)
	over, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		v.watchHoarders(t, over, silent.host.ID(), slow.host.ID())
	}()
	v.end(t, f)
	took := time.Since(start)
	close(over)
	<-watched
	t.Logf("%.2f times what the two good ones take", took.Seconds()/good.Seconds())
	if took > good*13/10 {
		t.Errorf("it took %v, and %v with the good ones alone", took, good)
	}
	waitFor(t, "nothing of the session is left", func() bool { return !running("swarm.(*Session)") && !running("swarm.(*link)") })
}

// watchHoarders fails the test when one of the peers given is asked for something for longer than a source may be silent.
func (v *victim) watchHoarders(t *testing.T, over <-chan struct{}, ids ...peer.ID) {
	const slack = 2 * time.Second // looks are now and then, and the machine may be busy
	since := make(map[peer.ID]time.Time)
	clock := time.NewTicker(50 * time.Millisecond)
	defer clock.Stop()
	for {
		select {
		case now := <-clock.C:
			asked := make(map[peer.ID]int)
			for _, s := range v.Status().Sources {
				asked[s.ID] = s.Asked
			}
			for _, id := range ids {
				switch {
				case asked[id] == 0:
					delete(since, id)
				case since[id].IsZero():
					since[id] = now
				case now.Sub(since[id]) > stallAfter+slack:
					t.Errorf("%d bytes are asked of one that sends nothing, for %v", asked[id], now.Sub(since[id]))
					return
				}
			}
		case <-over:
			return
		}
	}
}

// running tells whether some goroutine is in a function of that name.
func running(name string) bool {
	stacks := make([]byte, 4<<20)
	return strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), name)
}
