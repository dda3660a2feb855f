package main

import (
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/cmd/peer/daemon"
	"github.com/seed4134be55/peer/node/api"
)

// quiet is how long nothing may be seen of a verb before its first words are shown.
const quiet = 400 * time.Millisecond

// A handed verb is one that the holder of the home does.
type handed struct {
	name    string // api.VerbGet, …
	request any
	first   string          // what to say if nothing is seen for a while
	seen    func(api.Event) // is told of each event; may be nil
	data    io.Writer       // for api.VerbCat
}

// hand has the verb done, by this process or by the one that holds the home, and shows what happens.
func (p *program) hand(c *cobra.Command, h handed) error {
	if err := p.settle(c); err != nil {
		return err
	}
	dir, err := p.openHome()
	if err != nil {
		return err
	}
	starting := p.startWith(h.first)
	defer starting.stop()
	return daemon.Run(p.signals.verb, p.signals.life, daemon.Config{
		Home:    dir,
		Options: p.flags.Options,
		Open:    p.open,
		Log:     slog.New(slog.DiscardHandler),
	}, daemon.Verb{
		Name:    h.name,
		Request: h.request,
		Data:    starting.writer(h.data),
		Emit: func(e api.Event) {
			starting.stop()
			if e.Event == api.EventWaiting {
				p.signals.verbEnded()
			}
			if h.seen != nil {
				h.seen(e)
			}
			p.show.event(e)
		},
	})
}

// starting shows the first words of a verb when it takes long to be heard of.
type starting struct {
	mu      sync.Mutex
	stopped bool
	timer   *time.Timer
}

func (p *program) startWith(words string) *starting {
	s := new(starting)
	s.timer = time.AfterFunc(quiet, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.stopped && words != "" {
			p.show.event(api.Event{Event: api.EventState, Message: words})
		}
	})
	return s
}

// stop makes sure that nothing is shown any more when it returns.
func (s *starting) stop() {
	s.timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
}

// writer returns w, such that the first write stops s.
func (s *starting) writer(w io.Writer) io.Writer {
	if w == nil {
		return nil
	}
	return writerFunc(func(b []byte) (int, error) {
		s.stop()
		return w.Write(b)
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
