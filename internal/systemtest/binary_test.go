package systemtest

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const command = "github.com/seed4134be55/peer/cmd/peer"

// scratch is a folder of the whole run, for the binary.
var scratch = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "peer-systemtest") })

// binary builds peer once for all tests, without the race detector: these tests are about what a user runs,
// and several of them share two cores.
var binary = sync.OnceValues(func() (string, error) {
	if err := lookAtSources(); err != nil {
		return "", err
	}
	dir, err := scratch()
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "peer")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", file, command).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w: %s", command, err, out)
	}
	return file, nil
})

// lookAtSources opens every folder of the module. go test repeats an old result while everything that the test
// opened is as it was; what a program that it runs opens, it does not know.
func lookAtSources() error {
	return filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." {
			return filepath.SkipDir
		}
		return err
	})
}

func TestMain(m *testing.M) {
	if at := os.Getenv(strangerMark); at != "" {
		strangersRelay(at)
		return
	}
	code := m.Run()
	if dir, err := scratch(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}
