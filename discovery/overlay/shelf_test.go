package overlay

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

const hour = Time(time.Hour)

func record(publisher string, key string, kind RecordKind, sequence uint64, expiry Time) *Record {
	return &Record{Key: NameKey(key), Kind: kind, Publisher: peer.ID(publisher), Sequence: sequence, Expiry: expiry}
}

func TestShelfPut(t *testing.T) {
	var s Shelf
	for _, c := range []struct {
		now  Time
		r    *Record
		want error
	}{
		{0, record("a", "k", Provider, 2, hour), nil},
		{0, record("a", "k", Provider, 2, hour), nil}, // again
		{0, record("a", "k", Provider, 1, 2*hour), ErrOld},
		{0, record("a", "k", Provider, 3, 2*hour), nil},
		{0, record("a", "k", Value, 1, hour), nil}, // another kind
		{0, record("b", "k", Provider, 1, hour), nil},
		{hour, record("c", "k", Provider, 1, hour), ErrExpired},
		{0, record("c", "k", Provider, 1, 49*hour), ErrTooLong},
		{0, nil, errNotValid},
	} {
		if err := s.Put(c.now, c.r); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("put %+v: %v, want %v", c.r, err, c.want)
		}
	}
	if keys, records := s.Len(); keys != 1 || records != 3 {
		t.Errorf("%d keys, %d records", keys, records)
	}
	for sequence, want := range []bool{true, true, true, true, false} { // 3 is here
		if r := record("a", "k", Provider, uint64(sequence), hour); s.Has(r) != want {
			t.Errorf("has %d: %t", sequence, !want)
		}
	}
	if s.Has(record("a", "other", Provider, 1, hour)) || s.Has(record("c", "k", Provider, 1, hour)) {
		t.Error("has what was never put")
	}
	if got := s.Get(hour, NameKey("k")); len(got) != 1 || got[0].Sequence != 3 {
		t.Errorf("an hour later: %v", got)
	}
	s.Expire(2 * hour)
	if keys, records := s.Len(); keys != 0 || records != 0 || len(s.of) != 0 {
		t.Errorf("%d keys, %d records of %d publishers are left", keys, records, len(s.of))
	}
}

// Those who came first keep their place, and a place that expires is free.
func TestShelfIsBounded(t *testing.T) {
	var s Shelf
	for _, c := range []struct {
		kind  RecordKind
		bound int
	}{{Value, MaxWriters}, {Provider, MaxProviders}} {
		for i := range c.bound + 1 {
			err := s.Put(0, record(fmt.Sprint("writer ", i), "k", c.kind, 1, hour))
			if full := i == c.bound; full != errors.Is(err, ErrCrowded) {
				t.Errorf("number %d: %v", i, err)
			}
		}
		if err := s.Put(0, record("writer 0", "k", c.kind, 2, hour)); err != nil {
			t.Errorf("the first again: %v", err)
		}
	}
	if err := s.Put(hour, record("late", "k", Value, 1, 2*hour)); err != nil {
		t.Errorf("once the others have expired: %v", err)
	}
	for i := range MaxPerPublisher + 1 {
		err := s.Put(0, record("busy", fmt.Sprint(i), Provider, 1, hour))
		if full := i == MaxPerPublisher; full != errors.Is(err, ErrTooMany) {
			t.Fatalf("record %d of one publisher: %v", i, err)
		}
	}
	s.Drop(NameKey("0"))
	if err := s.Put(0, record("busy", "another", Provider, 1, hour)); err != nil {
		t.Errorf("after one was dropped: %v", err)
	}
}

func TestShelfKeysAreOrdered(t *testing.T) {
	var s Shelf
	for i := range 100 {
		if err := s.Put(0, record("a", fmt.Sprint(i), Value, 1, hour)); err != nil {
			t.Fatal(err)
		}
	}
	if keys := s.Keys(); len(keys) != 100 || !slices.IsSortedFunc(keys, Key.Compare) {
		t.Errorf("%d keys, in order: %v", len(keys), slices.IsSortedFunc(keys, Key.Compare))
	}
}

func TestMerge(t *testing.T) {
	a1, a2 := record("a", "k", Value, 1, hour), record("a", "k", Value, 2, hour)
	b1, provider := record("b", "k", Value, 1, hour), record("a", "k", Provider, 1, hour)
	got := Merge([]*Record{a1, b1}, []*Record{provider, a2, a1, b1})
	if !slices.Equal(got, []*Record{a2, b1, provider}) {
		t.Errorf("merged to %v", got)
	}
}

// As many records as could be under one key do not fit in a message; those that Fit lets pass do.
func TestFit(t *testing.T) {
	var all []*Record
	for i := range MaxProviders {
		r := record(fmt.Sprintf("%38d", i), "k", Provider, 1, hour)
		r.Payload, r.Signature = make([]byte, MaxPayload), make([]byte, 64)
		all = append(all, r)
	}
	some := Fit(all, MaxAnswer)
	if size := Size(&sample{records: some}, new(book)); len(some) < 40 || len(some) == len(all) || size > MaxAnswer+100 {
		t.Errorf("%d of %d records in %d bytes", len(some), len(all), size)
	}
}
