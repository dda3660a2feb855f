package systemtest

import (
	"testing"

	"github.com/seed4134be55/peer/internal/netlab"
)

// Two downloaders that have a link to the seed and no discovery at all find each other by what the seed tells them.
func TestDownloadersMeetByPeerExchange(t *testing.T) {
	const size = 32 * mib
	w := newWorld(t, netlab.Options{Hosts: 3, Rate: "40mbit"})
	movie := w.file("movie.mkv", size)
	shared, _ := w.home("h1", "a", "lan", "--modes", "none").share(movie)
	h2, h3 := w.home("h2", "a", "lan", "--modes", "none"), w.home("h3", "a", "lan", "--modes", "none")

	second := h2.get(shared.Link, "--seed")
	w.progress(second, 0.3)
	third := h3.get(shared.Link)
	w.event(third, "done")
	w.event(second, "done")
	w.same(h3.got("movie.mkv"), movie)
	w.same(h2.got("movie.mkv"), movie)
	sent, _, err := w.lab.Bytes("h2")
	if err != nil {
		t.Fatal(err)
	}
	seeded, _, err := w.lab.Bytes("h1")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the seed sent %d MiB of %d, the second %d", seeded/mib, size/mib, sent/mib)
	if sent < size/4 {
		t.Errorf("the second sent %d bytes: the third did not fetch from it", sent)
	}
}
