package picker

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
)

// start is when the tests' clock starts; any moment would do.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// lots is a budget that never ends a pick.
var lots = Budget{Bytes: 1 << 40, Leaves: 1 << 20}

func sized(size uint32) func(int) uint32 { return func(int) uint32 { return size } }

func newTest(t testing.TB, leaves int, size uint32, seed uint64) *Picker {
	t.Helper()
	return New(Config{Leaves: leaves, Size: sized(size), Rand: rand.New(rand.NewPCG(seed, 0))})
}

func leavesOf(choices []Choice) []int {
	var leaves []int
	for _, c := range choices {
		leaves = append(leaves, c.Leaf)
	}
	return leaves
}

func haveAll(p *Picker, choices []Choice, by SourceID, now time.Time) {
	for _, c := range choices {
		p.Have(c.Leaf, by, now)
	}
}

// check fails the test if p contradicts itself.
func check(t testing.TB, p *Picker) {
	t.Helper()
	checkRarity(t, p)
	checkRequests(t, p)
	missing, bytes := 0, uint64(0)
	for i := range p.want.Len() {
		held, asked := p.have.Has(i), p.requests.copies(i)
		if free := p.want.Has(i) && !held && asked == 0; free != p.free.Has(i) {
			t.Fatalf("leaf %d: free %v, but want %v, have %v, asked %d times",
				i, p.free.Has(i), p.want.Has(i), held, asked)
		}
		if held && asked > 0 {
			t.Fatalf("leaf %d is held and asked for", i)
		}
		if p.want.Has(i) && !held {
			missing++
			bytes += uint64(p.size(i))
		}
	}
	if n, b := p.Missing(); n != missing || b != bytes {
		t.Fatalf("missing %d leaves of %d bytes, counted %d of %d", n, b, missing, bytes)
	}
}

func checkRarity(t testing.TB, p *Picker) {
	t.Helper()
	r := &p.rarity
	if len(r.order) != p.free.Count() || int(r.end[len(r.end)-1]) != len(r.order) {
		t.Fatalf("%d leaves in order, %d free, buckets end %v", len(r.order), p.free.Count(), r.end)
	}
	for a := range r.end {
		for _, i := range r.bucket(a) {
			if int(r.avail[i]) != a || !p.free.Has(int(i)) {
				t.Fatalf("leaf %d: availability %d in bucket %d", i, r.avail[i], a)
			}
		}
	}
	for k, i := range r.order {
		if int(r.place[i]) != k {
			t.Fatalf("leaf %d stands at %d, not %d", i, k, r.place[i])
		}
	}
	lacking := 0
	counted := make([]uint16, p.want.Len())
	for _, s := range p.order {
		bits := s.counted
		if s.kind == partial {
			lacking++
			bits = s.can
		}
		if bits != nil {
			for i := range bits.All() {
				counted[i]++
			}
		}
	}
	if lacking != p.partial || !slices.Equal(counted, r.avail) {
		t.Fatalf("%d partial sources, counted %d; availability %v, counted %v", p.partial, lacking, r.avail, counted)
	}
}

func checkRequests(t testing.TB, p *Picker) {
	t.Helper()
	asked := make(map[int]int)
	for _, s := range p.order {
		leaves, bytes := 0, 0
		for r := s.oldest; r != nil; r = r.next {
			leaves++
			bytes += int(r.size)
			asked[r.leaf]++
			if r.source != s || p.requests.at(s, r.leaf) != r {
				t.Fatalf("leaf %d of source %d is not found", r.leaf, s.id)
			}
		}
		if leaves != s.leaves || bytes != s.bytes {
			t.Fatalf("source %d: %d leaves, %d bytes asked; counted %d, %d", s.id, s.leaves, s.bytes, leaves, bytes)
		}
	}
	if len(asked) != len(p.requests.byLeaf) {
		t.Fatalf("%d leaves asked for, %d known", len(asked), len(p.requests.byLeaf))
	}
	for i, n := range asked {
		if n > maxCopies || n != p.requests.copies(i) {
			t.Fatalf("leaf %d is asked for %d times, counted %d", i, n, p.requests.copies(i))
		}
	}
}

func bitsOf(n int, leaves ...int) []byte {
	b := bitfield.New(n)
	for _, i := range leaves {
		b.Set(i)
	}
	return b.Bytes()
}
