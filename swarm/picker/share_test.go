package picker

import (
	"math/rand/v2"
	"testing"
)

// What a source is known to have, as it says more and takes it back.
func TestShare(t *testing.T) {
	p := New(Config{Leaves: 16, Size: func(int) uint32 { return 1 }, Rand: rand.New(rand.NewPCG(1, 0))})
	p.AddSource(1)
	for _, step := range []struct {
		what   string
		do     func()
		leaves int
		known  bool
	}{
		{"nothing said", func() {}, 0, false},
		{"some, of an unknown source", func() { p.SourceHas(1, 3, 2) }, 2, true},
		{"none", func() { p.SourceHasNone(1) }, 0, true},
		{"bits", func() { _ = p.SourceBits(1, 8, []byte{0xf0}) }, 4, true},
		{"lost", func() { p.SourceLost(1, 8, 1) }, 3, true},
		{"all", func() { p.SourceHasAll(1) }, 16, true},
		{"gone", func() { p.RemoveSource(1) }, 0, false},
	} {
		step.do()
		if leaves, known := p.Share(1); leaves != step.leaves || known != step.known {
			t.Errorf("%s: %d, %t, not %d, %t", step.what, leaves, known, step.leaves, step.known)
		}
	}
}
