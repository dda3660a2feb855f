package picker

import (
	"math/rand/v2"
	"testing"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
)

func TestSole(t *testing.T) {
	held := bitfield.New(16)
	held.SetRange(0, 4)
	for _, c := range []struct {
		name string
		set  func(p *Picker)
		want bool // of source 1
	}{
		{"a lone seed", func(p *Picker) { p.SourceHasAll(1); p.RemoveSource(2) }, true},
		{"one of two seeds", func(p *Picker) { p.SourceHasAll(1); p.SourceHasAll(2) }, false},
		{"a seed beside what has the rest", func(p *Picker) { p.SourceHasAll(1); p.SourceHasNone(2); p.SourceHas(2, 4, 12) }, false},
		{"a seed beside what lacks one", func(p *Picker) { p.SourceHasAll(1); p.SourceHasNone(2); p.SourceHas(2, 5, 11) }, true},
		{"has one that nobody has", func(p *Picker) { p.SourceHasNone(1); p.SourceHas(1, 4, 1); p.SourceHasNone(2) }, true},
		{"has one that another has", func(p *Picker) { p.SourceHasNone(1); p.SourceHas(1, 4, 1); p.SourceHasNone(2); p.SourceHas(2, 4, 1) }, false},
		{"has one that a seed has", func(p *Picker) { p.SourceHasNone(1); p.SourceHas(1, 4, 1); p.SourceHasAll(2) }, false},
		{"has what is held", func(p *Picker) { p.SourceHasNone(1); p.SourceHas(1, 0, 4) }, false},
		{"has nothing", func(p *Picker) { p.SourceHasNone(1) }, false},
		{"nobody knows what the other has", func(p *Picker) { p.SourceHasNone(1); p.SourceHas(1, 4, 1) }, true},
		{"the other said that it has it", func(p *Picker) { p.SourceHasNone(1); p.SourceHas(1, 4, 1); p.SourceHas(2, 4, 1) }, false},
		{"is not there", func(p *Picker) { p.RemoveSource(1) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := New(Config{Leaves: 16, Size: func(int) uint32 { return 1 }, Have: held, Rand: rand.New(rand.NewPCG(1, 1))})
			p.AddSource(1)
			p.AddSource(2)
			c.set(p)
			if got := p.Sole(1); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
}
