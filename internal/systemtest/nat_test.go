package systemtest

import (
	"strings"
	"testing"

	"github.com/seed4134be55/peer/internal/netlab"
)

// publicLab has h1 in the open and two hosts behind a NAT each, at addresses that look like the internet's.
func publicLab(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, netlab.Options{Hosts: 3, NAT: 2, Subnet: "5.6.7", Rate: "60mbit"})
	for _, router := range []string{"r2", "r3"} {
		// As routers at home do, these do not answer strangers. One that refuses a peer's first packet also takes the
		// port away that the answer would have come from, and no hole can be punched.
		w.sh(router, "nft", "add table ip guard; add chain ip guard input { type filter hook input priority 0; policy drop; }")
	}
	return w
}

// shuffle makes the router of a NAT choose another port for each connection, as symmetric NATs do.
func (w *world) shuffle(router string) {
	w.Helper()
	w.sh(router, "nft", `flush chain ip nat postrouting; add rule ip nat postrouting oifname "eth0" masquerade fully-random`)
}

// Two peers behind two NATs know a third in the open that relays. They get through to each other by a hole in
// both NATs where that is possible, and by the relay where it is not.
func TestPeersBehindTwoNATs(t *testing.T) {
	const size = 24 * mib
	for _, c := range []struct {
		name      string
		over      string // how both reach the relay, and so what the hole is for
		symmetric bool   // no hole can be punched
	}{{"hole for TCP", "/tcp/", false}, {"hole for QUIC", "/quic-v1", false}, {"relay", "/tcp/", true}} {
		t.Run(c.name, func(t *testing.T) {
			w := publicLab(t)
			if c.symmetric {
				w.shuffle("r2")
				w.shuffle("r3")
			}
			movie := w.file("movie.mkv", size)
			served, _ := w.home("h1", "relay", "internet", "--bootstrap", "none").serve("--relay")
			relay := within(served, c.over)
			h2 := w.home("h2", "a", "internet", "--bootstrap", relay)
			h3 := w.home("h3", "a", "internet", "--bootstrap", relay)

			shared, _ := h2.share(movie)
			if !strings.Contains(shared.Link, "/p2p-circuit/") {
				t.Errorf("the link does not lead over the relay: %s", shared.Link)
			}
			getter := h3.get(shared.Link)
			w.progress(getter, 0.5)
			var ways []string
			for _, p := range h3.ask("peer", "peers") {
				if strings.Contains(shared.Link, "/p2p-circuit/p2p/"+p.Peer) {
					ways = p.Addrs
					if want := map[bool]string{true: "relayed", false: "direct"}[c.symmetric]; p.State != want {
						t.Errorf("peers says %s, not %s", p.State, want)
					}
				}
			}
			transfers := h3.ask("transfer", "transfers")
			done := w.event(getter, "done")
			w.same(h3.got("movie.mkv"), movie)
			if len(transfers) != 1 || len(transfers[0].Swarm) != 1 || transfers[0].Swarm[0].Relayed != c.symmetric || transfers[0].Swarm[0].Limited {
				t.Errorf("relayed: not %t in %+v", c.symmetric, transfers)
			}
			passed, _, err := w.lab.Bytes("h1")
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("link after %v; got in %.1f s by %v; %d bytes passed the relay", shared.At, done.Seconds, ways, passed)
			direct := strings.HasPrefix(within(ways, c.over), "/ip4/5.6.7.2/")
			switch {
			case direct == c.symmetric:
				t.Errorf("a direct connection: %v", direct)
			case direct && passed > size/2:
				t.Errorf("%d bytes passed the relay in spite of a direct connection", passed)
			case !direct && passed < size:
				t.Errorf("only %d bytes passed the relay, and there was no other way", passed)
			}
		})
	}
}

// Without a relay there is no way from one NAT to another, and the error says so.
func TestNoWayBetweenTwoNATs(t *testing.T) {
	w := publicLab(t)
	alone := []string{"--bootstrap", "none", "--modes", "none"}
	shared, _ := w.home("h2", "a", "internet", alone...).share(w.file("movie.mkv", mib))
	h3 := w.home("h3", "a", "internet", alone...)
	said := w.fails(h3.get(shared.Link, "--timeout", "5s"), "not_found", 3)
	for _, word := range []string{"--relay", "--bootstrap", "peer doctor"} {
		if !strings.Contains(said, word) {
			t.Errorf("it does not say %q: %s", word, said)
		}
	}
}
