package modetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery"
)

func oneProvider(t *testing.T, make Maker) {
	w, peers := start(t, make, 8)
	for i, p := range peers[:3] {
		c := ContentID(fmt.Sprint("one ", i))
		share(t, w, p, c)
		for j, q := range peers {
			if q.ID == p.ID {
				continue
			}
			w.Until(t, fmt.Sprintf("peer %d finds peer %d", j, i), func() bool { return finds(t, q, c, p) })
		}
	}
}

func severalProviders(t *testing.T, make Maker) {
	w, peers := start(t, make, 6)
	c := ContentID("several")
	for _, p := range peers[1:5] {
		share(t, w, p, c)
	}
	w.Until(t, "all four are found", func() bool { return finds(t, peers[0], c, peers[1:5]...) })
}

func atMostN(t *testing.T, make Maker) {
	w, peers := start(t, make, 5)
	c := ContentID("at most")
	for _, p := range peers { // the asker too, and it must not count itself
		share(t, w, p, c)
	}
	for n := 1; n <= 3; n++ {
		w.Until(t, fmt.Sprintf("%d are found if as many are asked for", n), func() bool { return len(ask(t, peers[0], c, n)) == n })
	}
}

func nobody(t *testing.T, make Maker) {
	_, peers := start(t, make, 3)
	if got := ask(t, peers[0], ContentID("nobody"), 0); len(got) != 0 {
		t.Errorf("found %v", got)
	}
}

func notSelf(t *testing.T, make Maker) {
	w, peers := start(t, make, 2)
	c := ContentID("mine")
	share(t, w, peers[0], c)
	if got := ask(t, peers[0], c, 0); len(got) != 0 {
		t.Errorf("found %v", got)
	}
}

func cancelStops(t *testing.T, make Maker) {
	_, peers := start(t, make, 3)
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

func unread(t *testing.T, make Maker) {
	w, peers := start(t, make, 4)
	c := ContentID("unread")
	for _, p := range peers[1:] {
		share(t, w, p, c)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	<-peers[0].Mode.FindProvidersAsync(ctx, c, 0) // and no further; NoLeaks sees whether it ends
}

func notSupported(t *testing.T, make Maker) {
	_, peers := start(t, make, 1)
	m := peers[0].Mode
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
