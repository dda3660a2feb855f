package systemtest

import (
	"strings"
	"testing"

	"github.com/seed4134be55/peer/internal/netlab"
)

func (w *world) watch(host string) *netlab.Watch {
	w.Helper()
	watch, err := w.lab.Watch(host)
	if err != nil {
		w.Fatal(err)
	}
	return watch
}

func (w *world) counts(watch *netlab.Watch) netlab.Counts {
	w.Helper()
	n, err := watch.Counts()
	if err != nil {
		w.Fatal(err)
	}
	return n
}

func TestReachLoopbackSendsNothing(t *testing.T) {
	w := newWorld(t, netlab.Options{Hosts: 1})
	movie := w.file("movie.mkv", 4*mib)
	sent := w.watch("h1")
	a, b := w.home("h1", "a", "loopback"), w.home("h1", "b", "loopback")
	shared, _ := a.share(movie)
	w.event(b.get(shared.Link), "done")
	w.same(b.got("movie.mkv"), movie)
	// A root that nobody has is looked for wherever the reach allows.
	w.fails(b.get("bafkreiccp6j4v7m4ygn6n3wahzmqzhdm36pwrcs6v4q7vdlsgupcwfp5au", "--timeout", "3s"), "not_found", 3)
	if n := w.counts(sent); n != (netlab.Counts{}) {
		t.Errorf("packets that left: %+v", n)
	}
}

// Both hosts have a private and a public-looking address, and the link names both of the sharer.
func TestReachLANSendsNothingToPublicAddresses(t *testing.T) {
	w := newWorld(t, netlab.Options{Hosts: 2})
	w.sh("h1", "ip", "addr", "add", "5.6.7.1/24", "dev", "eth0")
	w.sh("h2", "ip", "addr", "add", "5.6.7.2/24", "dev", "eth0")
	movie := w.file("movie.mkv", 4*mib)
	private, public := w.lab.Addr("h1").String(), "5.6.7.1"

	t.Run("lan", func(t *testing.T) {
		sharer, getter := w.watch("h1"), w.watch("h2")
		shared, p := w.home("h1", "lan", "lan").share(movie)
		if strings.Contains(shared.Link, public) {
			t.Errorf("the link names a public address: %s", shared.Link)
		}
		h2 := w.home("h2", "lan", "lan")
		_, addrs, _ := strings.Cut(shared.Link, "?")
		both := shared.Link + "&" + strings.ReplaceAll(addrs, private, public)
		w.event(h2.get(both), "done")
		w.same(h2.got("movie.mkv"), movie)
		w.fails(h2.get("bafkreiccp6j4v7m4ygn6n3wahzmqzhdm36pwrcs6v4q7vdlsgupcwfp5au", "--timeout", "3s"), "not_found", 3)
		for host, watch := range map[string]*netlab.Watch{"h1": sharer, "h2": getter} {
			n := w.counts(watch)
			t.Logf("%s sent %+v", host, n)
			if n.Public != 0 || n.Multicast == 0 || n.Outside == 0 {
				t.Errorf("%s sent %+v: want mDNS and nothing to public addresses", host, n)
			}
		}
		w.stop(p)
	})
	t.Run("internet", func(t *testing.T) {
		sent := w.watch("h2")
		shared, _ := w.home("h1", "internet", "internet", "--bootstrap", "none", "--modes", "none").share(movie)
		h2 := w.home("h2", "internet", "internet", "--bootstrap", "none", "--modes", "none")
		only := strings.ReplaceAll(shared.Link, private, public) // the private one is not there for h2
		w.event(h2.get(only), "done")
		w.same(h2.got("movie.mkv"), movie)
		if n := w.counts(sent); n.Public == 0 {
			t.Errorf("h2 sent %+v, and got it from a public address", n)
		}
	})
}
