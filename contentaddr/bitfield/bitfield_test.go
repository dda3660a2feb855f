package bitfield

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestBytes(t *testing.T) {
	b := New(13)
	b.Set(0)
	b.Set(7)
	b.Set(12)
	if got := b.Bytes(); !slices.Equal(got, []byte{0x81, 0x08}) {
		t.Errorf("bytes %x", got)
	}
	c, err := FromBytes([]byte{0x81, 0x08}, 13)
	if err != nil || !slices.Equal(slices.Collect(c.All()), []int{0, 7, 12}) || c.Count() != 3 {
		t.Errorf("read back %v, %v", c, err)
	}
	for _, tc := range []struct {
		name string
		p    []byte
		n    int
	}{
		{"short", []byte{0}, 13},
		{"long", []byte{0, 0, 0}, 13},
		{"a bit too many", []byte{0, 4}, 13},
		{"negative", nil, -1},
	} {
		if _, err := FromBytes(tc.p, tc.n); err == nil {
			t.Errorf("%s: no error", tc.name)
		}
	}
}

func TestPutBytes(t *testing.T) {
	for _, tc := range []struct {
		name  string
		first int
		p     []byte
		want  []int // nil: refused
	}{
		{"replaces", 8, []byte{0x18}, []int{0, 1, 2, 3, 4, 5, 6, 7, 11, 12}},
		{"nothing", 8, nil, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
		{"not a byte's first bit", 4, []byte{0}, nil},
		{"negative", -8, []byte{0}, nil},
		{"too long", 8, []byte{0, 0}, nil},
		{"beyond", 1 << 40, []byte{0}, nil},
		{"a bit too many", 8, []byte{0x04}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := Full(13)
			err := b.PutBytes(tc.first, tc.p)
			if (err == nil) != (tc.want != nil) {
				t.Fatal(err)
			}
			if tc.want == nil {
				tc.want = slices.Collect(Full(13).All())
			}
			if got := slices.Collect(b.All()); !slices.Equal(got, tc.want) || b.Count() != len(tc.want) {
				t.Errorf("bits %v, count %d", got, b.Count())
			}
		})
	}
}

func TestOutsideTheLength(t *testing.T) {
	b := Full(13)
	if b.Has(-1) || b.Has(13) {
		t.Error("has bits outside")
	}
	for name, f := range map[string]func(){
		"set":         func() { b.Set(13) },
		"clear":       func() { b.Clear(-1) },
		"range":       func() { b.SetRange(10, 4) },
		"huge range":  func() { b.ClearRange(1, 1<<62) },
		"count below": func() { b.SetRange(1, -1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// A bitfield is a set of numbers: whatever is done to it, it equals one.
func TestIsASet(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for _, n := range []int{0, 1, 7, 8, 9, 63, 64, 65, 200, 1000} {
		b, model := New(n), make([]bool, n)
		for range 300 {
			b, model = change(r, b, model)
			compare(t, r, b, model)
		}
	}
}

func change(r *rand.Rand, b *Bitfield, model []bool) (*Bitfield, []bool) {
	if r.IntN(20) == 0 {
		n := len(model) + r.IntN(20)
		b.Grow(n)
		model = append(model, make([]bool, n-len(model))...)
	}
	if len(model) == 0 {
		return b, model
	}
	first := r.IntN(len(model))
	count := 1
	if r.IntN(2) == 0 {
		count = r.IntN(len(model) - first + 1)
	}
	value := r.IntN(2) == 0
	switch {
	case count == 1 && value:
		b.Set(first)
	case count == 1:
		b.Clear(first)
	case value:
		b.SetRange(first, count)
	default:
		b.ClearRange(first, count)
	}
	for i := first; i < first+count; i++ {
		model[i] = value
	}
	return b.Clone(), model
}

func compare(t *testing.T, r *rand.Rand, b *Bitfield, model []bool) {
	t.Helper()
	var set []int
	for i, has := range model {
		if b.Has(i) != has {
			t.Fatalf("bit %d: %v", i, b.Has(i))
		}
		if has {
			set = append(set, i)
		}
	}
	if got := slices.Collect(b.All()); !slices.Equal(got, set) || b.Count() != len(set) || b.Len() != len(model) {
		t.Fatalf("bits %v, count %d, want %v", got, b.Count(), set)
	}
	rebuilt := New(len(model))
	for first, count := range b.Ranges() {
		rebuilt.SetRange(first, count)
	}
	if !slices.Equal(rebuilt.Bytes(), b.Bytes()) {
		t.Fatalf("ranges make %x of %x", rebuilt.Bytes(), b.Bytes())
	}
	for first, count := range b.Gaps() {
		rebuilt.SetRange(first, count)
	}
	if !rebuilt.Full() {
		t.Fatalf("ranges and gaps leave %d of %d", rebuilt.Count(), rebuilt.Len())
	}
	other := New(len(model) + 5)
	for i := range other.Len() {
		if r.IntN(3) == 0 {
			other.Set(i)
		}
	}
	var common, want []int
	for i := b.NextCommon(other, 0); i >= 0; i = b.NextCommon(other, i+1) {
		common = append(common, i)
	}
	for _, i := range set {
		if other.Has(i) {
			want = append(want, i)
		}
	}
	if !slices.Equal(common, want) {
		t.Fatalf("common bits %v, want %v", common, want)
	}
}

func BenchmarkRanges(b *testing.B) {
	bits := New(1 << 20)
	for i := 0; i < bits.Len(); i += 1000 {
		bits.SetRange(i, 100)
	}
	for b.Loop() {
		for range bits.Ranges() {
		}
	}
}
