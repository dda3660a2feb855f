package machine_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/seed4134be55/peer/discovery/kademlia/machine"
	"github.com/seed4134be55/peer/discovery/modetest"
	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
	"github.com/seed4134be55/peer/internal/papertest"
)

// The machine is held against go-libp2p-kad-dht: 64 hosts on this machine's loopback, with the same ids and the same
// tables, look for the same keys. Both find the k nodes that really are the closest, and on ways that are about as long:
// there the order in which answers come decides who is heard of first.
func TestAgainstKadDHT(t *testing.T) {
	modetest.NoLeaks(t)
	hosts := modetest.Hosts(t, 64)
	for _, h := range hosts {
		for _, o := range hosts {
			h.Peerstore().AddAddrs(o.ID(), o.Addrs(), peerstore.PermanentAddrTTL)
		}
	}
	for _, c := range []machine.Config{{K: 20, Alpha: 10}, {K: 5, Alpha: 3}} {
		t.Run(fmt.Sprintf("k=%d", c.K), func(t *testing.T) { against(t, c, hosts) })
	}
}

func against(t *testing.T, c machine.Config, hosts []host.Host) {
	var ids []peer.ID
	for _, h := range hosts {
		ids = append(ids, h.ID())
	}
	filled := func() *sim.Sim { return network(t, c, sim.Config{IDs: ids, Peers: len(ids), Seed: 1}) }
	s := filled()
	dhts := tables(t, c, hosts, s)
	all := count(s)
	var ours, theirs papertest.Sample
	for i := range papertest.Pick(64, 256) {
		word, from := fmt.Sprint("word ", i), i%len(ids)
		sum := sha256.Sum256([]byte(word)) // as that library makes a key of a word, and an id of a peer's
		key := overlay.Key(sum[:overlay.KeyBits/8])
		s := filled() // a lookup changes the tables of a machine, and those of the hosts stay
		r := s.Do(from, overlay.Op{Key: key})
		want := without(all, s.Ref(from)).closest(key, c.K)
		if got := without(r.Owners, s.Ref(from)); len(got) < c.K-1 || !slices.Equal(got, want[:len(got)]) {
			t.Errorf("the machine finds %v closest to %v, want %v", got, key, want)
		}
		found, hops := look(t, dhts[from], word)
		var refs []overlay.Ref
		for _, id := range found {
			refs = append(refs, s.Ref(slices.Index(ids, id)))
		}
		if recall(refs, want) < 1 {
			t.Errorf("go-libp2p-kad-dht finds %v closest to %v, want %v", refs, key, want)
		}
		ours.Add(float64(r.Hops()))
		theirs.Add(float64(hops))
	}
	what := fmt.Sprintf("64 hosts, k=%d, alpha=%d: hops, and of go-libp2p-kad-dht", c.K, c.Alpha)
	papertest.Between(t, what, fmt.Sprintf("%.4g", theirs.Mean()), ours.Mean(), theirs.Mean()-0.3, theirs.Mean()+0.3)
}

func without(nodes []overlay.Ref, n overlay.Ref) census {
	return slices.DeleteFunc(slices.Clone(nodes), func(o overlay.Ref) bool { return o == n })
}

// tables gives each host a hash table that knows the nodes which the host's machine knows, and learns of no others.
func tables(t *testing.T, c machine.Config, hosts []host.Host, s *sim.Sim) (dhts []*dht.IpfsDHT) {
	for p, h := range hosts {
		var known []peer.ID
		for n := range s.Machine(p).Refs {
			known = append(known, s.ID(s.PeerOf(n)))
		}
		d, err := dht.New(h, dht.ProtocolPrefix(protocol.ID(fmt.Sprintf("/k%d", c.K))), dht.Mode(dht.ModeServer),
			dht.BucketSize(c.K), dht.Concurrency(c.Alpha), dht.DisableAutoRefresh(),
			// It usually ends when the 3 closest have answered; the paper, when k have.
			dht.Resiliency(c.K),
			dht.RoutingTableFilter(func(_ any, id peer.ID) bool { return slices.Contains(known, id) }))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		for _, id := range known {
			if ok, err := d.RoutingTable().TryAddPeer(id, true, false); !ok || err != nil {
				t.Fatalf("a table has no room for what the other has: %v", err)
			}
		}
		dhts = append(dhts, d)
	}
	return dhts
}

// look returns the nodes that a hash table finds, and the hops to the closest: the length of the chain of those who named
// the next, as the machine counts.
func look(t *testing.T, d *dht.IpfsDHT, word string) (closest []peer.ID, hops int) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ctx, events := dht.RegisterForLookupEvents(ctx)
	named := make(chan map[peer.ID]peer.ID, 1)
	go func() { named <- referrers(events, d.PeerID()) }()
	closest, err := d.GetClosestPeers(ctx, word)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	by := <-named
	for id := closest[0]; id != d.PeerID() && hops < len(by); id = by[id] {
		hops++
	}
	return closest, hops
}

// referrers returns who first named each node of a lookup.
func referrers(events <-chan *dht.LookupEvent, self peer.ID) map[peer.ID]peer.ID {
	by := make(map[peer.ID]peer.ID)
	for e := range events {
		if e.Response == nil {
			continue
		}
		from := self
		if e.Response.Source != nil {
			from = e.Response.Source.Peer
		}
		for _, h := range e.Response.Heard {
			if _, known := by[h.Peer]; !known {
				by[h.Peer] = from
			}
		}
	}
	return by
}
