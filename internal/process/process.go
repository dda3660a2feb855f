// Package process runs peer as a script would: start it, read its JSON lines, stop it, see what it used.
//
// Tests with real processes and the programs in bench share it. It knows the command line's JSON
// contract and nothing of peer's own packages. Start reading at Start.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// lingering bounds how long after its end a process' output is still read: a grandchild may hold the pipe open.
const lingering = 2 * time.Second

// Process is one running or finished program. Its methods may be called from any goroutine, but lines
// are handed out once: two goroutines that wait for lines take them from each other.
type Process struct {
	cmd    *exec.Cmd
	stdout lines
	stderr tail
	done   chan struct{} // closed when it has ended and its output is read
	err    error         // what exec's Wait said; set before done is closed
}

// Start starts cmd, whose output must not be set yet. On Linux the process dies with this one. The
// caller stops it by Kill or by the context that cmd was made with.
func Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, done: make(chan struct{})}
	p.stdout.wake = make(chan struct{}, 1)
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	cmd.WaitDelay = lingering
	dieWithParent(cmd)
	p.stdout.start = time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		p.stdout.close()
		close(p.done)
	}()
	return p, nil
}

// Run starts cmd, waits for its end and returns the process, to ask it what it printed and used.
func Run(cmd *exec.Cmd, within time.Duration) (*Process, error) {
	p, err := Start(cmd)
	if err != nil {
		return nil, err
	}
	if err := p.Wait(within); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

// Line takes lines until match accepts one, and returns it without its newline. Lines that match
// refuses are dropped.
func (p *Process) Line(within time.Duration, match func(line string) bool) (string, error) {
	l, err := p.take(within, "the line waited for", func(l line) bool { return match(l.text) })
	return l.text, err
}

// Wait waits for the end of p. The error is exec's *ExitError with what p wrote to stderr, or says that
// p still ran after within.
func (p *Process) Wait(within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	select {
	case <-p.done:
	case <-ctx.Done():
		return p.complain(fmt.Errorf("still running after %v", within))
	}
	if p.err != nil {
		return p.complain(p.err)
	}
	return nil
}

// ExitCode returns the exit code of p, or -1 while it runs and when a signal ended it.
func (p *Process) ExitCode() int {
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	default:
		return -1
	}
}

// Kill ends p by SIGKILL, as a power cut would, and returns when it has ended. A process that has ended
// already is left as it is.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Interrupt sends what Ctrl-C sends.
func (p *Process) Interrupt() error { return p.cmd.Process.Signal(os.Interrupt) }

// Pid returns the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Stderr returns the last 64 KiB that p wrote to stderr.
func (p *Process) Stderr() string { return p.stderr.String() }

// take hands out the next line that match accepts.
func (p *Process) take(within time.Duration, what string, match func(line) bool) (line, error) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	for {
		l, ok, ended := p.stdout.next()
		switch {
		case ok && match(l):
			return l, nil
		case ok:
			continue
		case ended:
			<-p.done
			return line{}, p.complain(fmt.Errorf("ended (%v) without %s", p.cmd.ProcessState, what))
		}
		select {
		case <-p.stdout.wake:
		case <-timer.C:
			return line{}, p.complain(fmt.Errorf("no sign of %s within %v", what, within))
		}
	}
}

// complain says which command it was and what it wrote to stderr.
func (p *Process) complain(err error) error {
	verb := filepath.Base(p.cmd.Path)
	if len(p.cmd.Args) > 1 {
		verb += " " + strings.Join(p.cmd.Args[1:], " ")
	}
	if said := strings.TrimSpace(p.Stderr()); said != "" {
		return fmt.Errorf("%s: %w: %s", verb, err, said)
	}
	if last := p.stdout.lastLine(); last != "" {
		return fmt.Errorf("%s: %w: last printed %s", verb, err, last)
	}
	return fmt.Errorf("%s: %w", verb, err)
}

// ErrUnsupported says that this system does not tell what a process uses.
var ErrUnsupported = errors.New("not known on this system")
