package node

import (
	"context"
	"unicode/utf8"

	"github.com/seed4134be55/peer/node/api"
)

// Put implements api.Service.
func (n *Node) Put(ctx context.Context, r api.PutRequest, emit func(api.Event)) error {
	key, err := api.ParseKey(r.Key)
	if err != nil {
		return err
	}
	if err := api.CheckValue(r.Value); err != nil {
		return err
	}
	store, mode, err := choose(n, values, r.Mode, emit)
	if err != nil {
		return err
	}
	if err = n.meet(ctx, store, mode, emit); err == nil {
		err = store.Put(ctx, key, r.Value)
	}
	if err == nil {
		emit(api.Event{Event: api.EventStored, Mode: mode, Key: key, Bytes: int64(len(r.Value))})
	}
	return err
}

// Value implements api.Service.
func (n *Node) Value(ctx context.Context, r api.ValueRequest, emit func(api.Event)) error {
	key, err := api.ParseKey(r.Key)
	if err != nil {
		return err
	}
	store, mode, err := choose(n, values, r.Mode, emit)
	if err != nil {
		return err
	}
	if err := n.meet(ctx, store, mode, emit); err != nil {
		return err
	}
	records, err := store.Values(ctx, key)
	for _, rec := range records {
		e := api.Event{
			Event: api.EventValue, Mode: mode, Key: key, Peer: rec.Publisher.String(), Self: rec.Publisher == n.host.ID(),
			Sequence: rec.Sequence, Expires: rec.Expiry.UTC(), Bytes: int64(len(rec.Value)),
		}
		if utf8.Valid(rec.Value) {
			e.Value = string(rec.Value)
		} else {
			e.Base64 = rec.Value
		}
		emit(e)
	}
	return err
}
