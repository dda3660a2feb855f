package swarmlab

import (
	"context"
	"strings"

	"github.com/seed4134be55/peer/internal/netlab"
)

// shares are what the sources send, in rates of an uplink.
var shares = []float64{1, 0.5, 0.2, 0.1}

func sources(ctx context.Context, cfg Config) ([]Figure, error) {
	return in(ctx, cfg, netlab.Options{Hosts: 5}, func(w *world) ([]Figure, error) {
		if err := w.file(); err != nil {
			return nil, err
		}
		if err := w.measure(); err != nil {
			return nil, err
		}
		var all string
		sum := 0.0
		for i, share := range shares {
			if err := w.lab.Rate(host(i+1), w.mbit(share)); err != nil {
				return nil, err
			}
			_, link, err := w.seed(host(i + 1))
			if err != nil {
				return nil, err
			}
			all = join(all, link)
			sum += share
		}
		p, err := w.get("h5", all)
		if err != nil {
			return nil, err
		}
		took, err := w.finish([]*peer{p})
		if err != nil {
			return nil, err
		}
		return []Figure{{What: "rate over the sum of the sources'", Got: w.bound / sum / took[0], Reach: 0.92, AtLeast: true}}, nil
	})
}

// join adds the addresses of link to those of a link to the same root.
func join(all, link string) string {
	_, addrs, _ := strings.Cut(link, "?")
	if all == "" {
		return link
	}
	return all + "&" + addrs
}
