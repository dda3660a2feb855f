package node

import (
	"context"

	"github.com/seed4134be55/peer/node/api"
)

// Route implements api.Service.
func (n *Node) Route(ctx context.Context, r api.RouteRequest, emit func(api.Event)) error {
	key, err := api.ParseKey(r.Key)
	if err != nil {
		return err
	}
	router, mode, err := choose(n, routes, r.Mode, emit)
	if err != nil {
		return err
	}
	if err := n.meet(ctx, router, mode, emit); err != nil {
		return err
	}
	hops := 0
	for hop, err := range router.Route(ctx, key) {
		if err != nil {
			return err
		}
		e := api.Event{Event: api.EventHop, Mode: mode, Key: key, Peer: hop.Peer.String(), Distance: hop.Distance, Latency: hop.Took.Seconds()}
		if hop.Owner {
			e.Event, e.Latency, e.Self = api.EventOwner, 0, hop.Peer == n.host.ID()
		} else {
			hops++
		}
		e.Hops = hops
		emit(e)
	}
	return nil
}
