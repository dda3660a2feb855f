package main

import (
	"context"
	"os"
	"os/exec"
	"time"

	"github.com/seed4134be55/peer/internal/process"
)

// patience bounds each wait for peer. It is far above what any figure allows: a hang shall end, not fail a ratio.
const patience = 15 * time.Minute

// verb is a command of peer's with a home of its own, on loopback.
func (w *workspace) verb(ctx context.Context, home string, words ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, w.peer, words...)
	cmd.Env = environment(home, "loopback")
	return cmd
}

// environment keeps the user's own home and config out of the measurement.
func environment(home, reach string) []string {
	return append(os.Environ(), "PEER_HOME="+home, "PEER_REACH="+reach, "XDG_CONFIG_HOME="+home)
}

// share starts sharing path and returns when others can fetch it.
func (w *workspace) share(ctx context.Context, home, path string) (*process.Process, process.Event, error) {
	return w.startUntil("shared", w.verb(ctx, home, "share", "--json", path))
}

// startUntil starts a verb that goes on, and returns when it has printed the event.
func (w *workspace) startUntil(event string, cmd *exec.Cmd) (*process.Process, process.Event, error) {
	p, err := process.Start(cmd)
	if err != nil {
		return nil, process.Event{}, err
	}
	e, err := p.Event(patience, event)
	if err != nil {
		p.Kill()
		return nil, e, err
	}
	return p, e, nil
}

// stop ends a verb as Ctrl-C does; what it says about that in its exit code does not matter here.
func stop(p *process.Process) error {
	if err := p.Interrupt(); err != nil {
		return err
	}
	err := p.Wait(patience)
	if p.ExitCode() < 0 {
		p.Kill()
		return err
	}
	return nil
}
