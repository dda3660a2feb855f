//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed4134be55/peer/internal/process"
	"github.com/seed4134be55/peer/node/api"
)

// The scripts in testdata/real are played by real nodes on this machine, each home a peer of its own. Two commands
// are theirs:
//
//	sharing HOME PATH [flags]   shares until the script ends; $link and $cid are what it printed, $sharer its process
//	exits CODE peer …           runs it as exec does, and wants that exit code
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
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"sharing": sharing, "exits": exits},
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

func sharing(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: sharing HOME PATH [flags]")
	}
	cmd := exec.Command(os.Args[0], append([]string{"--json", "--home", ts.MkAbs(args[0]), "share"}, args[1:]...)...)
	cmd.Dir, cmd.Env = ts.Getenv("WORK"), scriptEnv(ts)
	p, err := process.Start(cmd)
	ts.Check(err)
	ts.Defer(p.Kill)
	shared, err := p.Event(soon, api.EventShared)
	ts.Check(err)
	var e api.Event
	ts.Check(json.Unmarshal([]byte(shared.Line), &e))
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
