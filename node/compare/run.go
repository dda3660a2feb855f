package compare

import (
	"context"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Run simulates each overlay of c and yields what it came to, in their order. As many run side by side as there are
// processors, which changes no result. progress is told what each is at. Both are called from several goroutines, one
// at a time. The error is fault.BadInput if c makes no sense, before anything else is done, or ctx's.
func Run(ctx context.Context, c Config, progress func(mode, what string), yield func(Result)) error {
	if err := c.check(); err != nil {
		return err
	}
	trials := make([]*trial, len(c.Overlays))
	for i, o := range c.Overlays {
		t, err := newTrial(c, o)
		if err != nil {
			return err
		}
		trials[i] = t
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	out := outcome{results: make([]*Result, len(trials)), yield: yield, progress: progress}
	for i, t := range trials {
		trials[i] = nil // so that a network of a million is not kept once it has its figures
		g.Go(func() error {
			r, err := t.run(ctx, func(what string) { out.say(t.overlay.Name, what) })
			if err == nil {
				out.put(i, r)
			}
			return err
		})
	}
	return g.Wait()
}

// An outcome collects results and yields each after those before it.
type outcome struct {
	mu       sync.Mutex // held while anything is yielded
	results  []*Result
	yielded  int
	yield    func(Result)
	progress func(mode, what string)
}

func (o *outcome) put(i int, r Result) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.results[i] = &r
	for o.yielded < len(o.results) && o.results[o.yielded] != nil {
		o.yield(*o.results[o.yielded])
		o.yielded++
	}
}

func (o *outcome) say(mode, what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.progress(mode, what)
}
