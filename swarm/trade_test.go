package swarm

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// limitUp makes a member send at most so much.
func limitUp(bytesPerSecond int64) func(*Config) {
	return func(c *Config) { c.LimitUp = bytesPerSecond }
}

// with returns what a member and other do for each other for its root, as seen by the member.
func (m *member) with(other *member, sessions ...*Session) Trade {
	for _, x := range m.swarm.Trades(sessions...)[m.root] {
		if x.ID == other.host.ID() {
			return x
		}
	}
	return Trade{}
}

// Both ends of a transfer see the same of it, while it goes on.
func TestTradeOfBothEnds(t *testing.T) {
	f := newFile(t, 90, 64, 64<<10)
	seed, leech := join(t, newHeld(f, true), limitUp(4<<20)), join(t, newHeld(f, false))
	s := leech.swarm.Session(SessionConfig{Root: f.root, Sink: leech.held, Rand: rand.New(rand.NewPCG(1, 0))})
	s.AddPeer(seed.info(), "link")
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context()) }()

	var down, up Trade
	waitFor(t, "half is moved", func() bool {
		down, up = leech.with(seed, s), seed.with(leech)
		return down.Received > 1<<20 && down.Down > 0 && up.Sent > 1<<20 && up.Up > 0 && up.Share > 0
	})
	if !down.Source || down.Client || down.Origin != "link" || down.Share != 1 || !down.Wanted || down.ChokesUs || down.Relayed || down.Near {
		t.Errorf("as seen by the downloader: %+v", down)
	}
	if up.Source || !up.Client || up.Origin != Incoming || up.Share > 1 || !up.Interested || up.Choked || up.Relayed || up.Near {
		t.Errorf("as seen by the seed: %+v", up)
	}
	if got, _ := leech.swarm.Moved(seed.host.ID()); got < down.Received {
		t.Errorf("%d bytes received of the peer in all, %d of the root", got, down.Received)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the downloader has left", func() bool { return len(seed.swarm.Trades()) == 0 })
}

// Two that have halves are source and client of each other, in one row.
func TestTradeInBothDirections(t *testing.T) {
	f := newFile(t, 91, 64, 64<<10)
	halves := [2]*held{newHeld(f, false), newHeld(f, false)}
	for i := range 64 {
		halves[i%2].have.Set(i)
	}
	a, b := join(t, halves[0], limitUp(1<<20)), join(t, halves[1], limitUp(1<<20))
	sessions := make([]*Session, 2)
	for i, m := range []*member{a, b} {
		sessions[i] = m.swarm.Session(SessionConfig{Root: f.root, Sink: m.held, Rand: rand.New(rand.NewPCG(2, 0))})
		// Neither has the manifest before it has planned, and nobody else has it: it is here already.
		m.held.planned = true
	}
	sessions[0].AddPeer(b.info(), "lan")
	sessions[1].AddPeer(a.info(), "kademlia")
	done := make(chan error, 2)
	for _, s := range sessions {
		go func() { done <- s.Run(t.Context()) }()
	}
	waitFor(t, "both directions are seen in one row", func() bool {
		x := a.with(b, sessions[0])
		return x.Source && x.Client && x.Origin == "lan" && x.Received > 0 && x.Sent > 0 && x.Share >= 0.5
	})
	for range sessions {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

// A gauge is right at once, follows, and fades.
func TestGauge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m gauge
		m.begin(time.Now())
		run := func(span time.Duration, rate int64) (last float64) {
			for end := time.Now().Add(span); time.Now().Before(end); {
				time.Sleep(500 * time.Millisecond) // the bubble's clock
				m.total.Add(rate / 2)
				last = m.look(time.Now())
			}
			return last
		}
		for _, c := range []struct {
			span     time.Duration
			rate     int64
			low, top float64
		}{
			{time.Second, 1000, 990, 1010},
			{30 * time.Second, 1000, 990, 1010},
			{20 * time.Second, 3000, 2900, 3010},
			{time.Minute, 0, 0, 1},
		} {
			if got := run(c.span, c.rate); got < c.low || got > c.top {
				t.Errorf("%v at %d bytes/s: %.0f", c.span, c.rate, got)
			}
		}
	})
}

// What no connection leads to but a relay that limits is said of a session.
func TestOnlyRelayed(t *testing.T) {
	relayed, direct := SourceStatus{Relayed: true}, SourceStatus{}
	for _, c := range []struct {
		sources []SourceStatus
		want    bool
	}{
		{nil, false}, {[]SourceStatus{relayed}, true}, {[]SourceStatus{direct}, false}, {[]SourceStatus{relayed, direct}, false},
	} {
		st := Status{Sources: c.sources}
		if got := st.OnlyRelayed(); got != c.want {
			t.Errorf("%+v: %t", c.sources, got)
		}
	}
}
