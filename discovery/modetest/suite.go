// Package modetest is the conformance suite of discovery.Mode: what every mode must do, whichever
// way it finds content, and what tests of modes need to build peers on this machine.
//
// A mode's own tests call Run with a way to start peers. It tests no mode's inner workings.
package modetest

import (
	"context"
	"errors"
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

// share has p provide c. A network in which somebody has just come or gone may need another try.
func share(t *testing.T, w World, p Peer, c cid.Cid) {
	t.Helper()
	w.Until(t, "it can be provided", func() bool {
		err := p.provide(t, c)
		if err != nil {
			t.Logf("provide: %v", err)
		}
		return err == nil
	})
}

func (p Peer) provide(t *testing.T, c cid.Cid) error {
	if p.Hold != nil {
		p.Hold(c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return p.Mode.Provide(ctx, c, true)
}

// tests are what every mode must do. Each starts its own peers.
var tests = []struct {
	name string
	test func(*testing.T, Maker)
}{
	{"everybody finds what one provides", oneProvider},
	{"several providers are all found", severalProviders},
	{"many providers are found", manyProviders},
	{"as many as asked for", atMostN},
	{"nobody has it", nobody},
	{"a peer does not find itself", notSelf},
	{"cancelling stops promptly", cancelStops},
	{"unread questions end", unread},
	{"what it cannot do is an error", notSupported},
	{"a record expires", expires},
	{"what is provided again does not expire", providedAgain},
	{"a provider leaves", providerLeaves},
	{"half of the peers crash", halfCrash},
	{"a partition heals", partitionHeals},
	{"a peer forges records", func(t *testing.T, m Maker) { liar(t, m, Forges) }},
	{"a peer answers with records of other content", func(t *testing.T, m Maker) { liar(t, m, Misplaces) }},
	{"lookups while peers join", whileJoining},
	{"each writer has a value", values},
	{"a route ends at whoever is responsible", routes},
}

// Run holds a mode to its contract. not says which of the tests do not apply to a kind of mode, by name, and why.
func Run(t *testing.T, make Maker, not map[string]string) {
	left := len(not)
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			if why := not[c.name]; why != "" {
				t.Skip("does not apply: " + why)
			}
			NoLeaks(t)
			c.test(t, make)
		})
		if not[c.name] != "" {
			left--
		}
	}
	if left > 0 {
		t.Errorf("%d of what does not apply are no tests: %v", left, not)
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
