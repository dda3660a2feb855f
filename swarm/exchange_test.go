package swarm

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/seed4134be55/peer/reach"
	"github.com/seed4134be55/peer/swarm/wire"
)

// idOf returns the id of a peer that does not exist.
func idOf(name string) peer.ID {
	sum := sha256.Sum256([]byte(name))
	return peer.ID("\x12\x20" + string(sum[:]))
}

// contactsOf is a message that tells of one peer.
func contactsOf(name string, addrs ...string) wire.Peers {
	k := wire.Contact{ID: idOf(name)}
	for _, a := range addrs {
		k.Addrs = append(k.Addrs, multiaddr.StringCast(a).Bytes())
	}
	return wire.Peers{Channel: 1, Added: []wire.Contact{k}}
}

// strangers is a message that tells of n peers that do not exist, at a port where nobody is.
func strangers(channel uint32, n int) wire.Peers {
	m := wire.Peers{Channel: channel}
	for i := range n {
		m.Added = append(m.Added, contactsOf(fmt.Sprint("stranger ", i), "/ip4/127.0.0.1/tcp/1").Added...)
	}
	return m
}

// exchangeOf is an exchange between peers that do not exist.
func exchangeOf(f *file, send func(wire.Message)) *exchange {
	m := loneMembership()
	m.exchanges = reach.Loopback.Exchanges
	x := m.newExchange(f.root, idOf("other"), multiaddr.StringCast("/ip4/127.0.0.1/tcp/9"), 1, send)
	x.open()
	return x
}

// Two who know a third alone, which has next to nothing, meet.
func TestPeersMeetByExchange(t *testing.T) {
	f := newFile(t, 41, 21, 10<<10)
	a := part(t, f, func(i int) bool { return i%2 == 0 })
	b := part(t, f, func(i int) bool { return i%2 == 1 })
	hub := part(t, f, func(i int) bool { return i == 0 })
	sa, aEnds := a.begin(t, hub)
	waitFor(t, "a is at the hub", func() bool { return len(hub.swarm.server.visitors(f.root)) == 1 })
	sb, bEnds := b.begin(t, hub)
	for _, ends := range []<-chan error{aEnds, bEnds} {
		if err := <-ends; err != nil {
			t.Fatal(err)
		}
	}
	byHearsay := func(s SourceStatus) bool { return s.Origin == hearsay }
	if !slices.ContainsFunc(slices.Concat(sa.Status().Sources, sb.Status().Sources), byHearsay) {
		t.Error("nobody was met by hearsay")
	}
	if n := hub.swarm.members.told.Load(); n > 2 {
		t.Errorf("%d are remembered as told", n)
	}
	waitFor(t, "what was told is forgotten", func() bool { return hub.swarm.members.told.Load() == 0 })
}

// One who comes tells a downloader of those that it knows.
func TestWanterTellsHolder(t *testing.T) {
	f := newFile(t, 42, 5, 1000)
	seed := join(t, newHeld(f, true))
	leech := join(t, newHeld(f, false))
	s, ends := leech.begin(t)
	waitFor(t, "it runs", func() bool { return len(leech.swarm.members.sessions(f.root)) == 1 })
	w := want(t, newHost(t), leech, 1)
	w.open(1, f.root)
	k := wire.Contact{ID: seed.host.ID()}
	for _, a := range seed.host.Addrs() {
		k.Addrs = append(k.Addrs, a.Bytes())
	}
	w.say(wire.Peers{Channel: 1, Added: []wire.Contact{k}})
	if err := <-ends; err != nil {
		t.Fatal(err)
	}
	if why := s.peers.known[seed.host.ID()].origin; why != hearsay {
		t.Errorf("it knows the seed by %s", why)
	}
}

// peers returns the next message about peers.
func (w *wanter) peers() wire.Peers {
	for {
		switch m := w.hear().(type) {
		case wire.Peers:
			return m
		case nil:
			w.t.Fatal("it was cut off")
		}
	}
}

// A holder tells of those that are there, once, and that they have gone. It does not tell of the receiver, nor of itself.
func TestWhoIsTold(t *testing.T) {
	f := newFile(t, 43, 5, 1000)
	server := join(t, newHeld(f, true))
	first := want(t, newHost(t), server, 1)
	first.open(1, f.root)
	addrs := func() int { return len(server.swarm.members.info(first.host.ID()).Addrs) }
	waitFor(t, "its addresses are known", func() bool { return addrs() > 0 })

	second := want(t, newHost(t), server, 2)
	second.open(1, f.root)
	m := second.peers()
	if len(m.Added) != 1 || m.Added[0].ID != first.host.ID() || len(m.Dropped) != 0 {
		t.Fatalf("told of %v", m)
	}
	known := func(a multiaddr.Multiaddr) bool {
		return slices.ContainsFunc(m.Added[0].Addrs, func(b []byte) bool { return string(b) == string(a.Bytes()) })
	}
	if !slices.ContainsFunc(first.host.Addrs(), known) {
		t.Errorf("told of %v, not of %v", m.Added[0].Addrs, first.host.Addrs())
	}
	second.say(wire.GetPeers{Channel: 1})
	if m := second.peers(); len(m.Added)+len(m.Dropped) != 0 {
		t.Errorf("told again: %v", m)
	}
	first.control.Reset()
	waitFor(t, "it has gone", func() bool { return len(server.swarm.server.visitors(f.root)) == 1 })
	second.say(wire.GetPeers{Channel: 1})
	if m := second.peers(); len(m.Added) != 0 || !slices.Equal(m.Dropped, []peer.ID{first.host.ID()}) {
		t.Errorf("told of %v", m)
	}
}

// Who did not agree is told nothing.
func TestNoExchangeUnlessAgreed(t *testing.T) {
	f := newFile(t, 44, 5, 1000)
	server := join(t, newHeld(f, true))
	first := want(t, newHost(t), server, 1)
	first.open(1, f.root)
	waitFor(t, "its addresses are known", func() bool { return len(server.swarm.members.info(first.host.ID()).Addrs) > 0 })

	second := &wanter{t: t, host: newHost(t)}
	if err := second.host.Connect(t.Context(), server.info()); err != nil {
		t.Fatal(err)
	}
	second.control = second.stream(server, wire.Control)
	second.in, second.out = wire.NewReader(second.control), wire.NewWriter(second.control)
	plain := hello(wire.SessionID{9})
	plain.Extensions = nil
	second.say(plain)
	if h, ok := second.hear().(wire.Hello); !ok {
		t.Fatal("no hello")
	} else if _, ok := h.Extension(wire.ExtensionPeers); !ok {
		t.Error("the server does not offer it")
	}
	second.open(1, f.root)
	for range 10 {
		second.say(wire.GetPeers{Channel: 1})
	}
	second.say(wire.Open{Channel: 2, Root: f.m.Leaf(0).Cid}) // refused, after all that would come before
	for {
		switch m := second.hear().(type) {
		case wire.Peers:
			t.Fatalf("told of %v", m)
		case wire.Refused:
			return
		case nil:
			t.Fatal("it was cut off")
		}
	}
}

// What a peer tells is dialled only where the addresses may be believed, and never becomes an address of one that is
// known otherwise.
func TestWhatIsBelieved(t *testing.T) {
	x := exchangeOf(newFile(t, 45, 1, 10), nil)
	here, near, name := "/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/1", "/dns4/localhost/tcp/1"
	x.members.self = idOf("self")
	garbage := contactsOf("garbage", here)
	garbage.Added[0].Addrs = [][]byte{{255, 255, 255}, {4, 1}}
	for _, c := range []struct {
		what wire.Peers
		want int // addresses
	}{
		{contactsOf("a", here), 1},
		{contactsOf("a", here, near, name), 1},
		{contactsOf("a", near), 0},
		{contactsOf("a", name), 0},
		{garbage, 0},
		{contactsOf("self", here), 0},
		{contactsOf("other", here), 0},
	} {
		if got := x.believe(c.what.Added[0]); len(got.Addrs) != c.want {
			t.Errorf("%v: %v", c.what, got)
		}
	}
}

// What is told of a peer is bounded, and only what means the same to the other.
func TestWhatIsTold(t *testing.T) {
	x := exchangeOf(newFile(t, 46, 1, 10), nil)
	var addrs []multiaddr.Multiaddr
	for i := range 20 {
		addrs = append(addrs, multiaddr.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", i+1)))
	}
	long := multiaddr.StringCast("/ip4/127.0.0.1/tcp/1/ws/p2p/" + idOf("x").String() + "/p2p-circuit/p2p/" + idOf("y").String() + "/p2p-circuit/p2p/" + idOf("z").String() + "/p2p-circuit/tcp/1")
	if n := len(long.Bytes()); n <= wire.MaxAddr {
		t.Fatalf("it has %d bytes", n)
	}
	near := multiaddr.StringCast("/ip4/10.0.0.1/tcp/1")
	if k := x.contact(peer.AddrInfo{Addrs: append([]multiaddr.Multiaddr{long, near}, addrs...)}); len(k.Addrs) != wire.MaxContactAddrs {
		t.Errorf("%d addresses", len(k.Addrs))
	}
	if k := x.contact(peer.AddrInfo{Addrs: []multiaddr.Multiaddr{long, near}}); len(k.Addrs) != 0 {
		t.Errorf("told: %v", k.Addrs)
	}
}

// Where too much is remembered of what others were told, nobody is told of more.
func TestTellingIsBounded(t *testing.T) {
	said := 0
	x := exchangeOf(newFile(t, 47, 1, 10), func(m wire.Message) { said += len(m.(wire.Peers).Added) })
	roster := func() (all []peer.AddrInfo) {
		for i := range 10 {
			all = append(all, peer.AddrInfo{ID: idOf(fmt.Sprint(i)), Addrs: []multiaddr.Multiaddr{multiaddr.StringCast("/ip4/127.0.0.1/tcp/1")}})
		}
		return all
	}
	x.members.told.Store(maxToldOf - 4)
	x.tell(time.Now(), roster)
	if said != 4 || x.members.told.Load() != maxToldOf {
		t.Errorf("%d told, %d remembered", said, x.members.told.Load())
	}
	x.close()
	x.close()
	if n := x.members.told.Load(); n != maxToldOf-4 {
		t.Errorf("%d remembered after the end", n)
	}
	x.tell(time.Now().Add(time.Hour), roster)
	if said != 4 {
		t.Error("it tells after the end")
	}
}

// All sessions together make so many connections at once and no more; to peers that are connected there is no wait.
func TestHalfOpenDials(t *testing.T) {
	f := newFile(t, 48, 1, 10)
	m, known, stranger := join(t, newHeld(f, false)), join(t, newHeld(f, true)), join(t, newHeld(f, true))
	if err := m.host.Connect(t.Context(), known.info()); err != nil {
		t.Fatal(err)
	}
	for range maxHalfOpen {
		m.swarm.halfOpen <- struct{}{}
	}
	if err := m.swarm.reach(t.Context(), known.info()); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ends := make(chan error, 1)
	go func() { ends <- m.swarm.reach(ctx, stranger.info()) }()
	cancel()
	if err := <-ends; err != context.Canceled {
		t.Errorf("it does not wait: %v", err)
	}
	<-m.swarm.halfOpen
	if err := m.swarm.reach(t.Context(), stranger.info()); err != nil {
		t.Error(err)
	}
	if len(m.swarm.halfOpen) != maxHalfOpen-1 {
		t.Errorf("%d are counted", len(m.swarm.halfOpen))
	}
}

// A source tells of two peers: one in the LAN, where it must not make us dial, and one that is on this machine like
// itself.
func TestTellsWhereNotToDial(t *testing.T) {
	f := newFile(t, 50, 20, 1000)
	seed := join(t, newHeld(f, true))
	villain := newVillain(t, f, func(v *villain) {
		v.opened = func(t *talk) {
			t.open(wire.HaveNone)
			m := contactsOf("in the LAN", "/ip4/10.0.0.1/tcp/1", "/ip4/0.0.0.0/tcp/1", "/dns4/localhost/tcp/1")
			good := wire.Contact{ID: seed.host.ID(), Addrs: [][]byte{multiaddr.StringCast("/ip4/10.0.0.1/tcp/2").Bytes()}}
			for _, a := range seed.host.Addrs() {
				good.Addrs = append(good.Addrs, a.Bytes())
			}
			m.Channel, m.Added = t.channel, append(m.Added, good)
			t.say(m)
		}
	})
	v := attack(t, f, new(keeper), villain.info())
	v.end(t, f)
	if v.peers.known[idOf("in the LAN")] != nil {
		t.Error("a peer is known that must not be dialled")
	}
	k := v.peers.known[seed.host.ID()]
	if k == nil || k.origin != hearsay || len(k.info.Addrs) != len(seed.host.Addrs()) {
		t.Errorf("the seed is known as %+v", k)
	}
}

// A downloader tells its sources of each other, but for one that has everything and looks for nobody, and asks.
func TestDownloaderTellsAndAsks(t *testing.T) {
	f := newFile(t, 52, 20, 1000)
	var lock sync.Mutex
	told, questions := make(map[peer.ID][]peer.ID), 0
	holder := func(have wire.Have) *villain {
		return newVillain(t, f, func(v *villain) {
			v.opened = func(t *talk) { t.open(have) }
			v.page = func(*talk, wire.GetManifest) {} // so that it goes on
			v.words = func(t *talk, m wire.Message) {
				lock.Lock()
				defer lock.Unlock()
				if p, ok := m.(wire.Peers); ok {
					for _, k := range p.Added {
						told[t.host.ID()] = append(told[t.host.ID()], k.ID)
					}
				} else {
					questions++
				}
			}
		})
	}
	whole, partial, other := holder(wire.HaveAll), holder(wire.HaveNone), holder(wire.HaveNone)
	attack(t, f, new(keeper), whole.info(), partial.info(), other.info())
	waitFor(t, "they are told and asked", func() bool {
		lock.Lock()
		defer lock.Unlock()
		return len(told[partial.host.ID()]) > 0 && len(told[other.host.ID()]) > 0 && questions > 0
	})
	lock.Lock()
	defer lock.Unlock()
	if len(told[whole.host.ID()]) > 0 {
		t.Errorf("who has everything was told of %v", told[whole.host.ID()])
	}
	for id, others := range told {
		if slices.Contains(others, id) {
			t.Errorf("%s was told of itself", id)
		}
	}
	if questions > 2 {
		t.Errorf("%d questions at once", questions)
	}
}
