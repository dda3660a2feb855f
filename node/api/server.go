package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A Task is a request that is being answered.
type Task struct {
	Verb    string
	Subject string // what it is about: links or paths, as the user gave them; not escaped
	Caller  int    // process id of the verb
	Since   time.Time
}

// A Server answers requests for one Node. Its methods may be called from any goroutine.
type Server struct {
	node    Node
	options Options
	log     *slog.Logger

	online  sync.Once          // the start of node.Run
	run     sync.WaitGroup     // node.Run, if it was started
	running context.Context    // of node.Run: it outlives the last task
	halt    context.CancelFunc // ends running

	mu       sync.Mutex // guards what follows
	cancel   context.CancelCauseFunc
	tasks    map[*Task]struct{}
	released bool
	closed   bool          // no request is taken any more
	idle     chan struct{} // closed once released without tasks
	runErr   error
}

// errStopped is why requests are cut short when the process ends: they are not answered, so that
// their callers go elsewhere.
var errStopped = errors.New("the peer stops")

// NewServer returns a server for node, which runs with options.
func NewServer(node Node, options Options, log *slog.Logger) *Server {
	s := &Server{
		node:    node,
		options: options,
		log:     log,
		tasks:   make(map[*Task]struct{}),
		idle:    make(chan struct{}),
	}
	s.running, s.halt = context.WithCancel(context.Background())
	return s
}

// Serve answers requests on ln, which it closes, until ctx ends, the node fails, or the server was
// released and has no task left. Before it returns all tasks have ended and the node's Run has returned.
// The error is the node's. It is called once.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	base, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	s.mu.Lock()
	s.cancel = cancel
	s.mu.Unlock()
	hs := &http.Server{
		Handler:     s.handler(),
		BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- hs.Serve(ln) }()

	var err error
	select {
	case <-ctx.Done():
	case <-base.Done(): // the node failed
	case <-s.idle:
	case err = <-served:
	}
	cancel(errStopped)
	s.Release()
	<-s.idle
	s.halt()
	s.run.Wait()
	_ = hs.Close()
	return errors.Join(s.failure(), err)
}

// Release lets Serve return when the last task has ended; if there is none, at once.
func (s *Server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.released = true
	s.settle()
}

// Tasks returns what is being answered, oldest first.
func (s *Server) Tasks() []Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Task, 0, len(s.tasks))
	for t := range s.tasks {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b Task) int { return a.Since.Compare(b.Since) })
	return out
}

// begin registers a task. It returns nil when the server takes none any more.
func (s *Server) begin(verb, subject string, caller int) *Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	t := &Task{Verb: verb, Subject: subject, Caller: caller, Since: time.Now()}
	s.tasks[t] = struct{}{}
	return t
}

func (s *Server) finish(t *Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tasks, t)
	s.settle()
}

// settle closes the server when nobody needs it. s.mu is held.
func (s *Server) settle() {
	if s.released && len(s.tasks) == 0 && !s.closed {
		s.closed = true
		close(s.idle)
	}
}

// goOnline starts the node's Run if nothing has yet. A task of the caller must be open.
func (s *Server) goOnline() {
	s.online.Do(func() {
		s.run.Go(func() { s.fail(s.node.Run(s.running)) })
	})
}

// fail cuts all requests short with err when the node's Run returns before it was told to.
func (s *Server) fail(err error) {
	if s.running.Err() != nil {
		return
	}
	if err == nil {
		err = errors.New("the peer left the network")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runErr = err
	s.cancel(err)
}

func (s *Server) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runErr == nil {
		return nil
	}
	return fmt.Errorf("run: %w", s.runErr)
}
