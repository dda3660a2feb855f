package modetest

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/fault"
)

// values puts two writers' values under one key and reads them everywhere.
func values(t *testing.T, make Maker) {
	w, peers := start(t, make, 6)
	store := func(p Peer) discovery.ValueStore {
		s, err := discovery.AsValueStore(p.Mode)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := store(peers[0]).Values(ctx, "coffee"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("what nobody put: %v, want not found", err)
	}
	for _, put := range []struct {
		by    int
		value string
	}{{1, "old"}, {2, "white"}, {1, "black"}} {
		if err := store(peers[put.by]).Put(ctx, "coffee", []byte(put.value)); err != nil {
			t.Fatal(err)
		}
	}
	if err := store(peers[0]).Put(ctx, "coffee", bytes.Repeat([]byte("x"), 1<<10+1)); fault.KindOf(err) != fault.BadInput {
		t.Errorf("a value that is too long: %v, want bad input", err)
	}
	want := map[peer.ID]string{peers[1].ID: "black", peers[2].ID: "white"}
	for _, p := range peers {
		w.Until(t, "both values are there", func() bool {
			got, _ := store(p).Values(ctx, "coffee")
			return len(got) == len(want) && !slices.ContainsFunc(got, func(r discovery.Record) bool { return want[r.Publisher] != string(r.Value) })
		})
	}
}

// routes looks at the ways to some keys. Whatever they are, each ends with one owner, and no hop comes after it.
func routes(t *testing.T, make Maker) {
	_, peers := start(t, make, 8)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i, p := range peers {
		router, err := discovery.AsRouter(p.Mode)
		if err != nil {
			t.Fatal(err)
		}
		owner := false
		for hop, err := range router.Route(ctx, "coffee") {
			if err != nil {
				t.Fatalf("from peer %d: %v", i, err)
			}
			if owner || hop.Peer == "" || hop.Distance == "" {
				t.Errorf("from peer %d: hop %+v", i, hop)
			}
			owner = hop.Owner
		}
		if !owner {
			t.Errorf("from peer %d: it led to nobody", i)
		}
	}
}
