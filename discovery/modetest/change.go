package modetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Tests of networks in which something changes. What repairs take is theirs to wait for; what is found meanwhile must be
// true all the same.

// shortLife is how long records live in tests that wait for their end.
const shortLife = time.Second

// finds reports whether p finds exactly want, in any order.
func finds(t *testing.T, p Peer, c cid.Cid, want ...Peer) bool {
	t.Helper()
	var ids []peer.ID
	for _, w := range want {
		ids = append(ids, w.ID)
	}
	got := ask(t, p, c, 0)
	slices.Sort(got)
	slices.Sort(ids)
	return slices.Equal(slices.Compact(got), ids)
}

// allFind waits until each of peers finds exactly want.
func allFind(t *testing.T, w World, peers []Peer, c cid.Cid, want ...Peer) {
	t.Helper()
	for i, p := range peers {
		w.Until(t, fmt.Sprintf("peer %d of %d finds the %d who have it", i, len(peers), len(want)), func() bool {
			return finds(t, p, c, without(want, p)...)
		})
	}
}

func without(peers []Peer, p Peer) []Peer {
	return slices.DeleteFunc(slices.Clone(peers), func(o Peer) bool { return o.ID == p.ID })
}

func manyProviders(t *testing.T, make Maker) {
	w, peers := start(t, make, 24)
	c := ContentID("many")
	for _, p := range peers {
		share(t, w, p, c)
	}
	allFind(t, w, peers[:4], c, peers...)
}

func expires(t *testing.T, make Maker) {
	w := make(t, Setting{Life: shortLife, Again: time.Hour})
	peers := w.Join(t, 6)
	w.Settle(t)
	c := ContentID("expires")
	share(t, w, peers[1], c)
	w.Until(t, "it is found no longer", func() bool {
		return finds(t, peers[0], c) && finds(t, peers[2], c)
	})
}

func providedAgain(t *testing.T, make Maker) {
	w := make(t, Setting{Life: shortLife, Again: shortLife / 4})
	peers := w.Join(t, 6)
	w.Settle(t)
	again, never := ContentID("again"), ContentID("never")
	share(t, w, peers[1], again)
	share(t, w, peers[2], never)
	w.Crash(t, 2)
	w.Until(t, "what the dead provided is found no longer", func() bool { return finds(t, peers[0], never) })
	allFind(t, w, []Peer{peers[0], peers[3]}, again, peers[1])
}

func providerLeaves(t *testing.T, make Maker) {
	w, peers := start(t, make, 8)
	c := ContentID("leaves")
	share(t, w, peers[1], c)
	share(t, w, peers[2], c)
	allFind(t, w, peers[3:], c, peers[1], peers[2])
	w.Leave(t, 1)
	// The record of one that has left may be there until it expires: it is the other that must not be lost with it.
	for i, p := range peers[3:] {
		w.Until(t, fmt.Sprintf("peer %d finds who stays", i+3), func() bool {
			return slices.Contains(ask(t, p, c, 0), peers[2].ID)
		})
	}
}

func halfCrash(t *testing.T, make Maker) {
	w, peers := start(t, make, 12)
	var contents []cid.Cid
	for i := range 6 { // by peers that stay
		contents = append(contents, ContentID(fmt.Sprint("half ", i)))
		share(t, w, peers[2*i], contents[i])
	}
	var stay []Peer
	for i, p := range peers {
		if i%2 == 1 {
			w.Crash(t, i)
		} else {
			stay = append(stay, p)
		}
	}
	for i, c := range contents {
		allFind(t, w, []Peer{stay[(i+1)%6], stay[(i+3)%6]}, c, stay[i])
	}
}

func partitionHeals(t *testing.T, make Maker) {
	w, peers := start(t, make, 8)
	w.Cut(t, func(i int) int { return i % 2 })
	odd, even := ContentID("odd"), ContentID("even")
	share(t, w, peers[1], odd)
	share(t, w, peers[2], even)
	w.Until(t, "each side finds its own", func() bool {
		return finds(t, peers[3], odd, peers[1]) && finds(t, peers[4], even, peers[2])
	})
	if got := ask(t, peers[5], even, 0); len(got) != 0 {
		t.Errorf("one side found what only the other has: %v", got)
	}
	w.Heal(t)
	for _, c := range []struct {
		content cid.Cid
		by      Peer
	}{{odd, peers[1]}, {even, peers[2]}} {
		allFind(t, w, []Peer{peers[0], peers[3], peers[4], peers[7]}, c.content, c.by)
	}
}

// liar has a peer that lies among honest ones. They find what there is, and nothing that there is not.
func liar(t *testing.T, make Maker, lie Lie) {
	w := make(t, Setting{})
	peers := w.Join(t, 6)
	w.JoinLiar(t, lie)
	w.Settle(t)
	var contents []cid.Cid
	for i, p := range peers {
		contents = append(contents, ContentID(fmt.Sprint("lied about ", i)))
		share(t, w, p, contents[i])
	}
	for i, c := range contents {
		allFind(t, w, []Peer{peers[(i+1)%6], peers[(i+2)%6]}, c, peers[i])
	}
	for i := range 12 {
		if got := ask(t, peers[i%6], ContentID(fmt.Sprint("nobody's ", i)), 0); len(got) != 0 {
			t.Errorf("peer %d found %v for what nobody has", i%6, got)
		}
	}
}

func whileJoining(t *testing.T, make Maker) {
	w, peers := start(t, make, 4)
	c := ContentID("while joining")
	share(t, w, peers[1], c)
	allFind(t, w, []Peer{peers[0]}, c, peers[1])
	for range 8 {
		peers = append(peers, w.Join(t, 1)...)
		for _, p := range []Peer{peers[0], peers[len(peers)-1]} {
			if got := ask(t, p, c, 0); slices.ContainsFunc(got, func(id peer.ID) bool { return id != peers[1].ID }) {
				t.Errorf("found %v", got)
			}
		}
	}
	allFind(t, w, peers, c, peers[1])
}
