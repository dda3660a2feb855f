package swarm

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/swarm/picker"
	"github.com/seed4134be55/peer/swarm/wire"
)

func TestDispensable(t *testing.T) {
	const old = 10 * time.Minute
	even := func(n int, rate float64) (all []standing) {
		for i := range n {
			all = append(all, standing{id: peer.ID(fmt.Sprint("even ", i)), here: old, rate: rate})
		}
		return all
	}
	for _, c := range []struct {
		name string
		all  []standing
		want []peer.ID
	}{
		{"nobody", nil, nil},
		{"all alike", even(10, 100), nil},
		{"all without use", even(3, 0), nil},
		{"one of no use", append(even(5, 100), standing{id: "x", here: old, useless: true}), []peer.ID{"x"}},
		{"one of no use that has just come", append(even(5, 100), standing{id: "x", here: settleTime - 1, useless: true}), nil},
		{"one that chokes us", append(even(5, 100), standing{id: "x", here: old, choked: chokedLong}), []peer.ID{"x"}},
		{"one that has just choked us", append(even(5, 100), standing{id: "x", here: old, choked: chokedLong - 1, rate: 90}), nil},
		{"a slow one", append(even(5, 100), standing{id: "x", here: old, rate: 40}), []peer.ID{"x"}},
		{"one that is somewhat slower", append(even(5, 100), standing{id: "x", here: old, rate: 60}), nil},
		{"who feeds us", append(even(5, 1), standing{id: "x", here: old, rate: 100, useless: true, choked: old}), []peer.ID{"even 0", "even 1", "even 2", "even 3", "even 4"}},
		{"the worst first", append(even(6, 100),
			standing{id: "slow", here: old, rate: 10}, standing{id: "slower", here: old, rate: 5},
			standing{id: "choking", here: old, choked: 2 * chokedLong}, standing{id: "choking longer", here: old, choked: 3 * chokedLong},
			standing{id: "useless", here: old, useless: true}, standing{id: "new", here: 1, useless: true},
		), []peer.ID{"useless", "choking longer", "choking", "slower", "slow"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := dispensable(c.all); !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// A quiet is a Source that is asked for nothing and told nothing.
type quiet struct {
	Source
	closed bool
}

func (q *quiet) Close()            { q.closed = true }
func (*quiet) Interested(bool)     {}
func (*quiet) Exchange() *exchange { return nil }
func (*quiet) RTT() time.Duration  { return 0 }

// full is a session of three sources, as many as it may have, that have been there for long: the first has all, the
// second half and the third nothing.
func full(t *testing.T) (s *Session, conns []*quiet) {
	t.Helper()
	f := newFile(t, 49, 8, 10)
	s = NewSession(SessionConfig{Root: f.root, MaxSources: 3, Dial: nobody})
	s.onPlan(f.m, nil, nil, nil)
	for i := range 3 {
		id := peer.ID(fmt.Sprint("source ", i))
		s.peers.add(peer.AddrInfo{ID: id}, "lan")
		s.peers.due(epoch, 1)
		src := &source{session: s, id: id, num: picker.SourceID(i + 1)}
		conns = append(conns, new(quiet))
		s.onDialed(src, conns[i], nil)
		src.since = epoch
		s.onOpened(src, Offer{Complete: true, Entries: 9, Leaves: 8, Digest: s.digest, Have: []wire.Have{wire.HaveAll, wire.HaveSome, wire.HaveNone}[i]})
	}
	s.learn(s.sources["source 1"], wireHave{ranges: []wire.Range{{First: 0, Count: 4}}})
	return s, conns
}

// left returns which of full's sources are still there.
func left(s *Session, conns []*quiet) (ids []int) {
	for i, c := range conns {
		if (s.sources[peer.ID(fmt.Sprint("source ", i))] == nil) != c.closed {
			return []int{-1}
		}
		if !c.closed {
			ids = append(ids, i)
		}
	}
	return ids
}

func TestTurnOver(t *testing.T) {
	now := epoch.Add(10 * time.Minute)
	s, conns := full(t)
	s.turnOver(now)
	if got := left(s, conns); len(got) != 3 {
		t.Fatalf("nobody waits, and of the sources %v are left", got)
	}
	for i := range 3 {
		s.peers.add(peer.AddrInfo{ID: peer.ID(fmt.Sprint("new ", i))}, "lan")
	}
	s.turnOver(now.Add(turnoverEvery - 1))
	if got := left(s, conns); len(got) != 3 {
		t.Fatalf("too soon; left: %v", got)
	}
	now = now.Add(turnoverEvery)
	s.turnOver(now)
	if got := left(s, conns); !slices.Equal(got, []int{0, 1}) {
		t.Fatalf("left: %v", got)
	}
	if got := s.peers.dueIDs(now, 10); slices.Contains(got, "source 2") || len(got) != 3 {
		t.Errorf("dialled next: %v", got)
	}
	now = now.Add(turnoverEvery)
	s.turnOver(now)
	if got := left(s, conns); len(got) != 2 {
		t.Errorf("there is room, and of the sources %v are left", got)
	}
}

// So it goes when it is all sessions together that have as many peers as they may.
func TestTurnOverWhenThePeerIsFull(t *testing.T) {
	now := epoch.Add(10 * time.Minute)
	s, conns := full(t)
	s.cfg.MaxSources = 50
	s.peers.add(peer.AddrInfo{ID: "new"}, "lan")
	s.turnOver(now)
	if got := left(s, conns); len(got) != 3 {
		t.Fatalf("there is room, and of the sources %v are left", got)
	}
	now = now.Add(turnoverEvery)
	s.peers.due(now.Add(-fullRedial), 1)
	s.peers.dialed("new", now.Add(-fullRedial), errFull)
	s.turnOver(now)
	if got := left(s, conns); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("left: %v", got)
	}
}

// The only source of a leaf stays, whatever else is said against it, and so does one that feeds us.
func TestTurnOverSpares(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(s *Session)
		want []int
	}{
		{"who chokes us", func(s *Session) { s.sources["source 2"].since = epoch.Add(time.Hour) }, []int{0, 2}},
		{"who feeds us", func(s *Session) {
			s.sources["source 2"].since = epoch.Add(time.Hour)
			s.sources["source 1"].rateIn.Store(1000)
		}, []int{0, 1, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, conns := full(t)
			for _, src := range s.sources {
				src.choked, src.chokedAt = true, epoch
			}
			c.set(s)
			s.peers.add(peer.AddrInfo{ID: "new"}, "lan")
			s.turnOver(epoch.Add(10 * time.Minute))
			if got := left(s, conns); !slices.Equal(got, c.want) {
				t.Errorf("left: %v", got)
			}
		})
	}
}

// In a full server a new client takes the place of one that has wanted nothing for long, of no other.
func TestFullServerMakesRoom(t *testing.T) {
	now := time.Now()
	fill := func() *server {
		sv := New(Config{}).server
		for i := range maxClients {
			c := &client{sv: sv, id: peer.ID(fmt.Sprint(i)), session: wire.SessionID{byte(i), byte(i >> 8)}, control: &pipe{}, wanted: now.Add(-time.Duration(i) * time.Second)}
			c.channels = map[uint32]*channel{1: {client: c, interested: i > 200}}
			if i > 100 && i <= 200 {
				c.queue = make([]order, 1)
			}
			sv.clients[c.session] = c
		}
		return sv
	}
	sv := fill()
	gone := 0
	for sv.makeRoom(now) {
		gone++
	}
	if want := 101 - int(idleLong/time.Second); gone != want {
		t.Errorf("%d gave way, want %d", gone, want)
	}
	sv = fill()
	sv.begin(t.Context())
	sv.tending = true
	for i, want := range []bool{true, false} {
		c := &client{sv: sv, id: "new", session: wire.SessionID{1, 2, byte(i)}, control: &pipe{}}
		if i == 1 {
			for _, other := range sv.clients {
				other.wanted = now
			}
		}
		if err := sv.admit(c); (err == nil) != want {
			t.Errorf("client %d: %v", i, err)
		}
	}
	if sv.clients[wire.SessionID{100}] != nil {
		t.Error("the one idle for longest is still there")
	}
}

// A peer that has as many connections as it may ends one with a client that wants nothing for one that comes, but not
// one of whom it wants something itself.
func TestIdleClientGivesWay(t *testing.T) {
	f := newFile(t, 51, 3, 1000)
	server := join(t, newHeld(f, true), func(c *Config) { c.MaxPeers = 4 }) // three that come
	var idle []*wanter
	for i := range byte(3) {
		w := want(t, newHost(t), server, i)
		w.open(1, f.root)
		idle = append(idle, w)
	}
	leech := join(t, newHeld(f, false))
	if _, err := leech.download(t, 2*time.Second, server); fault.KindOf(err) != fault.NotFound {
		t.Errorf("with clients that may still want something: %v", err)
	}
	sv := server.swarm.server
	sv.lock.Lock()
	for _, c := range sv.clients {
		c.lock.Lock()
		c.wanted = c.wanted.Add(-2 * idleLong)
		c.lock.Unlock()
	}
	sv.lock.Unlock()
	server.swarm.accounts.open(idle[0].host.ID(), 4) // as a link to it would
	if _, err := leech.download(t, 0, server); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "two are left", func() bool { return len(sv.visitors(f.root)) == 2 })
	if !slices.Contains(sv.visitors(f.root), idle[0].host.ID()) {
		t.Error("the wrong one gave way")
	}
}
