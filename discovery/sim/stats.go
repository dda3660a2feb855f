package sim

import (
	"math/bits"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// Stats is what has happened so far. Messages are counted when they are sent, whether or not they arrive. What a machine
// does because of an operation, or of a message that came of one, is the operation's; the rest is maintenance. Bytes are
// those of the codec, as the live driver counts them: a frame there adds 4 to 9 to each message.
type Stats struct {
	Steps       uint64                       // events that machines were told of
	Calls       [overlay.Publish + 1]Traffic // by what the operation was
	Maintenance Traffic
	Probes      uint64 // there or back
	Rejected    uint64 // messages that were too long, or with Check malformed, or with a record that was forged
	Why         error  // the first one of these was
}

// Traffic is what was sent.
type Traffic struct{ Messages, Bytes uint64 }

// Lookups returns what routes and finds have cost.
func (s Stats) Lookups() Traffic {
	a, b := s.Calls[overlay.Route], s.Calls[overlay.Find]
	return Traffic{a.Messages + b.Messages, a.Bytes + b.Bytes}
}

// Stats returns what has happened so far.
func (s *Sim) Stats() Stats { return s.stats }

func (s *Stats) count(l *letter) {
	if l.msg == nil {
		s.Probes++
		return
	}
	t := &s.Maintenance
	if l.cause != 0 {
		t = &s.Calls[l.cause&(1<<opKindBits-1)]
	}
	t.Messages++
	t.Bytes += uint64(l.size)
}

func (s *Sim) reject(why error) {
	s.stats.Rejected++
	if s.stats.Why == nil {
		s.stats.Why = why
	}
}

// Hash returns a hash of the trace: of what every machine was told, when, and from whom. Two runs with the same hash were
// the same.
func (s *Sim) Hash() uint64 { return s.hash }

func (s *Sim) trace(n uint32, d delivery) {
	for _, word := range [...]uint64{uint64(s.now), uint64(d.from)<<32 | uint64(n), uint64(d.what)<<40 | uint64(d.kind)<<32 | uint64(d.size)} {
		hi, lo := bits.Mul64(s.hash^word^0x9e3779b97f4a7c15, 0xd1342543de82ef95)
		s.hash = hi ^ lo
	}
}
