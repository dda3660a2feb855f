package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

// maxKey bounds what a user calls a key, in bytes.
const maxKey = 256

func checkKey(key string) error {
	if len(key) == 0 || len(key) > maxKey {
		return fault.New(fault.BadInput, "a key of %d bytes: want 1 to %d", len(key), maxKey)
	}
	return nil
}

// Put stores up to 1 KiB under a key of up to 256 bytes, and again while Run runs, so that it does not expire. The
// errors are fault.BadInput for what is too long, fault.Refused for too many keys, and those of the lookup.
func (m *Mode) Put(ctx context.Context, key string, value []byte) error {
	if err := checkKey(key); err != nil {
		return m.wrap(err)
	}
	if len(value) > overlay.MaxPayload {
		return m.wrap(fault.New(fault.BadInput, "a value of %d bytes: at most %d", len(value), overlay.MaxPayload))
	}
	value = slices.Clone(value)
	if err := m.publisher.put(ctx, key, value); err != nil {
		return err
	}
	return m.wrap(m.publisher.keepValue(key, value))
}

// Values returns each writer's newest value under key, the one that was written last first. Writers' clocks tell which.
func (m *Mode) Values(ctx context.Context, key string) ([]discovery.Record, error) {
	if err := checkKey(key); err != nil {
		return nil, m.wrap(err)
	}
	o, err := m.Call(ctx, overlay.Op{Kind: overlay.Find, Key: overlay.KeyOf(key)})
	if err != nil {
		return nil, err
	}
	var values []discovery.Record
	now := m.loop.clock.now()
	for _, r := range o.Records {
		if r.Kind == overlay.Value && r.Expiry > now {
			values = append(values, discovery.Record{Publisher: r.Publisher, Sequence: r.Sequence, Expiry: r.Expiry.Std(), Value: r.Payload})
		}
	}
	slices.SortStableFunc(values, func(a, b discovery.Record) int { return cmp.Compare(b.Sequence, a.Sequence) })
	switch {
	case len(values) > 0:
		return values, nil
	case o.Err != nil && !errors.Is(o.Err, overlay.ErrAlone):
		return nil, m.wrap(fmt.Errorf("values of %q: %w", key, o.Err))
	}
	return nil, m.wrap(fault.New(fault.NotFound, "nobody has put a value under %q", key))
}

// wrap says which mode an error is of.
func (m *Mode) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", m.name, err)
}
