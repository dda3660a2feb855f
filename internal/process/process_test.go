package process

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const soon = 20 * time.Second

// shell starts a script; it ends with the test.
func shell(t *testing.T, script string) *Process {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs sh")
	}
	p, err := Start(exec.CommandContext(t.Context(), "sh", "-c", script))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func TestEvent(t *testing.T) {
	t.Parallel()
	p := shell(t, `echo looking; echo '{"event":"progress","bytes":3}'; echo '{"event":"progress","bytes":7}'
		printf '{"event":"done","cid":"bafy","fetched":7}'`)
	half, err := p.EventWhere(soon, "progress", func(e Event) bool { return e.Bytes > 5 })
	if err != nil || half.Bytes != 7 {
		t.Fatalf("progress = %+v, %v", half, err)
	}
	done, err := p.Event(soon, "done")
	if err != nil || done.CID != "bafy" || done.Fetched != 7 || done.At < half.At {
		t.Fatalf("done = %+v, %v", done, err)
	}
	if err := p.Wait(soon); err != nil {
		t.Fatal(err)
	}
}

func TestEventThatNeverComes(t *testing.T) {
	t.Parallel()
	ended := shell(t, `echo '{"event":"error"}'; echo 'no space' >&2; exit 5`)
	if _, err := ended.Event(soon, "done"); err == nil || !strings.Contains(err.Error(), "no space") {
		t.Errorf("of a program that ended: %v", err)
	}
	if code := ended.ExitCode(); code != 5 {
		t.Errorf("exit code %d", code)
	}
	silent := shell(t, `exec sleep 60`)
	if _, err := silent.Event(10*time.Millisecond, "done"); err == nil || !strings.Contains(err.Error(), "within 10ms") {
		t.Errorf("of a silent program: %v", err)
	}
}

func TestKillAndInterrupt(t *testing.T) {
	t.Parallel()
	killed := shell(t, `trap '' INT; echo up; while :; do sleep 1; done`)
	if _, err := killed.Line(soon, func(s string) bool { return s == "up" }); err != nil {
		t.Fatal(err)
	}
	killed.Kill()
	var exit *exec.ExitError
	if err := killed.Wait(soon); !errors.As(err, &exit) {
		t.Errorf("killed: %v", err)
	}
	asked := shell(t, `trap 'echo bye; exit 130' INT; echo up; while :; do sleep 0.05; done`)
	if _, err := asked.Line(soon, func(s string) bool { return s == "up" }); err != nil {
		t.Fatal(err)
	}
	if err := asked.Interrupt(); err != nil {
		t.Fatal(err)
	}
	if err := asked.Wait(soon); err == nil || asked.ExitCode() != 130 {
		t.Errorf("interrupted: %v, exit code %d", err, asked.ExitCode())
	}
}

func TestContextEndsProcess(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p, err := Start(exec.CommandContext(ctx, "sleep", "60"))
	if err != nil {
		t.Skip("needs sleep")
	}
	cancel()
	if err := p.Wait(soon); err == nil {
		t.Error("it ended well")
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	p := shell(t, `i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo counted; kill -STOP $$`)
	if _, err := p.Line(soon, func(s string) bool { return s == "counted" }); err != nil {
		t.Fatal(err)
	}
	cpu, err := p.CPU()
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil || cpu <= 0 || cpu > soon {
		t.Errorf("CPU of a running process: %v, %v", cpu, err)
	}
	if rss, err := p.RSS(); err != nil || rss < 64<<10 {
		t.Errorf("RSS of a running process: %d, %v", rss, err)
	}
	p.Kill()
	if after, err := p.CPU(); err != nil || after < cpu-2*10*time.Millisecond {
		t.Errorf("CPU fell from %v to %v, %v", cpu, after, err)
	}
	if rss, err := p.MaxRSS(); err != nil || rss < 64<<10 {
		t.Errorf("MaxRSS: %d, %v", rss, err)
	}
}
