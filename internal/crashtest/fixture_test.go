//go:build unix

package crashtest

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed4134be55/peer/internal/process"
)

const (
	command = "github.com/seed4134be55/peer/cmd/peer"
	// soon is far longer than anything here takes; whoever waits so long waits for ever.
	soon = 60 * time.Second
	mib  = 1 << 20
	// piece is the largest block that the default profile makes.
	piece = 1 * mib
)

var (
	roundsFlag = flag.Int("rounds", 0, "how often to kill: 20 unless said, 6 with -short")
	seedFlag   = flag.Uint64("seed", 0, "of content and moments; 0: a new one")
)

func rounds() int {
	switch {
	case *roundsFlag > 0:
		return *roundsFlag
	case testing.Short():
		return 6
	}
	return 20
}

// scratch is a folder of the whole run, for the binary.
var scratch = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "peer-crashtest") })

// binary builds peer once for all tests, without the race detector: what is measured is what a user runs.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := scratch()
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "peer")
	if out, err := exec.Command("go", "build", "-o", file, command).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w: %s", command, err, out)
	}
	return file, nil
})

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if dir, err := scratch(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// A scene is a folder with homes and content, and the chance in it.
type scene struct {
	*testing.T
	dir    string
	chance *rand.Rand
	fill   *rand.ChaCha8
}

func newScene(t *testing.T) *scene {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-seed %d", seed)
	var key [32]byte
	copy(key[:], fmt.Sprint(seed))
	return &scene{t, t.TempDir(), rand.New(rand.NewPCG(seed, 0)), rand.NewChaCha8(key)}
}

func (s *scene) path(name ...string) string {
	return filepath.Join(append([]string{s.dir}, name...)...)
}

func (s *scene) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// bytes returns n that no other call returns.
func (s *scene) bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = s.fill.Read(b) // never fails
	return b
}

func (s *scene) write(name string, content []byte) string {
	s.Helper()
	s.ok(os.MkdirAll(filepath.Dir(s.path(name)), 0o700))
	s.ok(os.WriteFile(s.path(name), content, 0o600))
	return s.path(name)
}

// start runs a verb on a home; it ends with the test.
func (s *scene) start(home string, args ...string) *process.Process {
	s.Helper()
	return s.startWith(nil, home, args...)
}

// startWithin is start for a process that may have only so many files open.
func (s *scene) startWithin(files int, home string, args ...string) *process.Process {
	s.Helper()
	return s.startWith([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$@"`, files), "sh"}, home, args...)
}

// startWith puts words before peer's own.
func (s *scene) startWith(before []string, home string, args ...string) *process.Process {
	s.Helper()
	program, err := binary()
	s.ok(err)
	words := append(append(before, program, "--json", "--modes", "none", "--home", home), args...)
	cmd := exec.CommandContext(s.Context(), words[0], words[1:]...)
	cmd.Dir = s.dir
	// Nothing of the user who runs the tests is read or written.
	cmd.Env = append(os.Environ(), "HOME="+s.dir, "XDG_CONFIG_HOME="+s.dir, "PEER_HOME=", "PEER_REACH=loopback")
	p, err := process.Start(cmd)
	s.ok(err)
	s.Cleanup(p.Kill)
	return p
}

func (s *scene) event(p *process.Process, name string) process.Event {
	s.Helper()
	e, err := p.Event(soon, name)
	s.ok(err)
	return e
}

// share shares a path and returns when others can fetch it.
func (s *scene) share(home, path string, options ...string) (process.Event, *process.Process) {
	s.Helper()
	p := s.start(home, append([]string{"share", path}, options...)...)
	return s.event(p, "shared"), p
}

// tree returns the files at or below path by their relative names; none if there is nothing.
func tree(path string) (map[string][]byte, error) {
	files := make(map[string][]byte)
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		files[strings.TrimPrefix(name, path)] = content
		return err
	})
	if os.IsNotExist(err) {
		err = nil
	}
	return files, err
}

// tree returns the files of what is shared.
func (s *scene) tree(name string) map[string][]byte {
	s.Helper()
	files, err := tree(s.path(name))
	s.ok(err)
	return files
}

// same fails the test unless got is want, bit for bit and with nothing beside it.
func (s *scene) same(got string, want map[string][]byte) {
	s.Helper()
	have, err := tree(got)
	s.ok(err)
	if len(have) != len(want) {
		s.Errorf("%s: %d files, not %d", got, len(have), len(want))
	}
	for name, content := range want {
		if !bytes.Equal(have[name], content) {
			s.Errorf("%s%s is not what was shared", got, name)
		}
	}
}

// present counts the bytes below a path that are whole leaves of want, in their places.
func (s *scene) present(path string, want map[string][]byte) (n int64) {
	s.Helper()
	have, err := tree(path)
	s.ok(err)
	for name, content := range want {
		part := have[name]
		for at := 0; at < len(content); at += piece {
			to := min(at+piece, len(content))
			if to <= len(part) && bytes.Equal(part[at:to], content[at:to]) {
				n += int64(to - at)
			}
		}
	}
	return n
}
