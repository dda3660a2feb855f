package systemtest

import (
	"testing"

	"github.com/seed4134be55/peer/internal/netlab"
)

// While one shares and two get, each in its own way, all three say who is who: on the LAN, how it was found, what it has.
func TestTransfersOnALAN(t *testing.T) {
	w := newWorld(t, netlab.Options{Hosts: 3, Rate: "20mbit"})
	movie := w.file("movie.mkv", 16*mib)
	h1, h2, h3 := w.home("h1", "a", "lan"), w.home("h2", "a", "lan"), w.home("h3", "a", "lan", "--modes", "lan")
	shared, _ := h1.share(movie)
	ids := make(map[string]string) // by host
	ids["h1"] = h1.ask("status", "status")[0].Peer
	byLink, byCID := h2.get(shared.Link), h3.get(shared.CID)
	ids["h2"], ids["h3"] = h2.ask("status", "status")[0].Peer, h3.ask("status", "status")[0].Peer
	w.progress(byLink, 0.1)
	w.progress(byCID, 0.1)

	for _, c := range []struct {
		at       *home
		peer     string
		from     string
		state    string
		source   bool
		client   bool
		has, all float64
	}{
		{h1, "h2", "incoming", "served", false, true, 0.05, 1},
		{h1, "h3", "incoming", "served", false, true, 0.05, 1},
		{h2, "h1", "link", "active", true, false, 1, 1},
		{h3, "h1", "lan", "active", true, false, 1, 1},
	} {
		transfers := c.at.ask("transfer", "transfers")
		if len(transfers) != 1 || transfers[0].State != c.state {
			t.Fatalf("%s: %+v", c.at.host, transfers)
		}
		found := false
		for _, m := range transfers[0].Swarm {
			if m.Peer != ids[c.peer] {
				continue
			}
			found = true
			from := m.From
			if from == "pex" && c.from == "lan" {
				from = "lan" // the other downloader was sooner than multicast
			}
			if from != c.from || !m.LAN || m.Relayed || m.Limited || m.Source != c.source || c.client && !m.Client || m.Have < c.has || m.Have > c.all {
				t.Errorf("%s at %s: %+v", c.peer, c.at.host, m)
			}
		}
		if !found {
			t.Errorf("%s does not know %s: %s", c.at.host, c.peer, transfers[0].Line)
		}
	}
	w.event(byLink, "done")
	w.event(byCID, "done")
	w.same(h2.got("movie.mkv"), movie)
	w.same(h3.got(shared.CID), movie)
}
