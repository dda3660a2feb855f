package pex

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// A Teller is what one other peer was told about one root. The zero value has told nothing.
type Teller struct {
	told map[peer.ID]bool
	next time.Time // not before, unasked
}

// Told returns how many peers the other was told of that were not taken back.
func (t *Teller) Told() int { return len(t.told) }

// Knows tells whether the other was told of id.
func (t *Teller) Knows(id peer.ID) bool { return t.told[id] }

// Due tells whether the other may be told something unasked.
func (t *Teller) Due(now time.Time) bool { return !now.Before(t.next) }

// Tell returns what to tell the other of present, the peers that are connected for the root but for the other itself,
// each once. room is how many more may be remembered as told. What was said counts; with nothing to say the next who
// comes is told of soon.
func (t *Teller) Tell(now time.Time, present []peer.ID, room int, random *rand.Rand) (added, dropped []peer.ID) {
	added, dropped = t.change(present, room, random)
	t.next = now.Add(Pause)
	if len(added)+len(dropped) > 0 {
		t.next = now.Add(Every)
	}
	return added, dropped
}

// Answer is Tell for another that asked, which is answered even if there is nothing to say.
func (t *Teller) Answer(now time.Time, present []peer.ID, room int, random *rand.Rand) (added, dropped []peer.ID) {
	t.next = now.Add(Every)
	return t.change(present, room, random)
}

// change brings what was told closer to present. Those who are gone make room for those who have come. Who is told of
// first is chosen at random: the newcomers of a large swarm would otherwise all go to the same fifty.
func (t *Teller) change(present []peer.ID, room int, random *rand.Rand) (added, dropped []peer.ID) {
	here := make(map[peer.ID]bool, len(present))
	for _, id := range present {
		here[id] = true
	}
	for _, id := range slices.Sorted(maps.Keys(t.told)) {
		if !here[id] && len(dropped) < MaxPeers {
			dropped = append(dropped, id)
			delete(t.told, id)
		}
	}
	fresh := slices.DeleteFunc(slices.Sorted(maps.Keys(here)), func(id peer.ID) bool { return t.told[id] })
	random.Shuffle(len(fresh), func(i, j int) { fresh[i], fresh[j] = fresh[j], fresh[i] })
	room = min(MaxPeers, MaxTold-len(t.told), room+len(dropped), len(fresh))
	if room <= 0 {
		return nil, dropped
	}
	if t.told == nil {
		t.told = make(map[peer.ID]bool)
	}
	added = fresh[:room]
	for _, id := range added {
		t.told[id] = true
	}
	slices.SortFunc(added, cmp.Compare[peer.ID])
	return added, dropped
}
