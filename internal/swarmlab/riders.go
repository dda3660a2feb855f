package swarmlab

import (
	"context"
	"fmt"

	"github.com/seed4134be55/peer/internal/netlab"
)

// freeRiders compares six downloaders that share with the same six beside two that do not.
func freeRiders(ctx context.Context, cfg Config) ([]Figure, error) {
	alone, _, err := ridden(ctx, cfg, 0)
	if err != nil {
		return nil, err
	}
	beside, riders, err := ridden(ctx, cfg, 2)
	if err != nil {
		return nil, err
	}
	return []Figure{
		{What: "slowest of the six over the same without the two", Got: beside[5] / alone[5], Reach: 1.05},
		{What: "first of the two over the slowest of the six", Got: riders[0] / beside[5], Reach: 1, AtLeast: true},
	}, nil
}

// ridden runs six downloaders and n that never upload.
func ridden(ctx context.Context, cfg Config, n int) (six, riders []float64, err error) {
	_, err = in(ctx, cfg, netlab.Options{Hosts: 7 + n}, func(w *world) (_ []Figure, err error) {
		if err := w.file(); err != nil {
			return nil, err
		}
		_, link, err := w.seed("h1")
		if err != nil {
			return nil, err
		}
		var idle []*peer
		for i := range n {
			p, err := w.ride(host(8+i), link)
			if err != nil {
				return nil, err
			}
			idle = append(idle, p)
		}
		ps, err := w.getAll(2, 7, link)
		if err != nil {
			return nil, err
		}
		if six, err = w.finish(ps); err != nil {
			return nil, err
		}
		riders, err = w.finish(idle)
		return nil, err
	})
	return six, riders, err
}

// ride starts a download that sends a byte a second. A limit does not hold for peers on-link, so its host is made to see
// the others behind a route.
func (w *world) ride(host, link string) (*peer, error) {
	at := w.lab.Addr(host).String()
	for _, words := range [][]string{
		{"addr", "flush", "dev", "eth0"},
		{"addr", "add", at + "/32", "dev", "eth0"},
		{"route", "add", "10.77.0.0/24", "dev", "eth0", "src", at},
		{"route", "add", "224.0.0.0/4", "dev", "eth0"},
	} {
		if out, err := w.lab.Command(w.ctx, host, "ip", words...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ip %v: %w: %s", words, err, out)
		}
	}
	return w.start(host, "ride-"+host, "--limit-up", "1", "get", "--seed", "-o", w.into(host), link)
}
