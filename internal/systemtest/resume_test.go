package systemtest

import (
	"testing"

	"github.com/seed4134be55/peer/internal/netlab"
)

// What the README promises: one machine shares, another gets, the plug is pulled in the middle, the same
// command goes on; then the first machine goes away, and a third gets it from the second, by the CID alone.
func TestKilledDownloadGoesOnAndServesAThird(t *testing.T) {
	w := newWorld(t, netlab.Options{Hosts: 3, Rate: "60mbit"})
	const size = 24 * mib
	movie := w.file("movie.mkv", size)
	h1, h2 := w.home("h1", "a", "lan"), w.home("h2", "a", "lan")

	shared, sharer := h1.share(movie)
	first := h2.get(shared.Link)
	at := w.progress(first, 0.4)
	first.Kill()

	second := h2.get(shared.Link, "--seed")
	done := w.event(second, "done")
	t.Logf("killed at %d of %d bytes; the second run fetched %d in %.1f s", at.Bytes, size, done.Fetched, done.Seconds)
	if max := size - at.Bytes + piece; done.Fetched > max {
		t.Errorf("fetched %d bytes again: at most %d are missing, with a piece of its one source", done.Fetched, max)
	}
	if done.Fetched == 0 || at.Bytes >= size {
		t.Errorf("nothing was left to fetch: killed at %d, then fetched %d", at.Bytes, done.Fetched)
	}
	w.same(h2.got("movie.mkv"), movie)
	w.stop(sharer)

	t.Run("mDNS", func(t *testing.T) {
		h3 := w.home("h3", "lan", "lan", "--modes", "lan")
		done := w.event(h3.get(shared.CID), "done")
		t.Logf("by mDNS alone: %.1f s", done.Seconds)
		w.same(h3.got(shared.CID), movie)
	})
	t.Run("hash table", func(t *testing.T) {
		// A table has to know somebody to begin with.
		status := h2.ask("status", "status")
		h3 := w.home("h3", "kad", "lan", "--modes", "kademlia", "--bootstrap", status[0].Addrs[0])
		done := w.event(h3.get(shared.CID), "done")
		t.Logf("by the hash table alone: %.1f s", done.Seconds)
		w.same(h3.got(shared.CID), movie)
	})
}
