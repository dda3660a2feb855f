package kademlia

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p-kad-dht/records"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/discovery/modetest"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/reach"
)

func newMode(t *testing.T, c Config) *Mode {
	t.Helper()
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	modetest.Go(t, m)
	return m
}

func infoOf(h host.Host) peer.AddrInfo { return peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()} }

// start starts n peers that know the first by configuration and find the others by themselves.
func start(t *testing.T, n int) []modetest.Peer {
	var peers []modetest.Peer
	hosts := modetest.Hosts(t, n)
	for _, h := range hosts {
		m := newMode(t, Config{Host: h, Network: "test", Bootstrap: []peer.AddrInfo{infoOf(hosts[0])}})
		peers = append(peers, modetest.Peer{ID: h.ID(), Mode: m})
	}
	for _, p := range peers {
		modetest.Until(t, "a peer is in the table", func() bool { return n == 1 || p.Mode.(*Mode).network.size() > 0 })
	}
	return peers
}

// doesNotApply are tests of the suite for modes of another kind.
var doesNotApply = map[string]string{
	"a peer forges records":                        "kad-dht's records are unsigned: whoever answers may name anybody, which the dial then shows",
	"a peer answers with records of other content": "kad-dht's answers name providers without saying of what: its design",
	"each writer has a value":                      "its values are public keys only, see the package's comment",
	"a route ends at whoever is responsible":       "kad-dht does not show its lookups",
}

func TestConformance(t *testing.T) {
	build := func(t testing.TB, s modetest.Seat) modetest.Peer {
		var mu sync.Mutex
		var shares []cid.Cid
		m, err := New(Config{Host: s.Host, Network: "test", Bootstrap: s.Bootstrap, Shares: func() []cid.Cid {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(shares)
		}})
		if err != nil {
			t.Fatal(err)
		}
		if s.Life > 0 {
			m.network.again, m.network.look = s.Again, s.Again/2
			m.network.options = append(m.network.options, dht.ProviderManagerOpts(records.ProvideValidity(s.Life)))
		}
		return modetest.Peer{ID: s.Host.ID(), Mode: m, Hold: func(c cid.Cid) {
			mu.Lock()
			defer mu.Unlock()
			shares = append(shares, c)
		}}
	}
	settled := func(living []modetest.Peer) bool {
		return !slices.ContainsFunc(living, func(p modetest.Peer) bool {
			return len(living) > 1 && p.Mode.(*Mode).network.size() == 0
		})
	}
	modetest.Run(t, modetest.Hosted(build, settled), doesNotApply)
}

func find(t *testing.T, m *Mode, c cid.Cid) (ids []peer.ID) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for info := range m.FindProvidersAsync(ctx, c, 0) {
		ids = append(ids, info.ID)
	}
	return ids
}

func TestNetworksDoNotSeeOneAnother(t *testing.T) {
	modetest.NoLeaks(t)
	hosts := modetest.Hosts(t, 4)
	var modes []*Mode
	for i, h := range hosts {
		modes = append(modes, newMode(t, Config{Host: h, Network: []string{"red", "blue"}[i%2]}))
	}
	for i, a := range hosts {
		for _, b := range hosts[:i] {
			modetest.Connect(t, a, b)
		}
	}
	for _, m := range modes {
		modetest.Until(t, "its own kind is in the table", func() bool { return m.network.size() == 1 })
	}
	c := modetest.ContentID("red")
	if err := modes[0].Provide(t.Context(), c, true); err != nil {
		t.Fatal(err)
	}
	if got := find(t, modes[2], c); !slices.Equal(got, []peer.ID{hosts[0].ID()}) {
		t.Errorf("its own network found %v", got)
	}
	for _, m := range []*Mode{modes[1], modes[3]} {
		if got := find(t, m, c); len(got) != 0 {
			t.Errorf("another network found %v", got)
		}
		if m.network.size() != 1 {
			t.Errorf("%d peers in a table that has one of its network", m.network.size())
		}
	}
}

func TestSharedWhileAloneIsFoundByWhoeverComes(t *testing.T) {
	modetest.NoLeaks(t)
	hosts := modetest.Hosts(t, 2)
	c := modetest.ContentID("early")
	first := newMode(t, Config{Host: hosts[0]})
	if err := first.Provide(t.Context(), c, true); err != nil {
		t.Fatalf("provide with nobody there: %v", err)
	}
	second := newMode(t, Config{Host: hosts[1]})
	modetest.Connect(t, hosts[1], hosts[0]) // met in some other way
	modetest.Until(t, "it is in the table", func() bool { return second.network.size() == 1 })
	if got := find(t, second, c); !slices.Equal(got, []peer.ID{hosts[0].ID()}) {
		t.Errorf("found %v", got)
	}
}

func TestSharesAreToldToATableThatFills(t *testing.T) {
	modetest.NoLeaks(t)
	hosts := modetest.Hosts(t, 2)
	c := modetest.ContentID("shared")
	holder := newMode(t, Config{Host: hosts[0]})
	sharer, err := New(Config{Host: hosts[1], Bootstrap: []peer.AddrInfo{infoOf(hosts[0])}, Shares: func() []cid.Cid { return []cid.Cid{c} }})
	if err != nil {
		t.Fatal(err)
	}
	sharer.network.look = time.Millisecond
	modetest.Go(t, sharer)
	modetest.Until(t, "it was told", func() bool {
		if holder.network.size() == 0 {
			return false
		}
		told, err := holder.network.dht.ProviderStore().GetProviders(t.Context(), c.Hash())
		return err == nil && len(told) == 1
	})
}

func TestFindPeer(t *testing.T) {
	modetest.NoLeaks(t)
	peers := start(t, 5)
	info, err := peers[1].Mode.(*Mode).FindPeer(t.Context(), peers[4].ID)
	if err != nil || info.ID != peers[4].ID {
		t.Errorf("got %v, %v", info, err)
	}
	stranger := modetest.Hosts(t, 1)[0]
	if _, err := peers[1].Mode.(*Mode).FindPeer(t.Context(), stranger.ID()); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a stranger: %v, want not found", err)
	}
}

func speaks(h host.Host, p protocol.ID) bool { return slices.Contains(h.Mux().Protocols(), p) }

func TestAminoIsNotTouchedUnlessWanted(t *testing.T) {
	modetest.NoLeaks(t)
	hosts := modetest.Hosts(t, 3)
	for i, c := range []Config{
		{Reach: reach.Internet},
		{Reach: reach.LAN, Public: true},
		{Reach: reach.Loopback, Public: true},
	} {
		c.Host = hosts[i]
		m := newMode(t, c)
		if m.public != nil {
			t.Errorf("%v, public %v: the public table is there", c.Reach, c.Public)
		}
		if err := m.ProvidePublic(t.Context(), modetest.ContentID("x")); !errors.Is(err, discovery.ErrNotSupported) {
			t.Errorf("%v, public %v: ProvidePublic: %v", c.Reach, c.Public, err)
		}
	}
}

// aminoPair returns two peers whose public table takes loopback addresses, so that what tells the
// two tables apart can be seen without the internet.
func aminoPair(t *testing.T) (hosts []host.Host, modes []*Mode) {
	hosts = modetest.Hosts(t, 2)
	for i, h := range hosts {
		m, err := New(Config{Host: h, Network: fmt.Sprint("world-", i), Reach: reach.Internet, Public: true,
			PublicBootstrap: []peer.AddrInfo{infoOf(hosts[0])}})
		if err != nil {
			t.Fatal(err)
		}
		all := func(_ any, p peer.AddrInfo) bool { return true }
		m.public.options = append(m.public.options, dht.Mode(dht.ModeServer), dht.QueryFilter(all),
			dht.RoutingTableFilter(func(any, peer.ID) bool { return true }),
			dht.AddressFilter(func(a []ma.Multiaddr) []ma.Multiaddr { return a }))
		modetest.Go(t, m)
		modes = append(modes, m)
	}
	return hosts, modes
}

func TestAminoIsBuiltByTheFirstQuestionAndToldOnlyWhatIsPublic(t *testing.T) {
	modetest.NoLeaks(t)
	const amino = "/ipfs/kad/1.0.0"
	hosts, modes := aminoPair(t)
	private, public := modetest.ContentID("private"), modetest.ContentID("public")
	if err := modes[0].Provide(t.Context(), private, true); err != nil {
		t.Fatal(err)
	}
	if speaks(hosts[0], amino) {
		t.Error("providing to the network joined Amino")
	}
	if err := modes[0].ProvidePublic(t.Context(), public); err != nil {
		t.Fatal(err)
	}
	if !speaks(hosts[0], amino) {
		t.Error("Amino is not spoken after ProvidePublic")
	}
	find(t, modes[1], public) // builds it
	modetest.Until(t, "Amino's table fills", func() bool { return modes[1].public.size() > 0 })
	if got := find(t, modes[1], public); !slices.Equal(got, []peer.ID{hosts[0].ID()}) {
		t.Errorf("the public one: found %v", got)
	}
	if got := find(t, modes[1], private); len(got) != 0 {
		t.Errorf("the private one: found %v on Amino", got)
	}
}

func TestUnreachableBootstrapPeersCostNothing(t *testing.T) {
	modetest.NoLeaks(t)
	// An address where nobody listens any more.
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := ma.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", l.Addr().(*net.TCPAddr).Port))
	_ = l.Close()
	hosts := modetest.Hosts(t, 2)
	m := newMode(t, Config{Host: hosts[0], Bootstrap: []peer.AddrInfo{
		{ID: hosts[1].ID(), Addrs: []ma.Multiaddr{dead}},
		{ID: hosts[1].ID(), Addrs: []ma.Multiaddr{ma.StringCast("/ip4/5.6.7.8/tcp/1")}},
	}})
	if within := m.network.bootstrapWithin(); len(within) != 1 {
		t.Errorf("reach loopback would bootstrap from %v", within)
	}
	if err := m.Provide(t.Context(), modetest.ContentID("x"), true); err != nil {
		t.Error(err)
	}
	if got := find(t, m, modetest.ContentID("y")); len(got) != 0 {
		t.Errorf("found %v", got)
	}
}

func TestQuestionsBeforeAndAfterRun(t *testing.T) {
	modetest.NoLeaks(t)
	h := modetest.Hosts(t, 1)[0]
	m, err := New(Config{Host: h})
	if err != nil {
		t.Fatal(err)
	}
	c := modetest.ContentID("x")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := m.Provide(ctx, c, true); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("before: %v", err)
	}
	running, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- m.Run(running) }()
	if err := m.Provide(t.Context(), c, true); err != nil {
		t.Errorf("while it runs: %v", err)
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	if err := m.Provide(t.Context(), c, true); !errors.Is(err, errStopped) {
		t.Errorf("after: %v", err)
	}
	if speaks(h, "/peer/main/kad/1.0.0") {
		t.Error("the table's protocol is still announced")
	}
	for range m.FindProvidersAsync(t.Context(), c, 0) {
		t.Error("found something after the end")
	}
}

func TestValuesAreRefusedUnlessTheyAreKeys(t *testing.T) {
	modetest.NoLeaks(t)
	peers := start(t, 2)
	d := peers[0].Mode.(*Mode).network.dht
	for _, key := range []string{"/v/x", "/ipns/x", "/pk/x", "/peer/x"} {
		if err := d.PutValue(t.Context(), key, []byte("unsigned")); err == nil {
			t.Errorf("%s took an unsigned value", key)
		}
	}
}

func TestNetworkNames(t *testing.T) {
	h := modetest.Hosts(t, 1)[0]
	for _, name := range []string{"Main", "a/b", "a b", "ä", "a.b", "0123456789012345678901234567890123"} {
		if _, err := New(Config{Host: h, Network: name}); fault.KindOf(err) != fault.BadInput {
			t.Errorf("network %q: %v, want bad input", name, err)
		}
	}
}
