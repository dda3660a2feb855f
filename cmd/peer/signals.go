package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/seed4134be55/peer/fault"
)

// errInterrupted is the cause of the verb's context when the user ended it.
var errInterrupted = fault.New(fault.Interrupted, "interrupted")

// signals turns Ctrl-C into the end of the verb, then of the process with what it does for others, then
// of everything without further ado. A SIGTERM ends verb and process at once.
type signals struct {
	verb, life context.Context

	endVerb, endLife context.CancelCauseFunc
	received         chan os.Signal
	done             sync.WaitGroup
}

func catch() *signals {
	s := &signals{received: make(chan os.Signal, 8)}
	s.life, s.endLife = context.WithCancelCause(context.Background())
	s.verb, s.endVerb = context.WithCancelCause(s.life)
	signal.Notify(s.received, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signal.Notify(s.received, syscall.SIGHUP)
	}
	s.done.Go(s.loop)
	return s
}

func (s *signals) loop() {
	for sig := range s.received {
		switch {
		case s.life.Err() != nil:
			os.Exit(fault.Interrupted.ExitCode())
		case sig == os.Interrupt && s.verb.Err() == nil:
			s.endVerb(errInterrupted)
		default:
			s.endLife(errInterrupted)
		}
	}
}

// verbEnded says that the verb is over: the next Ctrl-C is for the process.
func (s *signals) verbEnded() { s.endVerb(errInterrupted) }

func (s *signals) release() {
	signal.Stop(s.received)
	close(s.received)
	s.done.Wait()
	s.endLife(nil)
}
