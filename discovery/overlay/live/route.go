package live

import (
	"context"
	"errors"
	"iter"

	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/discovery/overlay"
)

// Route yields the hops of a lookup of key once it has ended, with the distance that is left at each, and its owner.
func (m *Mode) Route(ctx context.Context, key string) iter.Seq2[discovery.Hop, error] {
	return func(yield func(discovery.Hop, error) bool) {
		if err := checkKey(key); err != nil {
			yield(discovery.Hop{}, m.wrap(err))
			return
		}
		place := overlay.KeyOf(key)
		o, err := m.Call(ctx, overlay.Op{Kind: overlay.Route, Key: place})
		if err != nil {
			yield(discovery.Hop{}, err)
			return
		}
		for _, s := range o.Path {
			if !yield(discovery.Hop{Peer: s.Peer, Distance: m.distance(s.Node, place), Took: s.Took}, nil) {
				return
			}
		}
		if o.Err != nil && !errors.Is(o.Err, overlay.ErrAlone) {
			yield(discovery.Hop{}, m.wrap(o.Err))
			return
		}
		owner := Step{Peer: m.host.ID(), Node: overlay.PeerKey(m.host.ID(), 0)}
		if len(o.Owners) > 0 {
			owner = o.Owners[0]
		}
		yield(discovery.Hop{Peer: owner.Peer, Distance: m.distance(owner.Node, place), Owner: true}, nil)
	}
}
