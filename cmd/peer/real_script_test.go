//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed4134be55/peer/internal/process"
	"github.com/seed4134be55/peer/node/api"
)

// The scripts in testdata/real are played by real nodes on this machine, each home a peer of its own. Four commands
// are theirs:
//
//	serving HOME [flags]        serves until the script ends; $HOME_addr is an address of it, $HOME_id its peer id
//	sharing HOME PATH [flags]   shares until the script ends; $link and $cid are what it printed, $sharer its process
//	exits CODE peer …           runs it as exec does, and wants that exit code
//	until TEXT peer …           runs it again and again until it prints that
func TestRealScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/real",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PEER_TEST_MAIN", "real")
			e.Setenv("PEER_HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("PEER_REACH", "loopback")
			e.Setenv("PEER_MODES", "none")
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"serving": serving, "sharing": sharing, "exits": exits, "until": until},
	})
}

// scriptEnv returns the environment of a script's programs.
func scriptEnv(ts *testscript.TestScript) []string {
	env := os.Environ()
	for _, name := range []string{"PEER_TEST_MAIN", "PEER_HOME", "PEER_REACH", "PEER_MODES", "XDG_CONFIG_HOME", "HOME"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

// start starts peer on a home; it ends with the script.
func start(ts *testscript.TestScript, home string, args ...string) *process.Process {
	cmd := exec.Command(os.Args[0], append([]string{"--json", "--home", ts.MkAbs(home)}, args...)...)
	cmd.Dir, cmd.Env = ts.Getenv("WORK"), scriptEnv(ts)
	p, err := process.Start(cmd)
	ts.Check(err)
	ts.Defer(p.Kill)
	return p
}

// event waits for one of that name.
func event(ts *testscript.TestScript, p *process.Process, name string) (e api.Event) {
	line, err := p.Event(soon, name)
	ts.Check(err)
	ts.Check(json.Unmarshal([]byte(line.Line), &e))
	return e
}

func serving(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: serving HOME [flags]")
	}
	e := event(ts, start(ts, args[0], append([]string{"serve"}, args[1:]...)...), api.EventServing)
	ts.Setenv(args[0]+"_addr", e.Addrs[0])
	ts.Setenv(args[0]+"_id", e.Peer)
}

func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until TEXT PROGRAM [args]")
	}
	for end := time.Now().Add(soon); ; {
		err := ts.Exec(args[1], args[2:]...)
		out := ts.ReadFile("stdout")
		if err == nil && strings.Contains(out, args[0]) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("no %s in %s, %v", args[0], out, err)
		}
	}
}

func sharing(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: sharing HOME PATH [flags]")
	}
	p := start(ts, args[0], append([]string{"share"}, args[1:]...)...)
	e := event(ts, p, api.EventShared)
	ts.Setenv("link", e.Link)
	ts.Setenv("cid", e.Cid)
	ts.Setenv("sharer", strconv.Itoa(p.Pid()))
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [args]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, not %d", got, want)
	}
}
