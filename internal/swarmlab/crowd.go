package swarmlab

import (
	"context"
	"time"

	"github.com/seed4134be55/peer/internal/netlab"
)

// goals are the figures to reach, in that order below; 0: none.
type goals struct{ slowest, median, copies, twice, words float64 }

// crowd is one seed and n downloaders that start at once.
func crowd(n int, g goals) func(context.Context, Config) ([]Figure, error) {
	return func(ctx context.Context, cfg Config) ([]Figure, error) {
		return in(ctx, cfg, netlab.Options{Hosts: n + 1}, func(w *world) ([]Figure, error) {
			if err := w.file(); err != nil {
				return nil, err
			}
			return w.crowd(n, g)
		})
	}
}

// begin makes the file, measures the bound and shares on h1.
func (w *world) begin() (seed *peer, link string, err error) {
	if err := w.file(); err != nil {
		return nil, "", err
	}
	if err := w.measure(); err != nil {
		return nil, "", err
	}
	return w.seed("h1")
}

// crowd measures the bound, shares on h1 and downloads on the n hosts behind it.
func (w *world) crowd(n int, g goals) ([]Figure, error) {
	if err := w.measure(); err != nil {
		return nil, err
	}
	seed, link, err := w.seed("h1")
	if err != nil {
		return nil, err
	}
	ps, err := w.getAll(2, n+1, link)
	if err != nil {
		return nil, err
	}
	took, err := w.finish(ps)
	if err != nil {
		return nil, err
	}
	traffic, err := w.traffic(seed, ps, g)
	if err != nil {
		return nil, err
	}
	return append([]Figure{
		{What: "slowest over the bound", Got: took[n-1] / w.bound, Reach: g.slowest},
		{What: "median over the bound", Got: took[n/2] / w.bound, Reach: g.median},
	}, traffic...), nil
}

// traffic says what went over the links.
func (w *world) traffic(seed *peer, ps []*peer, g goals) ([]Figure, error) {
	sent, err := seed.count()
	if err != nil {
		return nil, err
	}
	all, err := counts(ps)
	if err != nil {
		return nil, err
	}
	wanted := float64(w.bytes) * float64(len(ps))
	return []Figure{
		{What: "copies that the seed sent", Got: float64(sent.Sent) / float64(w.bytes), Reach: g.copies},
		{What: "bytes that came twice, in % of those wanted", Got: 100 * (float64(all.Received)/wanted - 1), Reach: g.twice},
		{What: "bytes of messages, in % of those wanted", Got: 100 * float64(sent.Words+all.Words) / wanted, Reach: g.words},
	}, nil
}

func slowSeed(ctx context.Context, cfg Config) ([]Figure, error) {
	return in(ctx, cfg, netlab.Options{Hosts: 9}, func(w *world) ([]Figure, error) {
		if err := w.lab.Rate("h1", w.mbit(0.2)); err != nil {
			return nil, err
		}
		if err := w.file(); err != nil {
			return nil, err
		}
		return w.crowd(8, goals{slowest: 1.10})
	})
}

func smallFiles(ctx context.Context, cfg Config) ([]Figure, error) {
	return in(ctx, cfg, netlab.Options{Hosts: 9}, func(w *world) ([]Figure, error) {
		if err := w.folder(); err != nil {
			return nil, err
		}
		return w.crowd(8, goals{slowest: 1.3})
	})
}

// quiet is how long a seed that has sent everything may send nothing before it counts as done.
const quiet = 500 * time.Millisecond

func seedStops(ctx context.Context, cfg Config) ([]Figure, error) {
	return in(ctx, cfg, netlab.Options{Hosts: 9}, func(w *world) ([]Figure, error) {
		seed, link, err := w.begin()
		if err != nil {
			return nil, err
		}
		ps, err := w.getAll(2, 9, link)
		if err != nil {
			return nil, err
		}
		copies, err := w.stopSeed(seed)
		if err != nil {
			return nil, err
		}
		took, err := w.finish(ps)
		if err != nil {
			return nil, err
		}
		return []Figure{
			{What: "copies sent when the seed was killed", Got: copies, Reach: 1.08},
			{What: "downloads that completed", Got: float64(len(took)), Reach: 8, AtLeast: true},
			{What: "slowest over the bound", Got: took[7] / w.bound},
		}, nil
	})
}

// stopSeed kills the seed when it has sent 1.08 copies, or one and then nothing.
func (w *world) stopSeed(seed *peer) (copies float64, err error) {
	last, since := int64(0), time.Now()
	for {
		c, err := seed.count()
		if err != nil {
			return 0, err
		}
		if c.Sent > last {
			last, since = c.Sent, time.Now()
		}
		copies = float64(c.Sent) / float64(w.bytes)
		if copies >= 1.08 || copies >= 1 && time.Since(since) > quiet {
			seed.p.Kill()
			return copies, nil
		}
		select {
		case <-time.After(quiet / 5):
		case <-w.ctx.Done():
			return 0, w.ctx.Err()
		}
	}
}
