package live

import (
	"context"
	"sync"
)

// A crew is the goroutines of one loop: what begins after dismiss does not begin, and dismiss waits for the others.
type crew struct {
	ctx    context.Context // of the goroutines; ends with dismiss
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
	all    sync.WaitGroup
}

func newCrew() *crew {
	c := new(crew)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

func (c *crew) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.all.Add(1)
	}
	return !c.closed
}

// start runs f on a goroutine, and reports whether it does.
func (c *crew) start(f func(context.Context)) bool {
	if !c.enter() {
		return false
	}
	go func() {
		defer c.all.Done()
		f(c.ctx)
	}()
	return true
}

// run runs f on this goroutine, and reports whether it did.
func (c *crew) run(f func(context.Context)) bool {
	if !c.enter() {
		return false
	}
	defer c.all.Done()
	f(c.ctx)
	return true
}

// dismiss ends the goroutines and waits for them.
func (c *crew) dismiss() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.all.Wait()
}
