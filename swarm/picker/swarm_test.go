package picker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Every leaf is sent exactly once when sources are honest, deliver at one rate, and stay.
func TestHonestSourcesSendEachLeafOnce(t *testing.T) {
	for range 20 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			leaves := 1 + r.IntN(500)
			p := newTest(t, leaves, 1+r.Uint32N(1<<20), seed)
			sources := 1 + r.IntN(6)
			for id := range SourceID(sources) {
				p.AddSource(id)
				p.SetRate(id, 1<<20)
				if r.IntN(2) == 0 {
					p.SourceHasAll(id)
				}
			}
			asked := make([]int, leaves)
			queues := make([][]int, sources)
			for now := start; !p.Done(); now = now.Add(100 * time.Millisecond) {
				for id := range queues {
					b := Budget{Bytes: 1 << 40, Leaves: 4 - len(queues[id])}
					for _, c := range p.Pick(nil, SourceID(id), b, now) {
						asked[c.Leaf]++
						if c.From != NoSource {
							asked[c.Leaf]--
							queues[c.From] = slices.DeleteFunc(queues[c.From], func(i int) bool { return i == c.Leaf })
						}
						queues[id] = append(queues[id], c.Leaf)
					}
				}
				for id, q := range queues {
					if len(q) > 0 {
						queues[id] = q[1:]
						for _, o := range p.Have(q[0], SourceID(id), now) {
							queues[o] = slices.DeleteFunc(queues[o], func(i int) bool { return i == q[0] })
						}
					}
				}
			}
			for i, n := range asked {
				if n != 1 {
					t.Fatalf("leaf %d was sent %d times", i, n)
				}
			}
		})
	}
}

// storm is a swarm of sources that come, go, lie and stall.
type storm struct {
	t      *testing.T
	p      *Picker
	r      *rand.Rand
	leaves int
	queues map[SourceID][]int
	last   SourceID
	now    time.Time
}

// Whatever sources do, the picker agrees with itself, no leaf is asked of three sources, no leaf twice of
// one that failed it, and one honest source that stays is enough to end.
func TestWhateverSourcesDo(t *testing.T) {
	for range 30 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			leaves := 1 + r.IntN(200)
			s := &storm{
				t: t, r: r, leaves: leaves, now: start,
				p:      newTest(t, leaves, 1+r.Uint32N(1<<20), seed),
				queues: make(map[SourceID][]int),
			}
			s.p.AddSource(0)
			s.p.SourceHasAll(0)
			for round := 0; !s.p.Done(); round++ {
				if round > 200*leaves+2000 {
					n, _ := s.p.Missing()
					t.Fatalf("%d of %d leaves are missing after %d rounds", n, leaves, round)
				}
				s.now = s.now.Add(time.Duration(r.IntN(1000)) * time.Millisecond)
				s.happens()
				s.honest()
				check(t, s.p)
			}
		})
	}
}

// honest is what source 0 does: it delivers what it was asked for.
func (s *storm) honest() {
	s.pick(0)
	if q := s.queues[0]; len(q) > 0 {
		s.have(q[0], 0)
	}
}

func (s *storm) pick(id SourceID) {
	for _, c := range s.p.Pick(nil, id, Budget{Bytes: 1 << 22, Leaves: 1 + s.r.IntN(8)}, s.now) {
		if slices.Contains(s.queues[id], c.Leaf) {
			s.t.Fatalf("leaf %d is asked of source %d again", c.Leaf, id)
		}
		s.queues[id] = append(s.queues[id], c.Leaf)
		if c.From != NoSource {
			s.forget(c.From, c.Leaf)
		}
	}
}

func (s *storm) have(i int, by SourceID) {
	for _, o := range s.p.Have(i, by, s.now) {
		s.forget(o, i)
	}
	s.forget(by, i)
}

func (s *storm) forget(id SourceID, i int) {
	s.queues[id] = slices.DeleteFunc(s.queues[id], func(o int) bool { return o == i })
}

// happens lets one thing happen at one source other than the honest one.
func (s *storm) happens() {
	if s.last < 10 && s.r.IntN(3) == 0 {
		s.last++
		s.p.AddSource(s.last)
	}
	if s.last == 0 {
		return
	}
	id := 1 + SourceID(s.r.IntN(int(s.last)))
	first := s.r.IntN(s.leaves)
	count := 1 + s.r.IntN(s.leaves-first)
	queue := s.queues[id]
	switch s.r.IntN(16) {
	case 0:
		s.p.SourceHasAll(id)
	case 1:
		s.p.SourceHasNone(id)
	case 2:
		s.p.SourceHas(id, first, count)
	case 3:
		s.lost(id, s.p.SourceLost(id, first, count))
	case 4:
		s.lost(id, s.p.RemoveSource(id))
		s.p.AddSource(id)
	case 5:
		s.lost(id, s.p.Stalled(id))
	case 6:
		s.p.SetRate(id, float64(s.r.IntN(1<<24)))
	case 7:
		s.p.Hurry(first, min(count, 10), s.now.Add(time.Second))
	case 8:
		if err := s.p.SourceBits(id, first&^7, []byte{byte(s.r.Uint32()) & s.mask(first&^7)}); err != nil {
			s.t.Fatal(err)
		}
	case 9, 10:
		if len(queue) > 0 {
			s.have(queue[len(queue)-1], id)
		}
	case 11:
		s.fails(id, queue)
	case 12:
		s.p.SetRate(0, float64(s.r.IntN(1<<24)))
	case 13:
		if i := s.r.IntN(s.leaves); s.p.Holds(i) && s.r.IntN(8) == 0 {
			s.p.Lost(i)
		}
	default:
		s.pick(id)
	}
}

// mask is the bits of a byte at leaf first that are leaves.
func (s *storm) mask(first int) byte {
	if over := first + 8 - s.leaves; over > 0 {
		return 0xff << over
	}
	return 0xff
}

func (s *storm) lost(id SourceID, leaves []int) {
	for _, i := range leaves {
		if !slices.Contains(s.queues[id], i) {
			s.t.Fatalf("source %d lost leaf %d, which was not asked of it", id, i)
		}
		s.forget(id, i)
	}
}

func (s *storm) fails(id SourceID, queue []int) {
	if len(queue) == 0 {
		return
	}
	i := queue[0]
	s.forget(id, i)
	switch s.r.IntN(3) {
	case 0:
		s.p.Failed(id, i)
	case 1:
		s.p.Rejected(id, i)
	case 2:
		s.p.Returned(id, i)
		return
	}
	for _, c := range s.p.Pick(nil, id, lots, s.now) {
		if c.Leaf == i {
			s.t.Fatalf("leaf %d is asked of source %d again", i, id)
		}
		if c.From != NoSource {
			s.forget(c.From, c.Leaf)
		}
	}
	s.p.Stalled(id)
	s.queues[id] = nil
}

// Two pickers with one seed and the same events pick the same.
func TestSeedReplays(t *testing.T) {
	run := func() (picked []Choice) {
		p := newTest(t, 300, 1<<16, 5)
		for id := range SourceID(7) {
			p.AddSource(id)
			p.SourceHas(id, 0, 100+20*int(id))
		}
		p.SourceHasNone(3)
		for n := 0; !p.Done(); n++ {
			choices := p.Pick(nil, SourceID(n%7), Budget{Bytes: 1 << 18, Leaves: 10}, start)
			picked = append(picked, choices...)
			haveAll(p, choices, SourceID(n%7), start)
		}
		return picked
	}
	if !slices.Equal(run(), run()) {
		t.Error("two runs differ")
	}
}

// benchSwarm is a root of a million leaves and a hundred sources, of which a share have a share of it.
func benchSwarm(b *testing.B, partialSources int) *Picker {
	p := newTest(b, 1<<20, 1<<20, 1)
	r := rand.New(rand.NewPCG(2, 0))
	for id := range SourceID(100) {
		p.AddSource(id)
		if int(id) >= partialSources {
			p.SourceHasAll(id)
			continue
		}
		bits := make([]byte, 1<<17)
		for i := range bits {
			bits[i] = byte(r.Uint32() & r.Uint32())
		}
		if err := p.SourceBits(id, 0, bits); err != nil {
			b.Fatal(err)
		}
	}
	return p
}

func BenchmarkPick(b *testing.B) {
	for _, partialSources := range []int{0, 50, 100} {
		b.Run(fmt.Sprintf("partial=%d", partialSources), func(b *testing.B) {
			p := benchSwarm(b, partialSources)
			var choices []Choice
			picks := 0
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; b.Loop(); n++ {
				id := SourceID(n % 100)
				choices = p.Pick(choices[:0], id, Budget{Bytes: 16 << 20, Leaves: 16}, start)
				haveAll(p, choices, id, start)
				picks += len(choices)
				if p.Done() {
					b.StopTimer()
					p = benchSwarm(b, partialSources)
					b.StartTimer()
				}
			}
			b.ReportMetric(float64(picks)/b.Elapsed().Seconds(), "picks/s")
		})
	}
}

// A source that has only what everybody has, among a million leaves that are rarer.
func BenchmarkPickOfAPoorSource(b *testing.B) {
	p := benchSwarm(b, 100)
	p.AddSource(100)
	p.SourceHasNone(100)
	p.SourceHas(100, 500_000, 10)
	for id := range SourceID(100) {
		p.SourceHas(id, 500_000, 10)
	}
	for b.Loop() {
		for _, c := range p.Pick(nil, 100, Budget{Bytes: 1 << 20, Leaves: 1}, start) {
			p.Returned(100, c.Leaf)
		}
	}
}

func BenchmarkBits(b *testing.B) {
	p := benchSwarm(b, 10)
	bits := make([]byte, 1<<17)
	for n := range bits {
		bits[n] = 0xaa
	}
	for b.Loop() {
		p.AddSource(200)
		if err := p.SourceBits(200, 0, bits); err != nil {
			b.Fatal(err)
		}
		p.RemoveSource(200)
	}
}
