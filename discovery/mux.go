package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/fault"
)

// Found is one provider and the mode that told of it. A provider comes again when addresses are
// learned that it did not come with before, with the mode that brought them.
type Found struct {
	peer.AddrInfo
	Mode string
}

// Mux asks several modes at once. It is itself a Mode. It has no state of its own, so its methods
// may be called at any time by anybody.
type Mux struct {
	self  peer.ID
	modes []Mode
	log   *slog.Logger
}

var (
	_ Mode       = (*Mux)(nil)
	_ PeerFinder = (*Mux)(nil)
)

// NewMux returns a Mux over modes for the peer self, which it never yields. A nil log is silence.
func NewMux(self peer.ID, modes []Mode, log *slog.Logger) *Mux {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Mux{self: self, modes: modes, log: log}
}

// Name returns "all".
func (m *Mux) Name() string { return "all" }

// Modes returns the modes asked, in the order given.
func (m *Mux) Modes() []Mode { return m.modes }

// Caps returns Provide and Find if any mode has them. Search, values and routes are asked of a mode
// by name, as their answers do not mix.
func (m *Mux) Caps() Caps {
	var all Caps
	for _, mode := range m.modes {
		c := mode.Caps()
		all.Provide = all.Provide || c.Provide
		all.Find = all.Find || c.Find
	}
	return all
}

// Run runs every mode until ctx ends. A mode that fails is logged and the others go on.
func (m *Mux) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, mode := range m.modes {
		wg.Go(func() {
			if err := mode.Run(ctx); err != nil && ctx.Err() == nil {
				m.log.Warn("discovery mode stopped", slog.String("mode", mode.Name()), slog.Any("error", err))
			}
		})
	}
	wg.Wait()
	<-ctx.Done()
	return ctx.Err()
}

// Provide tells every mode that can provide, all at once. It fails only if all of them do.
func (m *Mux) Provide(ctx context.Context, c cid.Cid, announce bool) error {
	errs := make(chan error, len(m.modes))
	asked := 0
	for _, mode := range m.modes {
		if !mode.Caps().Provide {
			continue
		}
		asked++
		go func() { errs <- named(mode, mode.Provide(ctx, c, announce)) }()
	}
	if asked == 0 {
		return notSupported(m, "provide")
	}
	var failed []error
	for range asked {
		select {
		case err := <-errs:
			if err != nil {
				failed = append(failed, err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if len(failed) == asked {
		return errors.Join(failed...)
	}
	return nil
}

func named(mode Mode, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", mode.Name(), err)
}

// FindProvidersAsync is Find without the names of the modes.
func (m *Mux) FindProvidersAsync(ctx context.Context, c cid.Cid, n int) <-chan peer.AddrInfo {
	out := make(chan peer.AddrInfo)
	found, err := m.Find(ctx, c, n)
	if err != nil {
		close(out)
		return out
	}
	go func() {
		defer close(out)
		for f := range found {
			select {
			case out <- f.AddrInfo:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// FindPeer asks every mode that can find peers, all at once, and returns the first to find it.
func (m *Mux) FindPeer(ctx context.Context, id peer.ID) (peer.AddrInfo, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan peer.AddrInfo, len(m.modes))
	asked := 0
	for _, mode := range m.modes {
		finder, ok := mode.(PeerFinder)
		if !ok {
			continue
		}
		asked++
		go func() {
			info, err := finder.FindPeer(ctx, id)
			if err != nil {
				info = peer.AddrInfo{} // without an id: no answer
			}
			answers <- info
		}()
	}
	for range asked {
		select {
		case info := <-answers:
			if info.ID == id {
				return info, nil
			}
		case <-ctx.Done():
			return peer.AddrInfo{}, ctx.Err()
		}
	}
	return peer.AddrInfo{}, fault.New(fault.NotFound, "peer %s: no mode knows an address", id)
}

// Find asks m who has c, or returns ErrNotSupported if it cannot: what FindProvidersAsync would say
// if it could return an error.
func Find(ctx context.Context, m Mode, c cid.Cid, n int) (<-chan peer.AddrInfo, error) {
	if !m.Caps().Find {
		return nil, notSupported(m, "find")
	}
	return m.FindProvidersAsync(ctx, c, n), nil
}
