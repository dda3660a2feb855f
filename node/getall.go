package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/seed4134be55/peer/contentaddr/link"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
)

const (
	// maxGets bounds the links that one request fetches at once: enough that many small ones do not wait for each
	// other's round trips.
	maxGets = 16
	// A link that no source has been of use to for so long lets the next one begin, …
	aloneAfter = 5 * time.Second
	// … until so many times maxGets are open.
	openGets = 4
)

// getAll fetches links in their order, some at once. One that fails does not stop the others, and is told of at once
// when there are several.
func (n *Node) getAll(ctx context.Context, links []link.Link, r api.GetRequest, emit func(api.Event)) error {
	if len(links) == 1 {
		return n.getLink(ctx, links[0], r, func() {}, emit)
	}
	var all sync.WaitGroup
	busy, open := make(chan struct{}, n.budget.gets), make(chan struct{}, openGets*n.budget.gets)
	errs := make([]error, len(links))
	for i, l := range links {
		if !enter(ctx, open) || !enter(ctx, busy) {
			break
		}
		leave := sync.OnceFunc(func() { <-busy })
		all.Go(func() {
			defer func() { leave(); <-open }()
			if errs[i] = n.getLink(ctx, l, r, leave, emit); errs[i] != nil && ctx.Err() == nil {
				emit(api.Event{Event: api.EventWarning, Cid: l.Cid.String(), Name: fileName(l), Message: errs[i].Error()})
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return fault.New(fault.Interrupted, "interrupted; what has arrived is kept: run the same command again to go on")
	}
	return ofMany(errs)
}

// enter takes a place in a room as soon as there is one, unless ctx ends before.
func enter(ctx context.Context, room chan<- struct{}) bool {
	select {
	case room <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// ofMany returns the errors of several links as one, of the kind of the first.
func ofMany(errs []error) error {
	var first error
	failed := 0
	for _, err := range errs {
		if err != nil {
			failed++
			if first == nil {
				first = err
			}
		}
	}
	if first == nil {
		return nil
	}
	return fmt.Errorf("%d of %d links failed, the first: %w", failed, len(errs), first)
}
