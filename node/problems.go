package node

import (
	"context"
	"time"

	"github.com/seed4134be55/peer/node/api"
)

const (
	// problemsEvery is how soon an owner hears that a shared file has changed.
	problemsEvery = 2 * time.Second
	// A look at every shared file, for those that nobody reads: seldom, and not while the peer starts.
	checkFirst = 10 * time.Minute
	checkEvery = 6 * time.Hour
)

// warnOfProblems tells the owner by name of shared files that have changed, until ctx ends.
func (n *Node) warnOfProblems(ctx context.Context, emit func(api.Event)) {
	clock := time.NewTicker(problemsEvery)
	defer clock.Stop()
	told := make(map[string]string)
	for {
		select {
		case <-clock.C:
		case <-ctx.Done():
			return
		}
		roots, err := n.store.Roots()
		if err != nil {
			continue
		}
		for _, r := range roots {
			if r.Problem != "" && told[r.Path] != r.Problem {
				emit(api.Event{Event: api.EventWarning, Cid: r.Cid.String(), Name: r.Name, Path: r.Path, Message: r.Problem + ": share it again"})
			}
			told[r.Path] = r.Problem
		}
	}
}

// checkShares looks at every shared file now and then.
func (n *Node) checkShares(ctx context.Context) error {
	wait := checkFirst
	for {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
		if err := n.store.Check(ctx); err != nil && ctx.Err() == nil {
			n.cfg.Log.Warn("shares not checked", "error", err)
		}
		wait = checkEvery
	}
}
