package papertest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite what scenarios in testdata are expected to print")

// Scenarios runs each of testdata/*.txt, a test of its own, and fails where a file is not what play makes of it: the same
// commands, each with what it prints. With -update it rewrites the files instead.
func Scenarios(t *testing.T, play func(script string) (string, error)) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios in testdata: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) { scenario(t, name, play) })
	}
}

func scenario(t *testing.T, name string, play func(script string) (string, error)) {
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	got, err := play(string(want))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if got == string(want) {
		return
	}
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	line, has, wants := difference(got, string(want))
	t.Errorf("%s:%d: prints\n\t%s\nwant\n\t%s\n(-update rewrites the file)", name, line, has, wants)
}

// difference returns the first line, from 1 on, in which two texts differ.
func difference(got, want string) (line int, has, wants string) {
	gs, ws := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(gs), len(ws)) {
		has, wants = "(end)", "(end)"
		if i < len(gs) {
			has = gs[i]
		}
		if i < len(ws) {
			wants = ws[i]
		}
		if has != wants {
			return i + 1, has, wants
		}
	}
	return 0, "", ""
}
