package systemtest

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"

	"github.com/seed4134be55/peer/internal/process"
)

// strangerMark makes this test's own program a relay at the address that it holds.
const strangerMark = "PEER_TEST_RELAY_AT"

// strangersRelay is a relay as strangers run them, with libp2p's own limits. It says where it is and runs until its
// standard input ends.
func strangersRelay(at string) {
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/"+at+"/tcp/4001"), libp2p.EnableRelayService(), libp2p.EnableNATService(),
		libp2p.ForceReachabilityPublic(), libp2p.DisableMetrics())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer h.Close()
	fmt.Printf("{\"event\":\"serving\",\"addrs\":[\"%s/p2p/%s\"]}\n", h.Addrs()[0], h.ID())
	_, _ = io.Copy(io.Discard, os.Stdin) // whatever ends it ends us
}

// strangersRelay starts such a relay on a host and returns its address.
func (w *world) strangersRelay(host string) string {
	w.Helper()
	cmd := w.lab.Command(context.Background(), host, os.Args[0])
	cmd.Env = append(os.Environ(), strangerMark+"="+w.lab.Addr(host).String())
	in, err := cmd.StdinPipe()
	if err != nil {
		w.Fatal(err)
	}
	p, err := process.Start(cmd)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { in.Close(); p.Kill() })
	return w.event(p, "serving").Addrs[0]
}

// Two peers behind two NATs meet over a stranger's relay, which passes 128 KiB: only words pass it. All data takes the
// hole that they punch, and where none can be punched nothing comes.
func TestStrangersRelay(t *testing.T) {
	const size, words = 8 * mib, 128 << 10
	for _, c := range []struct {
		name      string
		symmetric bool
	}{{"hole", false}, {"no hole", true}} {
		t.Run(c.name, func(t *testing.T) {
			w := publicLab(t)
			if c.symmetric {
				w.shuffle("r2")
				w.shuffle("r3")
			}
			movie := w.file("movie.mkv", size)
			relay := w.strangersRelay("h1")
			h2 := w.home("h2", "a", "internet", "--bootstrap", relay)
			h3 := w.home("h3", "a", "internet", "--bootstrap", relay)
			shared, _ := h2.share(movie)
			start := time.Now()
			if c.symmetric {
				getter := h3.get(shared.Link, "--timeout", "15s")
				waits := func(e process.Event) bool { return strings.HasPrefix(e.Message, "waiting for a direct connection") }
				if _, err := getter.EventWhere(soon, "progress", waits); err != nil {
					t.Fatal(err)
				}
				if seen := h3.ask("transfer", "transfers"); len(seen) != 1 || len(seen[0].Swarm) != 1 || !seen[0].Swarm[0].Limited {
					t.Errorf("transfers does not say so: %+v", seen)
				}
				if said := w.fails(getter, "not_found", 3); !strings.Contains(said, "over a relay that limits") {
					t.Errorf("it does not say why: %s", said)
				}
			} else {
				w.event(h3.get(shared.Link), "done")
				w.same(h3.got("movie.mkv"), movie)
			}
			passed, _, err := w.lab.Bytes("h1")
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%v; %d bytes passed the relay", time.Since(start), passed)
			if passed > words {
				t.Errorf("%d bytes passed a limited relay", passed)
			}
		})
	}
}
