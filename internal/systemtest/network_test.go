package systemtest

import (
	"testing"

	"github.com/seed4134be55/peer/internal/netlab"
)

// Two worlds on one LAN do not find what the other has, by mDNS or by the hash table.
func TestNetworksAreApart(t *testing.T) {
	w := newWorld(t, netlab.Options{Hosts: 2})
	movie := w.file("movie.mkv", 4*mib)
	h1 := w.home("h1", "a", "lan", "--network", "a")
	shared, _ := h1.share(movie)
	known := h1.ask("status", "status")[0].Addrs[0]

	stranger := w.home("h2", "b", "lan", "--network", "b", "--bootstrap", known)
	w.fails(stranger.get(shared.CID, "--timeout", "8s"), "not_found", 3)

	for _, mode := range []string{"lan", "kademlia"} {
		friend := w.home("h2", mode, "lan", "--network", "a", "--modes", mode, "--bootstrap", known)
		w.event(friend.get(shared.CID), "done")
		w.same(friend.got(shared.CID), movie)
	}
}
