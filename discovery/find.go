package discovery

import (
	"context"
	"sync"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// Bounds of one question, so that no mode, however hostile the peers behind it, can take more of
// this peer than its share.
const (
	maxProviders    = 1024 // distinct providers kept in all
	maxPerMode      = 256  // new providers taken from one mode
	maxItemsPerMode = 8192 // items read from one mode, repetitions included
	maxAddrs        = 32   // addresses kept for one provider
)

// Find asks every mode that can find, all at once, and yields providers as they come: up to n
// different ones (0: up to 1024 in all and 256 from one mode). The channel closes when every mode
// has finished or n are found, or soon after ctx ends. It is ErrNotSupported if no mode can find.
//
// A reader may be slow: modes then wait. It must read to the end or end ctx.
func (m *Mux) Find(ctx context.Context, c cid.Cid, n int) (<-chan Found, error) {
	if !m.Caps().Find {
		return nil, notSupported(m, "find")
	}
	if n <= 0 || n > maxProviders {
		n = maxProviders
	}
	ctx, cancel := context.WithCancel(ctx)
	offers := make(chan Found)
	var askers sync.WaitGroup
	for _, mode := range m.modes {
		if mode.Caps().Find {
			askers.Go(func() { ask(ctx, mode, c, n, offers) })
		}
	}
	go func() {
		askers.Wait()
		close(offers)
	}()

	out := make(chan Found)
	go func() {
		defer close(out)
		defer cancel()
		merge(ctx, m.self, n, offers, out)
		cancel()
		for range offers { // until the askers have seen it
		}
	}()
	return out, nil
}

// ask passes on what one mode finds. It leaves a mode that never closes its channel as soon as ctx
// ends, and one that repeats itself without end after maxItemsPerMode.
func ask(ctx context.Context, mode Mode, c cid.Cid, n int, offers chan<- Found) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// One more than wanted: a mode that counts this peer among its n must not cost an answer.
	found := mode.FindProvidersAsync(ctx, c, n+1)
	known := make(map[peer.ID]bool)
	for range maxItemsPerMode {
		var info peer.AddrInfo
		select {
		case <-ctx.Done():
			return
		case next, ok := <-found:
			if !ok {
				return
			}
			info = next
		}
		if !known[info.ID] && len(known) == maxPerMode {
			return
		}
		known[info.ID] = true
		select {
		case offers <- Found{info, mode.Name()}:
		case <-ctx.Done():
			return
		}
	}
}

// merge owns what is known so far. It passes an offer on if its peer is new, or if it brings
// addresses that are.
func merge(ctx context.Context, self peer.ID, n int, offers <-chan Found, out chan<- Found) {
	known := make(map[peer.ID][]ma.Multiaddr)
	for f := range offers {
		if f.ID == self || f.ID.Validate() != nil {
			continue
		}
		had, again := known[f.ID]
		if !again && len(known) == n {
			continue
		}
		addrs := union(had, f.Addrs)
		if again && len(addrs) == len(had) {
			continue
		}
		known[f.ID] = addrs
		// A copy: the reader may keep it while more addresses are appended here.
		f.Addrs = append([]ma.Multiaddr(nil), addrs...)
		select {
		case out <- f:
		case <-ctx.Done():
			return
		}
		if len(known) == n && n < maxProviders {
			return
		}
	}
}

// union appends to had those of more that it lacks, up to maxAddrs.
func union(had, more []ma.Multiaddr) []ma.Multiaddr {
	for _, a := range more {
		if len(had) >= maxAddrs {
			break
		}
		if len(a) > 0 && !ma.Contains(had, a) {
			had = append(had, a)
		}
	}
	return had
}
