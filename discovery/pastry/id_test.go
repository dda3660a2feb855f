package pastry

import (
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// key returns the key that begins with these digits of 4 bits.
func key(digits string) (k overlay.Key) {
	b, err := hex.DecodeString(digits + strings.Repeat("0", 2*len(k)-len(digits)))
	if err != nil {
		panic(err)
	}
	copy(k[:], b)
	return k
}

func ref(digits string) overlay.Ref {
	k := key(digits)
	return overlay.Ref{ID: k, Handle: overlay.Handle(1 + uint32(k[0])<<16 + uint32(k[1])<<8 + uint32(k[2]))}
}

func TestDigits(t *testing.T) {
	for _, c := range []struct {
		a, b            string
		bits, row, next int
	}{
		{"10233033", "10233102", 4, 5, 0}, // the ids of Pastry, figure 1, which has b = 2
		{"1f", "2f", 4, 0, 1}, {"1f", "1e", 4, 1, 15}, {"1f", "2f", 2, 1, 1}, {"1f", "2f", 1, 2, 0},
		{"0000000000000000" + "a", "0000000000000000" + "b", 4, 16, 10},
	} {
		row, col := slot(idOf(key(c.b)), key(c.a), c.bits)
		if row != c.row || col != c.next {
			t.Errorf("%s at %s, b = %d: row %d, column %d", c.a, c.b, c.bits, row, col)
		}
	}
}

// Distances and their order are those of big integers.
func TestDistance(t *testing.T) {
	r, ring := source(1), new(big.Int).Lsh(big.NewInt(1), idBits)
	number := func(k overlay.Key) *big.Int { return new(big.Int).SetBytes(k[:idBits/8]) }
	far := func(a, b overlay.Key) *big.Int {
		d := new(big.Int).Sub(number(a), number(b))
		d.Mod(d, ring)
		if other := new(big.Int).Sub(ring, d); other.Cmp(d) < 0 {
			return other
		}
		return d
	}
	for range 1000 {
		a, b, c := randomKey(r), randomKey(r), randomKey(r)
		if r.IntN(2) == 0 {
			copy(b[:12], a[:]) // near each other, across the boundary of the words
		}
		d := idOf(a).distance(idOf(b))
		got := new(big.Int).Add(new(big.Int).Lsh(new(big.Int).SetUint64(d.hi), 64), new(big.Int).SetUint64(d.lo))
		if want := far(a, b); got.Cmp(want) != 0 {
			t.Fatalf("%v to %v: %x, want %x", a, b, got, want)
		}
		if got, want := closer(idOf(c), idOf(a), idOf(b)), far(c, a).Cmp(far(c, b)) < 0; got != want {
			t.Fatalf("%v closer to %v than %v: %v", a, c, b, got)
		}
	}
	if a, b := idOf(key("10")), idOf(key("30")); !closer(idOf(key("20")), a, b) || closer(idOf(key("20")), b, a) {
		t.Error("of two that are equally far the smaller is not the closer")
	}
}

// A leaf set holds the nearest of each half of the ring, in whatever order they come and go.
func TestLeafSetHoldsTheNearest(t *testing.T) {
	for seed := range uint64(50) {
		r := source(seed)
		self, half := idOf(randomKey(r)), 4+r.IntN(9)
		var l leafSet
		var all []overlay.Ref
		for i := range 1 + r.IntN(60) {
			x := overlay.Ref{ID: randomKey(r), Handle: overlay.Handle(i + 1)}
			all = append(all, x)
			l.put(self, entry{node: x}, half)
			l.put(self, entry{node: x}, half) // again changes nothing
		}
		byDistance(self, all)
		var want [2][]overlay.Ref
		for _, x := range all {
			if s, _ := side(self, idOf(x.ID)); len(want[s]) < half {
				want[s] = append(want[s], x)
			}
		}
		if !slices.Equal(refs(l.after), want[after]) || !slices.Equal(refs(l.before), want[before]) {
			t.Fatalf("seed %d: %v and %v, want %v", seed, l.after, l.before, want)
		}
		for i := range l.len() {
			if x := l.at(i).node; !l.covers(self, idOf(x.ID)) {
				t.Fatalf("seed %d: %v is not covered", seed, x)
			}
		}
		x := all[0]
		if _, ok := l.drop(self, x); !ok {
			t.Fatalf("seed %d: the nearest is not there", seed)
		}
	}
}

// A key is covered between the last leaves of both sides, and only there.
func TestLeafSetCovers(t *testing.T) {
	self := idOf(key("80"))
	var l leafSet
	if l.covers(self, idOf(key("81"))) || !l.covers(self, self) {
		t.Error("a leaf set of nobody covers others")
	}
	for _, x := range []string{"70", "78", "88", "90"} {
		l.put(self, entry{node: ref(x)}, 2)
	}
	for k, want := range map[string]bool{"70": true, "6fff": false, "7f": true, "80": true, "8fff": true, "90": true, "9001": false, "00": false} {
		if l.covers(self, idOf(key(k))) != want {
			t.Errorf("%s is covered: %v", k, !want)
		}
	}
}
