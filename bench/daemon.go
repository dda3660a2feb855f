package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/seed4134be55/peer/internal/netlab"
)

const (
	readyEvent = "serving" // what the daemon prints once it can serve

	idleFor    = time.Minute
	fullShares = 1 << 40 // bytes shared for readyfull
)

// ready measures the daemon's start in a new home.
func ready(ctx context.Context, w *workspace) ([]row, error) {
	r := row{what: "ready to serve, nothing shared", unit: "s", reach: "≤ 0.25 s"}
	for range w.runs {
		dir, err := w.fresh()
		if err != nil {
			return nil, err
		}
		if err := w.startOnce(ctx, filepath.Join(dir, "home"), &r.peer); err != nil {
			return nil, err
		}
		if err := w.settle(dir); err != nil {
			return nil, err
		}
	}
	return []row{r}, nil
}

// readyFull measures the daemon's start in a home that shares fullShares bytes.
func readyFull(ctx context.Context, w *workspace) ([]row, error) {
	file, err := w.sparse(fullShares)
	if err != nil {
		return nil, err
	}
	home := filepath.Join(w.dir, "full")
	p, _, err := w.share(ctx, home, file)
	if err != nil {
		return nil, err
	}
	if err := stop(p); err != nil {
		return nil, err
	}
	r := row{what: "ready to serve, 1 TiB shared", unit: "s", reach: "≤ 1 s"}
	for range w.runs {
		if err := w.startOnce(ctx, home, &r.peer); err != nil {
			return nil, err
		}
	}
	return []row{r}, nil
}

// startOnce starts the daemon and adds the seconds until it says that it is ready.
func (w *workspace) startOnce(ctx context.Context, home string, s *samples) error {
	p, e, err := w.startUntil(readyEvent, w.verb(ctx, home, "serve", "--json"))
	if err != nil {
		return err
	}
	s.add(e.At.Seconds())
	return stop(p)
}

// idle measures the daemon with reach lan and nothing shared, once: on a LAN of its own, in a network
// namespace, so that this machine's real network hears nothing.
func idle(ctx context.Context, w *workspace) ([]row, error) {
	return w.idleAfter(ctx, idleFor)
}

func (w *workspace) idleAfter(ctx context.Context, wait time.Duration) ([]row, error) {
	lab, err := netlab.Up(netlab.Options{Hosts: 1})
	if err != nil {
		return nil, err
	}
	defer lab.Close()
	dir, err := w.fresh()
	if err != nil {
		return nil, err
	}
	cmd := lab.Command(ctx, "h1", w.peer, "serve", "--json")
	cmd.Env = environment(filepath.Join(dir, "home"), "lan")
	p, _, err := w.startUntil(readyEvent, cmd)
	if err != nil {
		return nil, err
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	memory := row{what: "memory of the idle daemon", unit: "MB", reach: "≤ 45 MB"}
	if err := addMB(&memory.peer, p.RSS); err != nil {
		return nil, err
	}
	cpu := row{what: "processor time of the idle daemon since its start", unit: "s"}
	used, err := p.CPU()
	if err != nil {
		return nil, err
	}
	cpu.peer.add(used.Seconds())
	if err := stop(p); err != nil {
		return nil, err
	}
	return []row{memory, cpu}, w.settle(dir)
}
