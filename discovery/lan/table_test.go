package lan

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

var epoch = time.Unix(1e9, 0)

func nobody(peer.ID) bool { return false }

func present(i int, ttl time.Duration) Presence {
	return Presence{peer.AddrInfo{ID: name(i), Addrs: addrs(1)}, ttl}
}

func TestMembersExpireAndSayGoodbye(t *testing.T) {
	m := members{}
	if !m.put(present(1, time.Minute), epoch, 0, nobody) || m.put(present(1, time.Minute), epoch, 0, nobody) {
		t.Error("new is not new once")
	}
	m.put(present(2, 2*time.Minute), epoch, 0, nobody)
	if got := m.live(epoch.Add(time.Minute)); len(got) != 1 || got[0].ID != name(2) {
		t.Errorf("after a minute: %v", got)
	}
	m.put(present(2, 0), epoch, 0, func(peer.ID) bool { return true })
	if len(m.live(epoch)) != 2 {
		t.Error("a goodbye in the name of a peer that is connected was believed")
	}
	m.put(present(2, 0), epoch, 0, nobody)
	if len(m.live(epoch)) != 1 || m.put(present(3, 0), epoch, 0, nobody) {
		t.Error("goodbye")
	}
}

func TestAFloodOfNamesDoesNotPushPeersOut(t *testing.T) {
	m := members{}
	linked := func(id peer.ID) bool { return id == name(1) }
	now := epoch
	m.put(present(1, time.Hour), now, 0, linked)
	for i := range 3 * maxMembers {
		now = now.Add(time.Millisecond)
		m.put(present(100+i, time.Hour), now, 0, linked)
	}
	if len(m) != maxMembers || m[name(1)] == nil || m[name(100+maxMembers-2)] == nil {
		t.Errorf("%d members", len(m))
	}
	now = now.Add(settled)
	if !m.put(present(2, time.Hour), now, 0, linked) || len(m) != maxMembers {
		t.Error("a newcomer found no place among those that have settled")
	}
	if m[name(1)] == nil || m[name(100)] != nil {
		t.Error("not the oldest that is not connected made room")
	}
	if !m.put(present(3, time.Hour), now.Add(2*time.Hour), 0, linked) || len(m) != 1 {
		t.Errorf("%d members when all but one have expired", len(m))
	}
}

func TestAddressesNewestFirstAndBounded(t *testing.T) {
	m := members{}
	p := present(1, time.Minute)
	p.Addrs = addrs(12)
	m.put(p, epoch, 0, nobody)
	p.Addrs = addrs(30)[20:]
	m.put(p, epoch, 0, nobody)
	got := m[name(1)].info.Addrs
	if len(got) != maxAddrs || !got[0].Equal(p.Addrs[0]) || !got[10].Equal(addrs(1)[0]) {
		t.Errorf("%v", got)
	}
}

func TestDialBacksOff(t *testing.T) {
	m := members{}
	m.put(present(1, 10*time.Hour), epoch, secondDial, nobody)
	if _, ok, next := m.dial(epoch); ok || !next.Equal(epoch.Add(secondDial)) {
		t.Errorf("dialled before its turn, or not after it: %v", next)
	}
	now := epoch.Add(secondDial)
	for _, want := range []time.Duration{dialAgain, 2 * dialAgain, 4 * dialAgain, 8 * dialAgain} {
		if info, ok, _ := m.dial(now); !ok || info.ID != name(1) {
			t.Fatal("not dialled")
		}
		if _, again, next := m.dial(now); again || !next.IsZero() {
			t.Fatal("dialled twice at once")
		}
		m.put(present(1, 10*time.Hour), now, 0, nobody) // still there: no reason to hurry
		m.dialled(name(1), now, errors.New("refused"))
		_, _, next := m.dial(now)
		if next.Sub(now) != want {
			t.Fatalf("again after %v, want %v", next.Sub(now), want)
		}
		now = next
	}
	m.dial(now)
	m.dialled(name(1), now, nil)
	if _, ok, next := m.dial(now.Add(time.Hour)); ok || !next.IsZero() {
		t.Error("dialled though it is connected")
	}
	m.put(present(1, 10*time.Hour), now, 0, nobody) // it has gone and come back
	if _, ok, _ := m.dial(now); !ok {
		t.Error("not dialled again")
	}
}

func TestBackoffIsBounded(t *testing.T) {
	m := members{}
	m.put(present(1, time.Hour), epoch, 0, nobody)
	for range 100 {
		m.dialled(name(1), epoch, errors.New("refused"))
	}
	if wait := m[name(1)].dialAt.Sub(epoch); wait != dialLast {
		t.Errorf("waits %v", wait)
	}
}

func TestScheduleSpeaksSeldom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var s schedule
	s.restart(epoch)
	announced, queried, answered := 0, 0, map[int]int{}
	now, end := epoch, epoch.Add(10*time.Minute)
	for now.Before(end) {
		d, next := s.step(now)
		if d.announce {
			announced++
		}
		if d.query {
			queried++
		}
		for _, iface := range d.answer {
			answered[iface]++
		}
		if !next.After(now) {
			t.Fatalf("next at %v, now %v", next, now)
		}
		// A flood of questions on one interface, one in a while on another.
		now = now.Add(min(next.Sub(now), 50*time.Millisecond))
		s.question(now, 1, time.Duration(r.IntN(int(answerDelay))))
		if r.IntN(2000) == 0 {
			s.question(now, 2, time.Duration(r.IntN(int(answerDelay))))
		}
	}
	if queried != bursts {
		t.Errorf("asked %d times", queried)
	}
	if announced < 11 || announced > bursts+10 {
		t.Errorf("announced %d times in 10 minutes", announced)
	}
	if answered[1] > 601 || answered[1] < 300 || answered[2] == 0 {
		t.Errorf("answered %v in 600 s", answered)
	}
}

func TestScheduleBurst(t *testing.T) {
	var s schedule
	s.restart(epoch)
	var at []time.Duration
	for now := epoch; now.Before(epoch.Add(2 * time.Minute)); {
		d, next := s.step(now)
		if d.announce {
			at = append(at, now.Sub(epoch))
		}
		now = next
	}
	want := []time.Duration{0, time.Second, 3 * time.Second, 63 * time.Second}
	if len(at) != len(want) {
		t.Fatalf("announced at %v, want %v", at, want)
	}
	for i := range at {
		if at[i] != want[i] {
			t.Fatalf("announced at %v, want %v", at, want)
		}
	}
}
