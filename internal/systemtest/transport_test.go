package systemtest

import (
	"strings"
	"testing"

	"github.com/seed4134be55/peer/internal/netlab"
)

// On a LAN bytes go over TCP, which is cheaper, and over QUIC where TCP does not get through.
func TestTransportOnALAN(t *testing.T) {
	for _, c := range []struct {
		name     string
		filtered bool
		over     string
	}{{"TCP", false, "/tcp/"}, {"TCP is filtered", true, "/quic-v1"}} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, netlab.Options{Hosts: 2, Rate: "60mbit"})
			movie := w.file("movie.mkv", 24*mib)
			if c.filtered {
				w.sh("h1", "nft", "add table ip guard; add chain ip guard input { type filter hook input priority 0; }; "+
					"add rule ip guard input iifname eth0 meta l4proto tcp drop")
			}
			shared, _ := w.home("h1", "a", "lan").share(movie)
			h2 := w.home("h2", "a", "lan")
			getter := h2.get(shared.Link)
			w.progress(getter, 0.3)
			var ways []string
			for _, p := range h2.ask("peer", "peers") {
				if strings.Contains(shared.Link, p.Peer) {
					ways = p.Addrs
				}
			}
			w.event(getter, "done")
			w.same(h2.got("movie.mkv"), movie)
			if len(ways) == 0 || within(ways, c.over) != ways[0] {
				t.Errorf("it was met at %v, not over %s", ways, c.over)
			}
		})
	}
}
