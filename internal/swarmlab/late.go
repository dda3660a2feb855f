package swarmlab

import (
	"context"
	"time"

	"github.com/seed4134be55/peer/internal/netlab"
)

func late(ctx context.Context, cfg Config) ([]Figure, error) {
	return in(ctx, cfg, netlab.Options{Hosts: 9}, func(w *world) ([]Figure, error) {
		_, link, err := w.begin()
		if err != nil {
			return nil, err
		}
		first, err := w.getAll(2, 5, link)
		if err != nil {
			return nil, err
		}
		for _, p := range first {
			if _, err := p.reaches(0.5); err != nil {
				return nil, err
			}
		}
		second, err := w.getAll(6, 9, link)
		if err != nil {
			return nil, err
		}
		tookFirst, err := w.finish(first)
		if err != nil {
			return nil, err
		}
		tookSecond, err := w.finish(second)
		if err != nil {
			return nil, err
		}
		return []Figure{
			{What: "slowest of the first four over the bound", Got: tookFirst[3] / w.bound, Reach: 1.15},
			{What: "slowest of the last four over the bound", Got: tookSecond[3] / w.bound, Reach: 1.15},
		}, nil
	})
}

// returnAfter is how long those stay away who come back.
const returnAfter = 2 * time.Second

func churn(ctx context.Context, cfg Config) ([]Figure, error) {
	return in(ctx, cfg, netlab.Options{Hosts: 17}, func(w *world) ([]Figure, error) {
		_, link, err := w.begin()
		if err != nil {
			return nil, err
		}
		ps, err := w.getAll(2, 17, link)
		if err != nil {
			return nil, err
		}
		killed, stay := ps[:8], ps[8:]
		had := make([]int64, len(killed))
		for i, p := range killed {
			if had[i], err = p.reaches(0.5); err != nil {
				return nil, err
			}
			p.p.Kill()
		}
		select {
		case <-time.After(returnAfter):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		back, err := w.getAll(2, 5, link)
		if err != nil {
			return nil, err
		}
		took, err := w.finish(stay)
		if err != nil {
			return nil, err
		}
		if _, err := w.finish(back); err != nil {
			return nil, err
		}
		most := 0.0
		for i, p := range back {
			most = max(most, float64(p.done.Fetched)/float64(w.bytes-had[i]))
		}
		return []Figure{
			{What: "slowest of those who stayed over the bound", Got: took[7] / w.bound, Reach: 1.25},
			{What: "most that one who came back fetched over what it lacked", Got: most, Reach: 1.02},
		}, nil
	})
}
