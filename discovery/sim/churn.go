package sim

import (
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// Churn is how often peers come and go: so many a second on average, independently (Poisson processes).
type Churn struct {
	Joins   float64 // through a random live peer
	Leaves  float64 // of a random live peer, with a goodbye
	Crashes float64 // of a random live peer, without
}

// SetChurn has peers come and go from now on. The zero Churn ends it. The last peer stays.
func (s *Sim) SetChurn(c Churn) {
	s.churn = c
	s.churnFrom++
	for _, what := range []happening{peerComes, peerLeaves, peerCrashes} {
		s.next(what)
	}
}

// next queues the next of a kind of turn, by its rate.
func (s *Sim) next(what happening) {
	rate := map[happening]float64{peerComes: s.churn.Joins, peerLeaves: s.churn.Leaves, peerCrashes: s.churn.Crashes}[what]
	if rate > 0 {
		after := time.Duration(s.fate.ExpFloat64() / rate * float64(time.Second))
		s.queue.push(event{at: s.now.Add(after), what: what, a: s.churnFrom})
	}
}

func (s *Sim) turn(e event) {
	if e.a != s.churnFrom {
		return
	}
	s.next(e.what)
	switch {
	case e.what == peerComes:
		s.Join()
	case len(s.live) < 2:
	case e.what == peerLeaves:
		s.Leave(s.Random())
	default:
		s.Crash(s.Random())
	}
}

// Record returns a record of a peer that expires after life, signed so that nobody else could have made it.
func (s *Sim) Record(publisher int, key overlay.Key, kind overlay.RecordKind, life time.Duration, payload []byte) *overlay.Record {
	s.written++
	r := &overlay.Record{
		Key: key, Kind: kind, Publisher: s.peerID(publisher), Sequence: s.written,
		Expiry: overlay.Time(time.Duration(s.now.Add(life)).Truncate(time.Millisecond)), Payload: payload,
	}
	r.Signature = s.sign(r)
	return r
}
