package choker

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newTest(seed uint64) *Choker { return New(rand.New(rand.NewPCG(seed, 0))) }

// peersOf returns n interested peers, met long ago, numbered from 0.
func peersOf(n int, set func(p *Peer)) []Peer {
	peers := make([]Peer, n)
	for i := range peers {
		peers[i] = Peer{ID: PeerID(i), Interested: true, Asks: true, Since: start.Add(-time.Hour)}
		if set != nil {
			set(&peers[i])
		}
	}
	return peers
}

func unchoked(c *Choker, peers []Peer) (ids []PeerID) {
	for _, p := range peers {
		if c.Unchoked(p.ID) {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// full is an uplink at its limit: the number of slots stays.
var full = Uplink{Rate: 100, Limit: 100}

func TestFewAreUnchokedAtOnce(t *testing.T) {
	c := newTest(1)
	c.Step(start, nil, full)
	peers := peersOf(minSlots, func(p *Peer) { p.Interested = p.ID%2 == 0 })
	d := c.Step(start.Add(time.Second), peers, full)
	if !slices.Equal(d.Unchoke, []PeerID{0, 1, 2, 3, 4, 5, 6, 7}) || d.Choke != nil {
		t.Errorf("decided %+v", d)
	}
	if d.Next != start.Add(rechokeEvery) {
		t.Errorf("next at %v", d.Next)
	}
	if d := c.Step(start.Add(2*time.Second), peers, full); d.Unchoke != nil || d.Choke != nil {
		t.Errorf("decided %+v again", d)
	}
}

func TestTitForTat(t *testing.T) {
	c := newTest(2)
	peers := peersOf(20, func(p *Peer) { p.RateIn = float64(p.ID) })
	c.Step(start, peers, full)
	got := unchoked(c, peers)
	if len(got) != minSlots || !slices.Equal(got[1:], []PeerID{13, 14, 15, 16, 17, 18, 19}) {
		t.Errorf("unchoked %v", got)
	}
	if !c.turns[got[0]].optimistic {
		t.Errorf("%d is not optimistic", got[0])
	}
}

func TestRanksCountAtTheRechokeOnly(t *testing.T) {
	c := newTest(3)
	peers := peersOf(20, func(p *Peer) { p.RateIn = float64(p.ID) })
	c.Step(start, peers, full)
	before := unchoked(c, peers)
	for i := range peers {
		peers[i].RateIn = float64(20 - i)
	}
	if d := c.Step(start.Add(rechokeEvery-1), peers, full); d.Choke != nil || d.Unchoke != nil {
		t.Errorf("decided %+v between rechokes", d)
	}
	c.Step(start.Add(rechokeEvery), peers, full)
	got := unchoked(c, peers)
	if slices.Equal(got, before) || !slices.Equal(got[:7], []PeerID{0, 1, 2, 3, 4, 5, 6}) {
		t.Errorf("unchoked %v after the rechoke", got)
	}
}

func TestAFreeSlotIsGivenAtOnce(t *testing.T) {
	for _, seeding := range []bool{false, true} {
		c := newTest(4)
		peers := peersOf(20, func(p *Peer) { p.RateIn, p.Seeding = float64(p.ID), seeding })
		c.Step(start, peers, full)
		gone := slices.IndexFunc(peers, func(p Peer) bool { return c.Unchoked(p.ID) && !c.turns[p.ID].optimistic })
		peers[gone].Interested = false
		d := c.Step(start.Add(time.Second), peers, full)
		if len(d.Unchoke) != 1 || !slices.Equal(d.Choke, []PeerID{PeerID(gone)}) {
			t.Errorf("seeding %v: decided %+v", seeding, d)
		}
	}
}

func TestANewcomerDoesNotExceedTheSlots(t *testing.T) {
	c := newTest(5)
	c.Step(start, peersOf(minSlots, nil), full)
	peers := peersOf(minSlots+1, nil)
	c.Step(start.Add(time.Second), peers, full)
	if got := unchoked(c, peers); len(got) != minSlots {
		t.Errorf("unchoked %v", got)
	}
}

func TestOptimisticUnchokesMoveOn(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	c := newTest(seed)
	peers := peersOf(30, func(p *Peer) { p.RateIn = max(0, float64(p.ID)-22) })
	met := make(map[PeerID]int)
	var last []PeerID
	for n := range 300 {
		c.Step(start.Add(time.Duration(n)*rechokeEvery), peers, full)
		got := unchoked(c, peers)
		if n%3 != 0 && !slices.Equal(got, last) {
			t.Fatalf("round %d: %v after %v", n, got, last)
		}
		last = got
		met[got[0]]++
	}
	if len(met) < 20 {
		t.Errorf("100 optimistic unchokes met %d of 22 peers", len(met))
	}
}

func TestNewPeersAreMetSooner(t *testing.T) {
	newcomers := 0
	for seed := range uint64(400) {
		c := newTest(seed)
		peers := peersOf(30, func(p *Peer) {
			p.RateIn = max(0, float64(p.ID)-22)
			if p.ID < 11 {
				p.Since = start
			}
		})
		c.Step(start, peers, full)
		if unchoked(c, peers)[0] < 11 {
			newcomers++
		}
	}
	if newcomers < 260 || newcomers > 340 { // three of four, of 400
		t.Errorf("%d of 400 optimistic unchokes met one of the new half", newcomers)
	}
}

func TestSnubbing(t *testing.T) {
	for _, tc := range []struct {
		name   string
		owes   bool
		lastIn time.Time
		want   bool
	}{
		{"owes and sends", true, start.Add(-time.Second), true},
		{"owes and is silent", true, start.Add(-2 * time.Minute), false},
		{"owes nothing", false, start.Add(-2 * time.Minute), true},
		{"never sent", true, time.Time{}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newTest(6)
			peers := peersOf(20, func(p *Peer) { p.RateIn = 1 })
			peers[3].RateIn, peers[3].Owes, peers[3].LastIn = 100, tc.owes, tc.lastIn
			c.Step(start, peers, full)
			if regular := c.Unchoked(3) && !c.turns[3].optimistic; regular != tc.want {
				t.Errorf("unchoked %v", regular)
			}
		})
	}
}

func TestSeedGoesRound(t *testing.T) {
	c := newTest(7)
	const perStep = turnBytes / 3
	peers := peersOf(24, func(p *Peer) { p.Seeding = true })
	for n := range 24 * 3 {
		c.Step(start.Add(time.Duration(n)*rechokeEvery), peers, full)
		for i := range peers {
			if c.Unchoked(peers[i].ID) {
				peers[i].BytesOut += perStep
			}
		}
	}
	low, high := peers[0].BytesOut, peers[0].BytesOut
	for _, p := range peers {
		low, high = min(low, p.BytesOut), max(high, p.BytesOut)
	}
	if high-low > 2*turnBytes {
		t.Errorf("between %d and %d bytes", low, high)
	}
}

// However many come who have had nothing, those wait no longer who have had much.
func TestNewcomersWaitTheirTurn(t *testing.T) {
	c := newTest(10)
	peers := peersOf(2*minSlots, func(p *Peer) { p.Seeding, p.BytesOut = true, 1<<40 })
	turns := make(map[PeerID]int)
	for n := range 10 {
		now := start.Add(time.Duration(n) * rechokeEvery)
		for range minSlots / 2 {
			peers = append(peers, Peer{ID: PeerID(len(peers)), Interested: true, Asks: true, Seeding: true, Since: now})
		}
		for _, id := range c.Step(now, peers, full).Unchoke {
			turns[id]++
		}
		for i := range peers {
			if c.Unchoked(peers[i].ID) {
				peers[i].BytesOut += turnBytes
			}
		}
	}
	for id := range PeerID(2 * minSlots) {
		if turns[id] < 2 {
			t.Errorf("%d had %d turns", id, turns[id])
		}
	}
}

func TestATurnEndsAtTheRechoke(t *testing.T) {
	c := newTest(11)
	peers := peersOf(20, func(p *Peer) { p.Seeding = true })
	c.Step(start, peers, full)
	for i := range minSlots {
		peers[i].BytesOut = 2 * turnBytes
	}
	if d := c.Step(start.Add(time.Second), peers, full); d.Choke != nil {
		t.Errorf("decided %+v between rechokes", d)
	}
	if d := c.Step(start.Add(rechokeEvery), peers, full); len(d.Choke) != minSlots {
		t.Errorf("decided %+v", d)
	}
}

func TestSlowTakerKeepsItsTurn(t *testing.T) {
	c := newTest(8)
	peers := peersOf(20, func(p *Peer) { p.Seeding = true })
	for n := range 10 {
		c.Step(start.Add(time.Duration(n)*rechokeEvery), peers, full)
		for i := range peers {
			if c.Unchoked(peers[i].ID) && peers[i].ID != 0 {
				peers[i].BytesOut += turnBytes
			}
		}
		if !c.Unchoked(0) {
			t.Fatalf("round %d: the slow peer lost its turn with %d bytes", n, peers[0].BytesOut)
		}
	}
}

func TestBothKindsAreServed(t *testing.T) {
	for _, tc := range []struct{ traders, takers, wantTraders, wantTakers int }{
		{10, 10, 4, 4},
		{100, 1, 7, 1},
		{1, 100, 1, 7},
		{0, 9, 0, 8},
		{9, 0, 8, 0},
		{3, 5, 3, 5},
	} {
		s := newSlots()
		if a, b := s.divide(tc.traders, tc.takers); a != tc.wantTraders || b != tc.wantTakers {
			t.Errorf("%d traders and %d takers get %d and %d slots", tc.traders, tc.takers, a, b)
		}
	}
}

func TestLAN(t *testing.T) {
	for _, tc := range []struct {
		name string
		up   Uplink
		want int
	}{
		{"beside the slots", Uplink{Rate: 10, Limit: 100}, minSlots + 1 + 5},
		{"within them when the uplink is full", full, minSlots},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newTest(9)
			peers := peersOf(30, func(p *Peer) { p.LAN = p.ID >= 25 })
			c.Step(start, peers, tc.up)
			if got := unchoked(c, peers); len(got) != tc.want {
				t.Errorf("unchoked %v", got)
			}
		})
	}
}

func TestSlotsFollowTheUplink(t *testing.T) {
	for _, tc := range []struct {
		name  string
		rate  func(slots int) float64
		limit float64
		want  int
	}{
		{"each peer takes a little", func(n int) float64 { return float64(n) }, 0, 20},
		{"the line ends at twelve", func(n int) float64 { return float64(min(n, 12)) }, 0, 12},
		{"full from the start", func(int) float64 { return 5 }, 0, minSlots},
		{"limited", func(n int) float64 { return float64(n) }, 12, 11},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSlots()
			for n := range 20 {
				up := Uplink{Rate: tc.rate(s.n), Limit: tc.limit}
				s.adapt(start.Add(time.Duration(n)*rechokeEvery), up, 20)
			}
			if s.grown {
				s.n-- // a trial that has not been judged
			}
			if s.n < tc.want-1 || s.n > tc.want {
				t.Errorf("%d slots", s.n)
			}
		})
	}
}

// Whatever peers come and go: no more than the slots are unchoked, none of them without interest, what is
// announced adds up, and the same seed decides the same.
func TestAnything(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	one, two := newTest(seed), newTest(seed)
	r := rand.New(rand.NewPCG(seed, 1))
	told := make(map[PeerID]bool)
	var peers []Peer
	now := start
	for range 3000 {
		now = now.Add(time.Duration(r.IntN(5000)) * time.Millisecond)
		peers = change(r, peers, now, told)
		d := one.Step(now, slices.Clone(peers), full)
		if e := two.Step(now, slices.Clone(peers), full); !slices.Equal(d.Unchoke, e.Unchoke) || !slices.Equal(d.Choke, e.Choke) {
			t.Fatalf("decided %+v and %+v", d, e)
		}
		for _, id := range d.Unchoke {
			if told[id] {
				t.Fatalf("%d is unchoked twice", id)
			}
			told[id] = true
		}
		for _, id := range d.Choke {
			if !told[id] {
				t.Fatalf("%d is choked twice", id)
			}
			delete(told, id)
		}
		if !d.Next.After(now) {
			t.Fatalf("next at %v, now %v", d.Next, now)
		}
		checkSlots(t, one, peers, told, now)
	}
}

func checkSlots(t *testing.T, c *Choker, peers []Peer, told map[PeerID]bool, now time.Time) {
	t.Helper()
	idle := 0
	may := entitled(now, peers)
	for _, p := range peers {
		if told[p.ID] && !slices.ContainsFunc(may, func(o Peer) bool { return o.ID == p.ID }) {
			t.Fatalf("%d is unchoked, a debtor while others wait", p.ID)
		}
		if c.Unchoked(p.ID) != told[p.ID] {
			t.Fatalf("%d: unchoked %v, told %v", p.ID, c.Unchoked(p.ID), told[p.ID])
		}
		if told[p.ID] && !p.Interested && len(may) > minSlots {
			t.Fatalf("%d is unchoked without interest", p.ID)
		}
	}
	for _, p := range may {
		if p.Interested && !told[p.ID] {
			idle++
		}
	}
	if len(told) > minSlots {
		t.Fatalf("%d are unchoked", len(told))
	}
	if idle > 0 && len(told) < minSlots-1 {
		t.Fatalf("%d are unchoked while %d wait", len(told), idle)
	}
}

// change lets something happen to peers.
func change(r *rand.Rand, peers []Peer, now time.Time, told map[PeerID]bool) []Peer {
	if r.IntN(4) == 0 && len(peers) < 40 {
		peers = append(peers, Peer{ID: PeerID(r.Uint32()), Since: now, Seeding: r.IntN(4) == 0})
	}
	if r.IntN(8) == 0 && len(peers) > 0 {
		k := r.IntN(len(peers))
		delete(told, peers[k].ID)
		peers = slices.Delete(peers, k, k+1)
	}
	for k := range peers {
		p := &peers[k]
		switch r.IntN(6) {
		case 0:
			p.Interested = !p.Interested
		case 1:
			p.RateIn, p.LastIn, p.Owes = float64(r.IntN(100)), now, r.IntN(2) == 0
		case 2:
			p.BytesOut += uint64(r.IntN(8 << 20))
		case 3:
			p.BytesIn += uint64(r.IntN(1 << 20))
		case 4:
			p.Asks = !p.Asks
		}
	}
	return peers
}

func TestWeights(t *testing.T) {
	for _, tc := range []struct {
		name  string
		rates []float64
		want  []float64
	}{
		{"nobody has given anything", []float64{0, 0}, []float64{1, 1}},
		{"about alike", []float64{100, 60, 25}, []float64{1, 1, 1}},
		{"one gives little, one nothing", []float64{100, 10, 0}, []float64{1, 0.4, leastShare}},
	} {
		var peers []Peer
		for _, r := range tc.rates {
			peers = append(peers, Peer{RateIn: r})
		}
		if got := Weights(peers); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, not %v", tc.name, got, tc.want)
		}
	}
	if got := Weights([]Peer{{RateIn: 100}, {Seeding: true}}); got[1] != 1 {
		t.Errorf("one that cannot give has %v", got[1])
	}
}
