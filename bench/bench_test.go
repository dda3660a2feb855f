package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed4134be55/peer/internal/netlab"
)

// TestMain lets the test binary stand in for both programs that bench runs.
func TestMain(m *testing.M) {
	if os.Getenv("BENCH_STAND_IN") == "" {
		os.Exit(m.Run())
	}
	if err := standIn(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// standIn keeps the command line's contract in the simplest way: a link is the shared path itself.
func standIn(args []string) error {
	last := args[len(args)-1]
	switch args[0] {
	case "sha256", "stream":
		return say(map[string]any{"seconds": 1, "mib_per_s": 100, "cpu_s_per_gib": 2})
	case "share":
		return sayUntilInterrupt(map[string]any{"event": "shared", "link": last, "seconds": 0.5})
	case "serve":
		return sayUntilInterrupt(map[string]any{"event": readyEvent})
	case "get":
		into := args[len(args)-2]
		if out, err := exec.Command("cp", "-r", last, into).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		if damage := os.Getenv("BENCH_DAMAGE"); damage != "" {
			if err := os.WriteFile(filepath.Join(into, damage), nil, 0o600); err != nil {
				return err
			}
		}
		return say(map[string]any{"event": "done", "path": into, "seconds": 0.5})
	}
	return fmt.Errorf("what is %q?", args)
}

func say(v any) error { return json.NewEncoder(os.Stdout).Encode(v) }

func sayUntilInterrupt(v any) error {
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt)
	if err := say(v); err != nil {
		return err
	}
	<-interrupt
	return errors.New("interrupted")
}

// small is a workspace with little input and stand-ins for the programs.
func small(t *testing.T) *workspace {
	t.Helper()
	t.Setenv("BENCH_STAND_IN", "1")
	t.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector would keep each stand-in for a second at its end
	w, err := newWorkspace(t.TempDir(), 2, 3<<20, 20)
	if err != nil {
		t.Fatal(err)
	}
	w.peer, w.baseline = os.Args[0], os.Args[0]
	return w
}

func TestFigures(t *testing.T) {
	w := small(t)
	chosen, err := choose([]string{"share", "get", "sharefolder", "getfolder", "ready"})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := report(t.Context(), w, chosen, &out); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if got := strings.Count(line, "|"); got != 7 {
			t.Errorf("%d bars in %s", got, line)
		}
	}
	for _, want := range []string{"beside one raw libp2p stream", "0.50 (0.50–0.50)", "ready to serve", "-runs 2 -mib 3 -files 20 getfolder"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestIdle(t *testing.T) {
	netlab.Require(t)
	rows, err := small(t).idleAfter(t.Context(), time.Millisecond)
	if err != nil || len(rows) == 0 || rows[0].peer.median() <= 0 {
		t.Errorf("%+v, %v", rows, err)
	}
}

// A get that brings something else is an error, not a figure.
func TestDamageIsSeen(t *testing.T) {
	for _, damage := range []string{"file00003.bin", "more.bin"} {
		w := small(t)
		t.Setenv("BENCH_DAMAGE", damage)
		if _, err := getFolder(t.Context(), w); err == nil {
			t.Errorf("%s was not noticed", damage)
		}
	}
}

func TestInput(t *testing.T) {
	w := small(t)
	folder, err := w.folder()
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	err = filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		info, err := d.Info()
		if err == nil && (info.Size() < smallLeast || info.Size() > smallMost) {
			t.Errorf("%s has %d bytes", name, info.Size())
		}
		return err
	})
	if err != nil || files != w.smallFiles {
		t.Errorf("%d files, %v", files, err)
	}
	sparse, err := w.sparse(4 * sparseStep)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(sparse)
	if err != nil || len(data) != 4*sparseStep {
		t.Fatalf("%d bytes, %v", len(data), err)
	}
	if bytes.Equal(data[:sparseStep], data[sparseStep:2*sparseStep]) {
		t.Error("two chunks are alike")
	}
}

func TestSamples(t *testing.T) {
	for _, c := range []struct {
		in     samples
		median float64
		text   string
	}{
		{nil, 0, "–"},
		{samples{2}, 2, "2.00 s"},
		{samples{3, 1, 2}, 2, "2.00 (1.00–3.00) s"},
		{samples{400, 1, 2, 0.0123}, 1.5, "1.50 (0.012–400) s"},
	} {
		if m := c.in.median(); m != c.median {
			t.Errorf("median of %v: %v", c.in, m)
		}
		if s := c.in.text("s"); s != c.text {
			t.Errorf("text of %v: %q, want %q", c.in, s, c.text)
		}
	}
	if r := (samples{2, 9}).over(samples{1, 3}); r[0] != 2 || r[1] != 3 {
		t.Errorf("ratios %v", r)
	}
}

func TestChoose(t *testing.T) {
	if all, err := choose([]string{"all"}); err != nil || len(all) != len(figures)-1 {
		t.Errorf("all: %d, %v", len(all), err)
	}
	for _, names := range [][]string{nil, {"speed"}} {
		if _, err := choose(names); err == nil {
			t.Errorf("%q was taken", names)
		}
	}
}
