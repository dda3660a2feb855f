package overlay

import (
	"cmp"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/fault"
)

// Bounds of a Shelf.
const (
	MaxProviders    = 64      // records of providers under one key
	MaxWriters      = 8       // values under one key
	MaxPerPublisher = 1 << 14 // records of one publisher on one shelf
	MaxRecords      = 1 << 18 // on one shelf
)

// A Shelf keeps records in memory until they expire. Whoever comes first keeps their place, so that late comers, however
// many, cannot push out those who are there. The zero Shelf is empty.
type Shelf struct {
	records map[Key][]*Record
	of      map[peer.ID]int
	count   int
}

// What Put may refuse.
var (
	ErrExpired  = fault.New(fault.Refused, "the record has expired")
	ErrTooLong  = fault.New(fault.Refused, "the record lives longer than %v", MaxLifetime)
	ErrOld      = fault.New(fault.Refused, "a newer record is here")
	ErrCrowded  = fault.New(fault.Refused, "enough others have records under this key")
	ErrTooMany  = fault.New(fault.Refused, "the publisher has enough records here")
	ErrNoRoom   = fault.New(fault.Refused, "enough records are here")
	errNotValid = fault.New(fault.Refused, "no record")
)

// Put keeps a record whose signature was checked. Keeping one again that is there is no error.
func (s *Shelf) Put(now Time, r *Record) error {
	switch {
	case r == nil:
		return errNotValid
	case r.Expiry <= now:
		return ErrExpired
	case r.Expiry.Sub(now) > MaxLifetime:
		return ErrTooLong
	}
	if s.records == nil {
		s.records, s.of = make(map[Key][]*Record), make(map[peer.ID]int)
	}
	here := s.live(now, r.Key)
	for i, h := range here {
		if !h.same(r) {
			continue
		}
		if h.Sequence > r.Sequence {
			return ErrOld
		}
		here[i] = r
		return nil
	}
	if err := s.room(here, r); err != nil {
		return err
	}
	s.records[r.Key] = append(here, r)
	s.of[r.Publisher]++
	s.count++
	return nil
}

func (s *Shelf) room(here []*Record, r *Record) error {
	bound := MaxProviders
	if r.Kind == Value {
		bound = MaxWriters
	}
	for _, h := range here {
		if h.Kind == r.Kind {
			bound--
		}
	}
	switch {
	case bound <= 0:
		return ErrCrowded
	case s.of[r.Publisher] >= MaxPerPublisher:
		return ErrTooMany
	case s.count >= MaxRecords:
		return ErrNoRoom
	}
	return nil
}

// Has reports whether there is r, or what its publisher said of the same more lately.
func (s *Shelf) Has(r *Record) bool {
	return slices.ContainsFunc(s.records[r.Key], func(h *Record) bool { return h.same(r) && h.Sequence >= r.Sequence })
}

// Keeps reports whether there are records under key; some may have expired.
func (s *Shelf) Keeps(key Key) bool { return len(s.records[key]) > 0 }

// Get returns the records under key that have not expired, in the order in which they came. They are the caller's.
func (s *Shelf) Get(now Time, key Key) []*Record { return slices.Clone(s.live(now, key)) }

// live drops what has expired under key and returns the rest.
func (s *Shelf) live(now Time, key Key) []*Record {
	here := s.records[key]
	if !slices.ContainsFunc(here, func(r *Record) bool { return r.Expiry <= now }) {
		return here
	}
	kept := here[:0:0]
	for _, r := range here {
		if r.Expiry > now {
			kept = append(kept, r)
		} else {
			s.uncount(r)
		}
	}
	s.set(key, kept)
	return kept
}

func (s *Shelf) set(key Key, records []*Record) {
	if len(records) == 0 {
		delete(s.records, key)
	} else {
		s.records[key] = records
	}
}

func (s *Shelf) uncount(r *Record) {
	s.count--
	if s.of[r.Publisher]--; s.of[r.Publisher] == 0 {
		delete(s.of, r.Publisher)
	}
}

// Drop forgets all records under key.
func (s *Shelf) Drop(key Key) {
	for _, r := range s.records[key] {
		s.uncount(r)
	}
	delete(s.records, key)
}

// Expire forgets what has expired.
func (s *Shelf) Expire(now Time) {
	for key := range s.records {
		s.live(now, key)
	}
}

// Keys returns the keys under which there are records, in order; some may have expired.
func (s *Shelf) Keys() []Key {
	keys := make([]Key, 0, len(s.records))
	for key := range s.records {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Compare(a.Compare(b), 0) })
	return keys
}

// Len returns the number of keys and of records.
func (s *Shelf) Len() (keys, records int) { return len(s.records), s.count }

// recordBytes is about what a record takes beside its payload and signature: the struct, its place in two maps.
const recordBytes = 200

// Bytes returns about how much memory the shelf takes.
func (s *Shelf) Bytes() int { return s.count * (recordBytes + 64) }
