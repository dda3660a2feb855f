// Package picker decides which leaf of one root to ask for next, and of which source.
//
// The rules, first to last: leaves that a reader waits for; then, while no source lacks anything, runs
// of neighbours, because disks at both ends like them; else the first four leaves at random, to have
// something to trade, then the rarest first with ties at random (Legout et al., Rarest First and Choke
// Algorithms Are Enough, IMC 2006). When nothing is left to ask for, a much faster source takes over
// what a slow one has been asked for, and at the very end a leaf may be asked of two sources.
//
// It is pure: no clock, no goroutine, no randomness but the one given. A seed replays any run. It is not
// safe for concurrent use; the session's loop owns it.
//
// Start reading at pick.go.
package picker

import (
	"math/rand/v2"
	"time"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
)

// A SourceID names a source. It is the caller's choice and not negative.
type SourceID int

// NoSource is no source.
const NoSource SourceID = -1

// Config says what a picker works on.
type Config struct {
	Leaves int                // at most 1<<31 - 1
	Size   func(i int) uint32 // bytes of leaf i
	Have   *bitfield.Bitfield // leaves held already; nil: none. Copied
	Want   *bitfield.Bitfield // leaves to fetch; nil: all. Copied
	Rand   *rand.Rand
	Key    uint64 // ours in the agreement of our LAN; see SetNear
}

// A Picker knows what is wanted, who has it and what was asked of whom. The zero value is of no use; see
// New.
type Picker struct {
	size func(i int) uint32
	rand *rand.Rand

	have   *bitfield.Bitfield
	want   *bitfield.Bitfield // the scope
	free   *bitfield.Bitfield // in scope, not held, asked of nobody
	rarity rarity             // the free leaves by availability

	missing      int    // leaves in scope and not held
	missingBytes uint64 // of these
	scope        uint64 // bytes of all leaves in scope
	repeated     uint64 // bytes asked of a second source because it would be sooner

	sources map[SourceID]*source
	order   []*source // as they were added: maps have no order, and runs must repeat
	partial int       // sources that are known to lack leaves
	freed   uint64    // counts leaves that became free; see source.dry

	requests  requests
	deadlines []deadline
	lan       lan
}

// New returns a picker without sources. It takes time and memory in proportion to the leaves: about 12
// bytes each.
func New(c Config) *Picker {
	p := &Picker{
		size:     c.Size,
		rand:     c.Rand,
		have:     bitfield.New(c.Leaves),
		want:     bitfield.New(c.Leaves),
		free:     bitfield.New(c.Leaves),
		rarity:   newRarity(c.Leaves),
		sources:  make(map[SourceID]*source),
		requests: newRequests(),
		lan:      lan{key: c.Key},
	}
	if c.Have != nil {
		p.have = c.Have.Clone()
		p.have.Grow(c.Leaves)
	}
	if c.Want == nil {
		p.Want(0, c.Leaves)
		return p
	}
	for first, count := range c.Want.Ranges() {
		p.Want(first, count)
	}
	return p
}

// Want adds leaves to what is to be fetched.
func (p *Picker) Want(first, count int) {
	for i := first; i < first+count; i++ {
		if !p.want.Set(i) {
			continue
		}
		p.scope += uint64(p.size(i))
		if !p.have.Has(i) {
			p.missing++
			p.missingBytes += uint64(p.size(i))
			p.release(i)
		}
	}
}

// Unwant takes leaves out of what is to be fetched. Requests for them stay.
func (p *Picker) Unwant(first, count int) {
	for i := first; i < first+count; i++ {
		if !p.want.Clear(i) {
			continue
		}
		p.scope -= uint64(p.size(i))
		if !p.have.Has(i) {
			p.missing--
			p.missingBytes -= uint64(p.size(i))
			p.claim(i)
		}
	}
}

// Done tells whether everything in scope is held.
func (p *Picker) Done() bool { return p.missing == 0 }

// Missing returns what is in scope and not held yet.
func (p *Picker) Missing() (leaves int, bytes uint64) { return p.missing, p.missingBytes }

// Held returns the leaves held. They are the picker's own, not to be changed.
func (p *Picker) Held() *bitfield.Bitfield { return p.have }

// Holds tells whether leaf i is held.
func (p *Picker) Holds(i int) bool { return p.have.Has(i) }

// release makes leaf i free, if it is wanted and nobody is asked for it.
func (p *Picker) release(i int) {
	if p.want.Has(i) && !p.have.Has(i) && p.requests.copies(i) == 0 && p.free.Set(i) {
		p.rarity.add(i)
		p.freed++
	}
}

// claim makes leaf i not free.
func (p *Picker) claim(i int) {
	if p.free.Clear(i) {
		p.rarity.remove(i)
	}
}

// Have says that leaf i, which came from a source, has been verified at now; by is NoSource if it came
// otherwise. It returns the other sources that were asked for it: cancel there.
func (p *Picker) Have(i int, by SourceID, now time.Time) (cancel []SourceID) {
	if s := p.sources[by]; s != nil {
		s.delivered(now)
		if s.near {
			p.lan.moved = now
		}
	}
	for r := p.requests.of(i); r != nil; r = p.requests.of(i) {
		if r.source.id != by {
			cancel = append(cancel, r.source.id)
		}
		p.requests.remove(r)
	}
	p.claim(i)
	if p.have.Set(i) && p.want.Has(i) {
		p.missing--
		p.missingBytes -= uint64(p.size(i))
	}
	return cancel
}

// Lost says that leaf i, held until now, is held no more. It is fetched again if it is wanted.
func (p *Picker) Lost(i int) {
	if p.have.Clear(i) && p.want.Has(i) {
		p.missing++
		p.missingBytes += uint64(p.size(i))
		p.release(i)
	}
}
