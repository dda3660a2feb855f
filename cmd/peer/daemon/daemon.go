package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/node/home"
)

// Open builds the node of a home whose lock is held. It starts nothing and is quick.
type Open func(ctx context.Context, h *home.Home, o api.Options) (api.Node, error)

// Config says what to run a verb with.
type Config struct {
	Home    *home.Home
	Options api.Options
	Open    Open
	Log     *slog.Logger
}

// A Verb is what the user asked for.
type Verb struct {
	Name    string // as in the API: api.VerbGet, …
	Request any
	Emit    func(api.Event) // called from one goroutine at a time
	Data    io.Writer       // for api.VerbCat
}

// Run does v and returns its error. It becomes the home's daemon if no process is, and then goes on after
// v's end while others need it, but not beyond life. ctx, which ends no later than life, is v's own: when
// it ends v is given up, and the error is its cause.
func Run(ctx, life context.Context, c Config, v Verb) error {
	r := &resumable{verb: v}
	w := newWait(c.Home, v.Emit)
	for {
		lock, err := c.Home.Lock()
		if err == nil {
			return errors.Join(hold(ctx, life, c, r), lock.Unlock())
		}
		if !errors.Is(err, home.ErrHeld) {
			return err
		}
		err = ask(ctx, c, r)
		if !unanswered(err) {
			return err
		}
		if err := w.pause(ctx, err, r.received); err != nil {
			return err
		}
	}
}

// ask hands the verb to the process that holds the home.
func ask(ctx context.Context, c Config, r *resumable) error {
	socket, err := c.Home.Socket()
	if fault.KindOf(err) == fault.NotFound {
		return fmt.Errorf("%w: %w", api.ErrNobody, err)
	}
	if err != nil {
		return err
	}
	client := api.Client{Socket: socket}
	return client.Do(ctx, r.call(c.Options))
}

func unanswered(err error) bool {
	return errors.Is(err, api.ErrNobody) || errors.Is(err, api.ErrLost) || errors.Is(err, api.ErrSilent)
}

// hold is the life of a daemon. The lock is held.
func hold(ctx, life context.Context, c Config, r *resumable) (err error) {
	node, err := c.Open(life, c.Home, c.Options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, node.Close()) }()
	ln, err := c.Home.Listen()
	if err != nil {
		return err
	}
	server := api.NewServer(node, c.Options, c.Log)
	served := make(chan error, 1)
	go func() { served <- server.Serve(life, ln) }()

	err = ask(ctx, c, r)
	if unanswered(err) {
		err = fmt.Errorf("this peer's own control socket: %w", err)
	}
	server.Release()
	tellWaiting(r.verb.Emit, server.Tasks())
	if ended := <-served; err == nil {
		err = ended
	}
	return err
}

// tellWaiting says what keeps the process after its own verb.
func tellWaiting(emit func(api.Event), tasks []api.Task) {
	var words []string
	for _, t := range tasks {
		if t.Caller != os.Getpid() {
			words = append(words, strings.TrimSpace(t.Verb+" "+t.Subject))
		}
	}
	if len(words) == 0 {
		return
	}
	emit(api.Event{
		Event:   api.EventWaiting,
		Message: fmt.Sprintf("still running for other commands: %s (Ctrl-C ends this process; they carry on without it)", strings.Join(words, ", ")),
	})
}
