package pex

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

var start = time.Unix(1_000_000, 0)

// people returns peers from to to-1.
func people(from, to int) (ids []peer.ID) {
	for i := from; i < to; i++ {
		ids = append(ids, peer.ID(fmt.Sprintf("peer %04d", i)))
	}
	return ids
}

func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// A turn is a moment of a conversation: who is connected, and what is to be told.
type turn struct {
	at             int // seconds
	present        []peer.ID
	asked          bool
	added, dropped int
}

func TestTell(t *testing.T) {
	for name, turns := range map[string][]turn{
		"the first at once, then once a minute": {
			{0, people(0, 3), false, 3, 0}, {1, people(0, 4), false, 0, 0}, {59, people(0, 4), false, 0, 0}, {60, people(0, 4), false, 1, 0},
			{61, people(0, 5), false, 0, 0}, {120, people(0, 5), false, 1, 0},
		},
		"nobody is no message": {
			{0, nil, false, 0, 0}, {30, people(0, 1), false, 1, 0}, {60, people(0, 2), false, 0, 0}, {90, people(0, 2), false, 1, 0},
		},
		"no news is no message": {
			{0, people(0, 2), false, 2, 0}, {60, people(0, 2), false, 0, 0}, {61, people(0, 3), false, 1, 0}, {62, people(0, 4), false, 0, 0},
		},
		"fifty at a time": {
			{0, people(0, 120), false, 50, 0}, {60, people(0, 120), false, 50, 0}, {120, people(0, 120), false, 20, 0}, {180, people(0, 120), false, 0, 0},
		},
		"fifty are dropped at a time, beside fifty added": {
			{0, people(0, 50), false, 50, 0}, {60, people(0, 100), false, 50, 0}, {120, people(100, 200), false, 50, 50}, {180, people(100, 200), false, 50, 50},
			{240, people(100, 200), false, 0, 0},
		},
		"gone and back within the minute is nothing": {
			{0, people(0, 2), false, 2, 0}, {10, people(0, 1), false, 0, 0}, {60, people(0, 2), false, 0, 0},
		},
		"dropped and added again": {
			{0, people(0, 2), false, 2, 0}, {60, people(0, 1), false, 0, 1}, {120, people(0, 2), false, 1, 0},
		},
		"a question is answered at once, with what is new": {
			{0, people(0, 2), false, 2, 0}, {5, people(0, 4), true, 2, 0}, {10, people(1, 4), true, 0, 1}, {15, people(1, 4), true, 0, 0},
			{74, people(1, 5), false, 0, 0}, {75, people(1, 5), false, 1, 0},
		},
		"two hundred are enough": {
			{0, people(0, 300), false, 50, 0}, {60, people(0, 300), false, 50, 0}, {120, people(0, 300), false, 50, 0}, {180, people(0, 300), false, 50, 0},
			{240, people(0, 300), false, 0, 0}, {300, people(300, 310), false, 10, 50},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var tl Teller
			random, known := newRand(), make(map[peer.ID]bool)
			for _, n := range turns {
				now := start.Add(time.Duration(n.at) * time.Second)
				var added, dropped []peer.ID
				switch {
				case n.asked:
					added, dropped = tl.Answer(now, n.present, MaxTold, random)
				case tl.Due(now):
					added, dropped = tl.Tell(now, n.present, MaxTold, random)
				}
				if len(added) != n.added || len(dropped) != n.dropped {
					t.Fatalf("at %d s: %d added and %d dropped, want %d and %d", n.at, len(added), len(dropped), n.added, n.dropped)
				}
				for _, id := range dropped {
					if !known[id] || slices.Contains(n.present, id) {
						t.Errorf("at %d s: %s is dropped", n.at, id)
					}
					delete(known, id)
				}
				for _, id := range added {
					if known[id] || !slices.Contains(n.present, id) {
						t.Errorf("at %d s: %s is added", n.at, id)
					}
					known[id] = true
				}
				if tl.Told() != len(known) {
					t.Errorf("at %d s: %d are told, counted as %d", n.at, len(known), tl.Told())
				}
			}
		})
	}
}

// With room for few, few are told; who is dropped makes room.
func TestTellWithinRoom(t *testing.T) {
	var tl Teller
	if added, _ := tl.Tell(start, people(0, 10), 3, newRand()); len(added) != 3 {
		t.Errorf("%d told with room for 3", len(added))
	}
	if added, _ := tl.Answer(start, people(0, 10), 0, newRand()); len(added) != 0 {
		t.Errorf("%d more told with room for none", len(added))
	}
	if added, dropped := tl.Answer(start, people(10, 20), 0, newRand()); len(added) != 3 || len(dropped) != 3 {
		t.Errorf("%d told in the place of %d", len(added), len(dropped))
	}
}

// Two who are told of the same large swarm are not sent to the same peers, and one seed gives one order.
func TestTellShuffles(t *testing.T) {
	tell := func(random *rand.Rand) []peer.ID {
		added, _ := new(Teller).Tell(start, people(0, 200), MaxTold, random)
		return added
	}
	random := newRand()
	a, b := tell(random), tell(random)
	if slices.Equal(a, b) {
		t.Error("all are told of the same")
	}
	if !slices.Equal(a, tell(newRand())) {
		t.Error("a seed does not replay")
	}
}

func TestListener(t *testing.T) {
	type word struct {
		at   float64 // seconds
		what string
		ok   bool
	}
	for name, words := range map[string][]word{
		"once a minute":            {{0, "tell", true}, {60, "tell", true}, {120, "tell", true}, {180, "tell", true}},
		"a little early or late":   {{3, "tell", true}, {60, "tell", true}, {123, "tell", true}, {180, "tell", true}},
		"two at once":              {{0, "tell", true}, {0, "tell", true}, {1, "tell", false}},
		"twice as often":           {{0, "tell", true}, {30, "tell", true}, {60, "tell", true}, {90, "tell", false}},
		"what we asked for":        {{0, "tell", true}, {0, "tell", true}, {1, "ask", true}, {1, "tell", true}, {2, "tell", false}},
		"asks every five seconds":  {{0, "question", true}, {5, "question", true}, {10, "question", true}, {15, "question", true}},
		"asks twice at once":       {{0, "question", true}, {0, "question", true}, {1, "question", false}},
		"asks every three seconds": {{0, "question", true}, {3, "question", true}, {6, "question", true}, {9, "question", false}},
		"asking is not telling":    {{0, "tell", true}, {0, "tell", true}, {0, "question", true}, {0, "question", true}},
	} {
		t.Run(name, func(t *testing.T) {
			var l Listener
			for _, w := range words {
				now := start.Add(time.Duration(w.at * float64(time.Second)))
				var err error
				switch w.what {
				case "tell":
					err = l.Heard(now)
				case "question":
					err = l.Question(now)
				default:
					l.Asked()
				}
				if (err == nil) != w.ok {
					t.Fatalf("%s at %v s: %v", w.what, w.at, err)
				}
			}
		})
	}
}

// One that does not answer does not save up what it may say.
func TestUnansweredQuestions(t *testing.T) {
	var l Listener
	for range 1000 {
		l.Asked()
	}
	n := 0
	for l.Heard(start) == nil {
		n++
	}
	if n != maxAwaited+burst {
		t.Errorf("it may tell %d times", n)
	}
}

func TestAsker(t *testing.T) {
	var a Asker
	for _, c := range []struct {
		at, connected int
		want          bool
	}{{0, 8, false}, {1, 7, true}, {5, 0, false}, {6, 0, true}, {20, 8, false}, {21, 7, true}} {
		if got := a.Ask(start.Add(time.Duration(c.at)*time.Second), func() int { return c.connected }); got != c.want {
			t.Errorf("at %d s with %d connections: %v", c.at, c.connected, got)
		}
	}
}

// Whatever the order of events, what the other believes follows who is there, and no message is too large or too early.
func TestTellerFollows(t *testing.T) {
	for range 50 {
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		var tl Teller
		var l Listener
		known := make(map[peer.ID]bool)
		now, all := start, people(0, 150)
		present := make(map[peer.ID]bool)
		step := func(churn int) {
			for range churn {
				if id := all[random.IntN(len(all))]; present[id] {
					delete(present, id)
				} else {
					present[id] = true
				}
			}
			now = now.Add(time.Duration(random.IntN(30)) * time.Second)
			var here []peer.ID
			for id := range present {
				here = append(here, id)
			}
			if !tl.Due(now) {
				return
			}
			added, dropped := tl.Tell(now, here, MaxTold, random)
			if len(added)+len(dropped) == 0 {
				return
			}
			if err := l.Heard(now); err != nil || len(added) > MaxPeers || len(dropped) > MaxPeers {
				t.Fatalf("seed %d: %d added, %d dropped, %v", seed, len(added), len(dropped), err)
			}
			for _, id := range dropped {
				delete(known, id)
			}
			for _, id := range added {
				known[id] = true
			}
		}
		for range 200 {
			step(random.IntN(40))
		}
		for range 100 {
			step(0)
		}
		if len(known) != len(present) {
			t.Fatalf("seed %d: it believes in %d of %d", seed, len(known), len(present))
		}
		for id := range present {
			if !known[id] {
				t.Fatalf("seed %d: it has not heard of %s", seed, id)
			}
		}
	}
}

// One of whom there is nothing to tell is left alone for a moment: to find that out is work.
func TestPause(t *testing.T) {
	var tl Teller
	tl.Tell(start, nil, MaxTold, newRand())
	if tl.Due(start.Add(Pause-1)) || !tl.Due(start.Add(Pause)) {
		t.Error("the pause is another")
	}
}
