package choker

import (
	"slices"
	"testing"
	"time"
)

func TestDebtor(t *testing.T) {
	for _, tc := range []struct {
		name string
		p    Peer
		want bool
	}{
		{"has had nothing", Peer{}, false},
		{"has had its credit", Peer{BytesOut: credit}, true},
		{"gave its part", Peer{BytesOut: 4 * credit, BytesIn: credit}, false},
		{"gave too little", Peer{BytesOut: 20 * credit, BytesIn: credit}, true},
		{"is a seed's", Peer{BytesOut: 20 * credit, Seeding: true}, false},
		{"is near", Peer{BytesOut: 20 * credit, LAN: true}, false},
		{"has been here for long", Peer{BytesOut: credit + 1<<20, Since: start.Add(-time.Minute)}, false},
	} {
		tc.p.Interested = true
		if tc.p.Since.IsZero() {
			tc.p.Since = start
		}
		if got := debtor(tc.p, start); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

// Where there are slots for all, a debtor has one all the same only while nobody else wants anything.
func TestADebtorWaitsForTheOthers(t *testing.T) {
	c := newTest(20)
	peers := peersOf(4, func(p *Peer) { p.Since = start })
	c.Step(start, peers, full)
	peers[2].BytesOut = 2 * credit
	if d := c.Step(start.Add(time.Second), peers, full); !slices.Equal(d.Choke, []PeerID{2}) {
		t.Fatalf("decided %+v", d)
	}
	for _, id := range []int{0, 1, 3} {
		peers[id].Interested = false
	}
	if d := c.Step(start.Add(2*time.Second), peers, full); !slices.Equal(d.Unchoke, []PeerID{2}) {
		t.Fatalf("decided %+v while nobody else wants anything", d)
	}
	peers[0].Interested = true
	if d := c.Step(start.Add(3*time.Second), peers, full); !slices.Equal(d.Choke, []PeerID{2}) || !c.Unchoked(0) {
		t.Fatalf("decided %+v, and another wants something", d)
	}
}

// A turn at a seed is over for one that asks for nothing, when it has had time to.
func TestATurnWithoutRequestsEnds(t *testing.T) {
	c := newTest(21)
	peers := peersOf(20, func(p *Peer) { p.Seeding = true })
	d := c.Step(start, peers, full)
	if !d.Next.Equal(start.Add(lookEvery)) {
		t.Errorf("next at %v", d.Next)
	}
	peers[0].Asks = false
	if d := c.Step(start.Add(lookEvery-1), peers, full); d.Choke != nil {
		t.Errorf("decided %+v too soon", d)
	}
	if d := c.Step(start.Add(lookEvery), peers, full); !slices.Equal(d.Choke, []PeerID{0}) || len(d.Unchoke) != 1 {
		t.Errorf("decided %+v", d)
	}
}

// Whoever passes on what nobody else has waits less, but ends nobody's turn.
func TestWhoPassesOnGoesFirst(t *testing.T) {
	c := newTest(22)
	peers := peersOf(20, func(p *Peer) { p.Seeding, p.Passes = true, p.ID == 19 })
	c.Step(start, peers, full)
	if !c.Unchoked(19) {
		t.Error("it waits behind others")
	}
	peers[18].Passes = true
	if d := c.Step(start.Add(time.Second), peers, full); d.Choke != nil || d.Unchoke != nil {
		t.Errorf("decided %+v while turns last", d)
	}
	peers[0].Asks = false
	d := c.Step(start.Add(2*time.Second), peers, full)
	if !slices.Equal(d.Choke, []PeerID{0}) || !slices.Equal(d.Unchoke, []PeerID{18}) {
		t.Errorf("decided %+v", d)
	}
}
