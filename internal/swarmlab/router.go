package swarmlab

import (
	"context"

	"github.com/seed4134be55/peer/internal/netlab"
)

// router is a seed and four downloaders in one LAN and four in another. What crosses towards the seed's LAN counts too.
func router(ctx context.Context, cfg Config) ([]Figure, error) {
	o := netlab.Options{Hosts: 9, Split: 5}
	return in(ctx, cfg, o, func(w *world) ([]Figure, error) {
		_, link, err := w.begin()
		if err != nil {
			return nil, err
		}
		a, b, err := w.lab.Bytes("router")
		if err != nil {
			return nil, err
		}
		ps, err := w.getAll(2, 9, link)
		if err != nil {
			return nil, err
		}
		took, err := w.finish(ps)
		if err != nil {
			return nil, err
		}
		c, d, err := w.lab.Bytes("router")
		if err != nil {
			return nil, err
		}
		w.Log("%.3f copies crossed towards the seed's LAN, %.3f away from it", float64(c-a)/w.wire/float64(w.bytes), float64(d-b)/w.wire/float64(w.bytes))
		crossed := float64(c+d-a-b) / w.wire / float64(w.bytes)
		return []Figure{
			{What: "copies that crossed the router, both ways", Got: crossed, Reach: 1.1},
			{What: "slowest over the bound", Got: took[7] / w.bound},
		}, nil
	})
}
