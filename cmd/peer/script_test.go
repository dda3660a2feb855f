package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts in testdata run peer as a user does, with a fake node where a verb needs one. They show how
// each verb is used, and what it says when it is used wrongly.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PEER_HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("PEER_TEST_WORLD", filepath.Join(e.WorkDir, "world"))
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			e.Setenv("HOME", e.WorkDir)
			return os.MkdirAll(filepath.Join(e.WorkDir, "world"), 0o700)
		},
	})
}

func TestMain(m *testing.M) {
	switch os.Getenv("PEER_TEST_MAIN") { // set for the processes of process_unix_test.go
	case "fake":
		mainOf(openFake)
	case "real":
		main()
	}
	testscript.Main(m, map[string]func(){"peer": func() { mainOf(openFake) }})
}
