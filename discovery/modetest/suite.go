// Package modetest is the conformance suite of discovery.Mode: what every mode must do, whichever
// way it finds content, and what tests of modes need to build peers on this machine.
//
// A mode's own tests call Run with a way to start peers. It tests no mode's inner workings.
package modetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	mh "github.com/multiformats/go-multihash"

	"github.com/seed4134be55/peer/discovery"
)

// patience bounds a question to peers on this machine, and prompt is how soon a question ends after
// its context: both far more than is needed.
const (
	patience = 20 * time.Second
	prompt   = 3 * time.Second
)

// Peer is one peer under test.
type Peer struct {
	ID   peer.ID
	Mode discovery.Mode
	// Hold makes the peer have c, as its node would see it; nil if the mode does not ask its node.
	Hold func(c cid.Cid)
}

func (p Peer) share(t *testing.T, c cid.Cid) {
	t.Helper()
	if p.Hold != nil {
		p.Hold(c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := p.Mode.Provide(ctx, c, true); err != nil {
		t.Fatalf("provide: %v", err)
	}
}

// Start starts n peers whose modes run until the test ends and know one another, directly or not.
type Start func(t *testing.T, n int) []Peer

// Run holds a mode to its contract. Each test starts its own peers.
func Run(t *testing.T, start Start) {
	for name, test := range map[string]func(*testing.T, Start){
		"everybody finds what one provides": oneProvider,
		"several providers are all found":   severalProviders,
		"as many as asked for":              atMostN,
		"nobody has it":                     nobody,
		"a peer does not find itself":       notSelf,
		"cancelling stops promptly":         cancelStops,
		"unread questions end":              unread,
		"what it cannot do is an error":     notSupported,
	} {
		t.Run(name, func(t *testing.T) {
			NoLeaks(t)
			test(t, start)
		})
	}
}

// ContentID returns a CID of its own for each name.
func ContentID(name string) cid.Cid {
	sum, err := mh.Sum([]byte(name), mh.SHA2_256, -1)
	if err != nil {
		panic(err) // SHA-256 is always there
	}
	return cid.NewCidV1(cid.Raw, sum)
}

// ask returns the peers found, in the order they came.
func ask(t *testing.T, p Peer, c cid.Cid, n int) []peer.ID {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	found, err := discovery.Find(ctx, p.Mode, c, n)
	if err != nil {
		t.Fatal(err)
	}
	var ids []peer.ID
	for info := range found {
		if info.ID == p.ID {
			t.Error("found itself")
		}
		ids = append(ids, info.ID)
	}
	if ctx.Err() != nil {
		t.Errorf("the question did not end within %v", patience)
	}
	return ids
}

func oneProvider(t *testing.T, start Start) {
	peers := start(t, 8)
	for i, p := range peers[:3] {
		c := ContentID(fmt.Sprint("one ", i))
		p.share(t, c)
		for j, q := range peers {
			if q.ID == p.ID {
				continue
			}
			if got := ask(t, q, c, 0); len(got) != 1 || got[0] != p.ID {
				t.Errorf("peer %d found %v, want peer %d, %v", j, got, i, p.ID)
			}
		}
	}
}

func severalProviders(t *testing.T, start Start) {
	peers := start(t, 6)
	c := ContentID("several")
	for _, p := range peers[1:5] {
		p.share(t, c)
	}
	got := map[peer.ID]int{}
	for _, id := range ask(t, peers[0], c, 0) {
		got[id]++
	}
	for i, p := range peers[1:5] {
		if got[p.ID] == 0 {
			t.Errorf("provider %d was not found", i+1)
		}
	}
	if len(got) != 4 {
		t.Errorf("found %d peers, want 4", len(got))
	}
}

func atMostN(t *testing.T, start Start) {
	peers := start(t, 5)
	c := ContentID("at most")
	for _, p := range peers { // the asker too, and it must not count itself
		p.share(t, c)
	}
	for n := 1; n <= 3; n++ {
		if got := ask(t, peers[0], c, n); len(got) != n {
			t.Errorf("asked for %d, found %d", n, len(got))
		}
	}
}

func nobody(t *testing.T, start Start) {
	peers := start(t, 3)
	if got := ask(t, peers[0], ContentID("nobody"), 0); len(got) != 0 {
		t.Errorf("found %v", got)
	}
}

func notSelf(t *testing.T, start Start) {
	peers := start(t, 2)
	c := ContentID("mine")
	peers[0].share(t, c)
	if got := ask(t, peers[0], c, 0); len(got) != 0 {
		t.Errorf("found %v", got)
	}
}

func cancelStops(t *testing.T, start Start) {
	peers := start(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	found := peers[0].Mode.FindProvidersAsync(ctx, ContentID("cancelled"), 0)
	cancel()
	deadline := time.After(prompt)
	for {
		select {
		case _, open := <-found:
			if !open {
				return
			}
		case <-deadline:
			t.Fatalf("the question still runs %v after its context ended", prompt)
		}
	}
}

func unread(t *testing.T, start Start) {
	peers := start(t, 4)
	c := ContentID("unread")
	for _, p := range peers[1:] {
		p.share(t, c)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	<-peers[0].Mode.FindProvidersAsync(ctx, c, 0) // and no further; NoLeaks sees whether it ends
}

func notSupported(t *testing.T, start Start) {
	m := start(t, 1)[0].Mode
	caps := m.Caps()
	check := func(what string, able bool, err error) {
		if !able && !errors.Is(err, discovery.ErrNotSupported) {
			t.Errorf("%s: %v, want not supported", what, err)
		}
		if able && err != nil {
			t.Errorf("%s: %v, though the mode says that it can", what, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := discovery.Find(ctx, m, ContentID("any"), 0)
	check("find", caps.Find, err)
	check("provide", caps.Provide, m.Provide(ctx, ContentID("any"), false))
	_, err = discovery.AsSearcher(m)
	check("search", caps.Search, err)
	_, err = discovery.AsValueStore(m)
	check("values", caps.Values, err)
	_, err = discovery.AsRouter(m)
	check("route", caps.Route, err)
}

// Go runs m until the test ends, and fails the test if it ends before or does not end then.
func Go(t testing.TB, m discovery.Mode) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("%s stopped: %v", m.Name(), err)
			}
		case <-time.After(patience):
			t.Errorf("%s still runs %v after its context ended", m.Name(), patience)
		}
	})
}
