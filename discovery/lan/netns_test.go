package lan

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"

	"github.com/seed4134be55/peer/discovery/have"
	"github.com/seed4134be55/peer/discovery/modetest"
	"github.com/seed4134be55/peer/internal/netlab"
	"github.com/seed4134be55/peer/internal/process"
	"github.com/seed4134be55/peer/reach"
)

const soon = 30 * time.Second

// TestMain lets the test binary be a peer on a host of a lab.
func TestMain(m *testing.M) {
	if os.Getenv("LAN_ROLE") != "peer" {
		os.Exit(m.Run())
	}
	if err := lanPeer(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// lanPeer has the content named has, and looks for the content named wants once a second. It prints
// its id, and a line for each provider found.
func lanPeer(network, has, wants string) error {
	r, err := reach.Parse(os.Getenv("LAN_REACH"))
	if err != nil {
		return err
	}
	h, err := libp2p.New(libp2p.ListenAddrStrings(listenOn(r)...), libp2p.Transport(tcp.NewTCPTransport),
		libp2p.ConnectionGater(reach.Gater{Reach: r}), libp2p.MultiaddrResolver(r.Resolver(nil)),
		libp2p.AddrsFactory(r.Announce), libp2p.DisableRelay())
	if err != nil {
		return err
	}
	defer h.Close()
	m, err := New(Config{Host: h, Network: network, Reach: r,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		return err
	}
	ctx := context.Background() // until the lab kills it
	go func() {
		_ = have.NewServer(h, func(c cid.Cid) bool { return c == modetest.ContentID(has) }, nil).Run(ctx)
	}()
	go func() { _ = m.Run(ctx) }()
	fmt.Println("id", h.ID())
	for range time.Tick(time.Second) {
		for info := range m.FindProvidersAsync(ctx, modetest.ContentID(wants), 0) {
			fmt.Println("found", info.ID, info.Addrs)
		}
		fmt.Println(m.Report())
	}
	return nil
}

func listenOn(r reach.Reach) (addrs []string) {
	for _, a := range r.Listen() {
		addrs = append(addrs, a.String()+"/tcp/0")
	}
	return addrs
}

func startPeer(t *testing.T, l *netlab.Lab, host string, r reach.Reach, network, has, wants string) (*process.Process, string) {
	t.Helper()
	cmd := l.Command(t.Context(), host, os.Args[0], network, has, wants)
	cmd.Env = append(os.Environ(), "LAN_ROLE=peer", "LAN_REACH="+r.String(), "GORACE=atexit_sleep_ms=0")
	p, err := process.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	line, err := p.Line(soon, func(s string) bool { return strings.HasPrefix(s, "id ") })
	if err != nil {
		t.Fatal(err)
	}
	return p, strings.TrimPrefix(line, "id ")
}

func TestPeersOnALANFindEachOther(t *testing.T) {
	for name, subnet := range map[string]string{"private": "10.77.0", "public-looking": "5.6.7"} {
		t.Run(name, func(t *testing.T) {
			l := netlab.New(t, netlab.Options{Hosts: 3, Subnet: subnet})
			r := map[string]reach.Reach{"private": reach.LAN, "public-looking": reach.Internet}[name]
			h1, id1 := startPeer(t, l, "h1", r, "main", "one", "two")
			h2, id2 := startPeer(t, l, "h2", r, "main", "two", "one")
			other, _ := startPeer(t, l, "h3", r, "other", "one", "two")
			// On the machine of the second, so that two share the port.
			same, _ := startPeer(t, l, "h2", r, "main", "nothing", "two")
			for p, want := range map[*process.Process]string{h1: id2, h2: id1, same: id2} {
				if line, err := p.Line(soon, func(s string) bool { return strings.HasPrefix(s, "found ") }); err != nil || !strings.HasPrefix(line, "found "+want) {
					t.Errorf("%q, %v; want %s", line, err, want)
				}
			}
			// The other network has had as long, and has heard every packet.
			for range 2 {
				line, err := other.Line(soon, func(s string) bool { return !strings.HasPrefix(s, "id") })
				if err != nil || line != "0 peers met, 0 connected" {
					t.Errorf("another network: %q, %v", line, err)
				}
			}
		})
	}
}

func TestPacketsByReach(t *testing.T) {
	l := netlab.New(t, netlab.Options{Hosts: 2})
	for host, r := range map[string]reach.Reach{"h1": reach.Loopback, "h2": reach.LAN} {
		w, err := l.Watch(host)
		if err != nil {
			t.Fatal(err)
		}
		p, _ := startPeer(t, l, host, r, "main", "one", "two")
		for range 3 { // a question a second, and the burst of announcements with them
			if _, err := p.Line(soon, func(string) bool { return true }); err != nil {
				t.Fatal(err)
			}
		}
		n, err := w.Counts()
		if err != nil {
			t.Fatal(err)
		}
		if r == reach.Loopback && n.Outside != 0 || n.Public != 0 || r == reach.LAN && n.Multicast == 0 {
			t.Errorf("reach %v: %+v", r, n)
		}
	}
}

func TestAnAddressThatComesLaterIsAnnounced(t *testing.T) {
	l := netlab.New(t, netlab.Options{Hosts: 2})
	run := func(words ...string) {
		t.Helper()
		if out, err := l.Command(t.Context(), "h1", "ip", words...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", words, err, out)
		}
	}
	// As a machine that boots without a network: no address but loopback, not even link-local.
	run("addr", "flush", "dev", "eth0")
	_, id1 := startPeer(t, l, "h1", reach.LAN, "main", "one", "two")
	h2, _ := startPeer(t, l, "h2", reach.LAN, "main", "two", "one")
	for range 2 {
		if line, err := h2.Line(soon, func(string) bool { return true }); err != nil || strings.HasPrefix(line, "found") {
			t.Fatalf("%q, %v", line, err)
		}
	}
	run("addr", "add", l.Addr("h1").String()+"/24", "dev", "eth0")
	line, err := h2.Line(soon, func(s string) bool { return strings.HasPrefix(s, "found "+id1) })
	if err != nil || !strings.Contains(line, l.Addr("h1").String()) {
		t.Errorf("%q, %v", line, err)
	}
}
