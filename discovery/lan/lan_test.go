package lan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/discovery/have"
	"github.com/seed4134be55/peer/discovery/modetest"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/reach"
)

// ether is a LAN in memory: what one announces on it, the others hear.
type ether struct {
	mu    sync.Mutex
	voice map[peer.ID]peer.AddrInfo
	ears  map[peer.ID]chan Presence
}

func newEther() *ether {
	return &ether{voice: map[peer.ID]peer.AddrInfo{}, ears: map[peer.ID]chan Presence{}}
}

// plug is one peer's connection to the ether.
type plug struct {
	ether *ether
	id    peer.ID
}

func (p plug) Run(ctx context.Context, addrs func() []ma.Multiaddr, changed <-chan struct{}, met func(Presence)) error {
	hears := make(chan Presence, 100)
	p.ether.mu.Lock()
	mine := peer.AddrInfo{ID: p.id, Addrs: addrs()}
	for id, other := range p.ether.voice {
		hears <- Presence{other, time.Minute}
		p.ether.ears[id] <- Presence{mine, time.Minute}
	}
	p.ether.voice[p.id], p.ether.ears[p.id] = mine, hears
	p.ether.mu.Unlock()
	for {
		select {
		case presence := <-hears:
			met(presence)
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// shelf is what one peer holds.
type shelf struct {
	mu   sync.Mutex
	cids map[cid.Cid]bool
}

func (s *shelf) hold(c cid.Cid) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cids[c] = true
}

func (s *shelf) has(c cid.Cid) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cids[c]
}

func startServer(t testing.TB, h host.Host, has func(cid.Cid) bool) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = have.NewServer(h, has, nil).Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	modetest.Until(t, "the server runs", func() bool { return slices.Contains(h.Mux().Protocols(), have.Protocol) })
}

// newPeer is a peer whose mode does not run yet.
func newPeer(t testing.TB, air *ether, h host.Host) modetest.Peer {
	holds := &shelf{cids: map[cid.Cid]bool{}}
	startServer(t, h, holds.has)
	m, err := New(Config{Host: h, Announcer: plug{air, h.ID()}})
	if err != nil {
		t.Fatal(err)
	}
	m.settling = 0
	return modetest.Peer{ID: h.ID(), Mode: m, Hold: holds.hold}
}

// allLinked reports whether all know all. Connected, too: a question waits 2 s for an answer, which on a busy machine a
// handshake can take.
func allLinked(living []modetest.Peer) bool {
	return !slices.ContainsFunc(living, func(p modetest.Peer) bool {
		m := p.Mode.(*Mode)
		select {
		case <-m.settled:
		default:
			return true
		}
		return m.linked() < min(len(living)-1, eager)
	})
}

func start(t *testing.T, n int) (peers []modetest.Peer) {
	air := newEther()
	for _, h := range modetest.Hosts(t, n) {
		p := newPeer(t, air, h)
		modetest.Go(t, p.Mode)
		peers = append(peers, p)
	}
	modetest.Until(t, "all are connected", func() bool { return allLinked(peers) })
	return peers
}

// doesNotApply are tests of the suite for modes of another kind.
var doesNotApply = map[string]string{
	"a record expires":                             noRecords,
	"what is provided again does not expire":       noRecords,
	"a peer forges records":                        noRecords,
	"a peer answers with records of other content": noRecords,
	"each writer has a value":                      noRecords,
	"a route ends at whoever is responsible":       "whoever has it is asked at once",
}

const noRecords = "there are no records: who has something says so itself"

func TestConformance(t *testing.T) {
	var air *ether
	build := func(t testing.TB, s modetest.Seat) modetest.Peer {
		if s.Bootstrap == nil {
			air = newEther() // the first of its world
		}
		return newPeer(t, air, s.Host)
	}
	modetest.Run(t, modetest.Hosted(build, allLinked), doesNotApply)
}

func TestAQuestionReachesPeersMetAfterIt(t *testing.T) {
	modetest.NoLeaks(t)
	air, hosts := newEther(), modetest.Hosts(t, 2)
	m, err := New(Config{Host: hosts[0], Announcer: plug{air, hosts[0].ID()}})
	if err != nil {
		t.Fatal(err)
	}
	found := m.FindProvidersAsync(t.Context(), modetest.ContentID("x"), 1) // before it even runs
	modetest.Go(t, m)
	startServer(t, hosts[1], func(cid.Cid) bool { return true })
	other, err := New(Config{Host: hosts[1], Announcer: plug{air, hosts[1].ID()}})
	if err != nil {
		t.Fatal(err)
	}
	modetest.Go(t, other)
	if info, ok := <-found; !ok || info.ID != hosts[1].ID() {
		t.Errorf("found %v", info)
	}
}

func TestPeersMetAreConnected(t *testing.T) {
	modetest.NoLeaks(t)
	peers := start(t, 3)
	for _, p := range peers {
		m := p.Mode.(*Mode)
		modetest.Until(t, "both others are connected", func() bool { return m.linked() == 2 })
		if got, want := m.Report(), "2 peers met, 2 connected"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	info, err := peers[0].Mode.(*Mode).FindPeer(t.Context(), peers[1].ID)
	if err != nil || len(info.Addrs) == 0 {
		t.Errorf("FindPeer: %v, %v", info, err)
	}
	if _, err := peers[0].Mode.(*Mode).FindPeer(t.Context(), peers[0].ID); fault.KindOf(err) != fault.NotFound {
		t.Errorf("FindPeer of nobody met: %v", err)
	}
}

func TestLoopbackIsSilent(t *testing.T) {
	modetest.NoLeaks(t)
	h := modetest.Hosts(t, 1)[0]
	m, err := New(Config{Host: h, Reach: reach.Loopback})
	if err != nil {
		t.Fatal(err)
	}
	modetest.Go(t, m)
	if caps := m.Caps(); caps.Find || caps.Provide || caps.Why == "" {
		t.Errorf("caps %+v", caps)
	}
	if err := m.Provide(t.Context(), modetest.ContentID("x"), true); !errors.Is(err, discovery.ErrNotSupported) {
		t.Errorf("Provide: %v", err)
	}
	for range m.FindProvidersAsync(t.Context(), modetest.ContentID("x"), 0) {
		t.Error("found something")
	}
}

func TestMetKeepsOnlyWhatReachAllows(t *testing.T) {
	hosts := modetest.Hosts(t, 1)
	m, err := New(Config{Host: hosts[0], Reach: reach.LAN})
	if err != nil {
		t.Fatal(err)
	}
	near, far := ma.StringCast("/ip4/10.0.0.1/tcp/1"), ma.StringCast("/ip4/5.6.7.8/tcp/1")
	m.met(Presence{peer.AddrInfo{ID: name(1), Addrs: []ma.Multiaddr{far, near}}, time.Minute})
	m.met(Presence{peer.AddrInfo{ID: name(2), Addrs: []ma.Multiaddr{far}}, time.Minute})
	m.met(Presence{peer.AddrInfo{ID: hosts[0].ID(), Addrs: []ma.Multiaddr{near}}, time.Minute})
	m.met(Presence{peer.AddrInfo{Addrs: []ma.Multiaddr{near}}, time.Minute})
	got := m.peers()
	if len(got) != 1 || got[0].ID != name(1) || len(got[0].Addrs) != 1 || !got[0].Addrs[0].Equal(near) {
		t.Errorf("met %v", got)
	}
}

// failing is an announcer that gives up at once.
type failing struct{ ran chan struct{} }

func (f failing) Run(ctx context.Context, _ func() []ma.Multiaddr, _ <-chan struct{}, _ func(Presence)) error {
	select {
	case f.ran <- struct{}{}:
		return errors.New("no interface")
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestAnAnnouncerThatFailsIsTriedAgain(t *testing.T) {
	modetest.NoLeaks(t)
	f := failing{make(chan struct{})}
	m, err := New(Config{Host: modetest.Hosts(t, 1)[0], Announcer: f})
	if err != nil {
		t.Fatal(err)
	}
	modetest.Go(t, m)
	<-f.ran
	<-f.ran
}

// name returns a valid peer id that nobody has the key of.
func name(i int) peer.ID {
	return peer.ID(modetest.ContentID(fmt.Sprint("peer ", i)).Hash())
}

func TestNetworkNamesMakeServices(t *testing.T) {
	h := modetest.Hosts(t, 1)[0]
	if _, err := New(Config{Host: h, Network: "a.b"}); fault.KindOf(err) != fault.BadInput {
		t.Errorf("network a.b: %v", err)
	}
	long := serviceName(strings.Repeat("a", 32))
	if _, err := encodeQuery(long); err != nil {
		t.Errorf("%s: %v", long, err)
	}
}
