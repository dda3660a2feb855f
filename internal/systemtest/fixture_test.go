package systemtest

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed4134be55/peer/internal/netlab"
	"github.com/seed4134be55/peer/internal/process"
)

const (
	// soon is far longer than anything takes that is not itself a wait; whoever waits so long waits for ever.
	soon = 60 * time.Second
	mib  = 1 << 20
	// piece is the largest block that the default profile makes.
	piece = 1 * mib
)

// A world is one lab and the peers in it.
type world struct {
	*testing.T
	lab *netlab.Lab
	dir string
}

func newWorld(t *testing.T, o netlab.Options) *world {
	t.Helper()
	return &world{t, netlab.New(t, o), t.TempDir()}
}

// file writes n bytes that no other file holds and returns its path.
func (w *world) file(name string, n int) string {
	w.Helper()
	seed := rand.Uint64()
	w.Logf("%s: %d bytes of seed %d", name, n, seed)
	content := make([]byte, n)
	var key [32]byte
	copy(key[:], strconv.FormatUint(seed, 10))
	_, _ = rand.NewChaCha8(key).Read(content) // never fails
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		w.Fatal(err)
	}
	return path
}

// sh runs a program on a host, as root there.
func (w *world) sh(host, name string, args ...string) {
	w.Helper()
	if out, err := w.lab.Command(context.Background(), host, name, args...).CombinedOutput(); err != nil {
		w.Fatalf("%s: %s %v: %v: %s", host, name, args, err, out)
	}
}

// same fails the test unless two files hold the same bytes.
func (w *world) same(got, want string) {
	w.Helper()
	a, err := os.ReadFile(got)
	if err != nil {
		w.Fatal(err)
	}
	b, err := os.ReadFile(want)
	if err != nil {
		w.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		w.Errorf("%s (%d bytes) is not %s (%d bytes)", got, len(a), want, len(b))
	}
}

// A home is one peer's state on one host, and the global options that all its processes have.
type home struct {
	*world
	host    string
	dir     string
	options []string
}

// home makes a peer of that host, with a reach. Names of homes need only differ on one host.
func (w *world) home(host, name, reach string, options ...string) *home {
	dir := filepath.Join(w.dir, host+"-"+name)
	return &home{w, host, dir, append([]string{"--json", "--home", filepath.Join(dir, "home"), "--reach", reach}, options...)}
}

// start runs a verb; it ends with the test.
func (h *home) start(args ...string) *process.Process {
	h.Helper()
	program, err := binary()
	if err != nil {
		h.Fatal(err)
	}
	cmd := h.lab.Command(context.Background(), h.host, program, append(h.options, args...)...)
	// Nothing of the user who runs the tests is read or written.
	cmd.Env = append(os.Environ(), "HOME="+h.dir, "XDG_CONFIG_HOME="+h.dir, "PEER_HOME=", "PEER_REACH=loopback")
	p, err := process.Start(cmd)
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(p.Kill)
	return p
}

// into is the folder that this home's downloads go to.
func (h *home) into() string { return filepath.Join(h.dir, "downloads") }

// got is the path of a download that is done.
func (h *home) got(name string) string { return filepath.Join(h.into(), name) }

// get starts a download into the home's folder.
func (h *home) get(link string, options ...string) *process.Process {
	h.Helper()
	return h.start(append([]string{"get", "-o", h.into(), link}, options...)...)
}

// share shares path and returns when others can fetch it. The process goes on.
func (h *home) share(path string, options ...string) (event, *process.Process) {
	h.Helper()
	p := h.start(append([]string{"share", path}, options...)...)
	return h.event(p, "shared"), p
}

// serve starts a peer that serves what the home shares, and returns its addresses for others.
func (h *home) serve(options ...string) (addrs []string, p *process.Process) {
	h.Helper()
	p = h.start(append([]string{"serve"}, options...)...)
	e := h.event(p, "serving")
	if len(e.Addrs) == 0 {
		h.Fatalf("%s serves at no address: %s", h.host, e.Line)
	}
	return e.Addrs, p
}

// ask runs a verb to its end and returns the events of that name.
func (h *home) ask(name, verb string, args ...string) []event {
	h.Helper()
	p := h.start(append([]string{verb}, args...)...)
	if err := p.Wait(soon); err != nil {
		h.Fatal(err)
	}
	var all []event
	for {
		e, err := p.Event(soon, name)
		if err != nil {
			return all // the end of what it printed
		}
		all = append(all, h.parse(e))
	}
}

// An event is one of peer's with the fields that process.Event leaves out.
type event struct {
	process.Event
	Name  string
	Peer  string
	Addrs []string
	State string
	Hint  string
	Swarm []met
}

// A met is a peer of a transfer.
type met struct {
	Peer, From            string
	Have                  float64
	LAN, Relayed, Limited bool
	Source, Client        bool
	Rate                  float64
	UpRate                float64 `json:"up_rate"`
}

func (w *world) parse(e process.Event) event {
	w.Helper()
	full := event{Event: e}
	if err := json.Unmarshal([]byte(e.Line), &full); err != nil {
		w.Fatalf("%v: %s", err, e.Line)
	}
	return full
}

// event waits for an event of p.
func (w *world) event(p *process.Process, name string) event {
	w.Helper()
	e, err := p.Event(soon, name)
	if err != nil {
		w.Fatal(err)
	}
	return w.parse(e)
}

// progress waits until p has at least a share of what it fetches.
func (w *world) progress(p *process.Process, share float64) event {
	w.Helper()
	e, err := p.EventWhere(soon, "progress", func(e process.Event) bool {
		return e.Total > 0 && float64(e.Bytes) >= share*float64(e.Total)
	})
	if err != nil {
		w.Fatal(err)
	}
	return w.parse(e)
}

// fails waits for the end of p, which says why it failed, and returns what it said.
func (w *world) fails(p *process.Process, kind string, code int) string {
	w.Helper()
	e := w.event(p, "error")
	_ = p.Wait(soon)
	if e.Kind != kind || p.ExitCode() != code {
		w.Errorf("failed with %s and exit code %d, want %s and %d: %s", e.Kind, p.ExitCode(), kind, code, e.Message)
	}
	return e.Message
}

// stop ends a peer that serves until Ctrl-C, by that.
func (w *world) stop(p *process.Process) {
	w.Helper()
	if err := p.Interrupt(); err != nil {
		w.Fatal(err)
	}
	if err := p.Wait(soon); err != nil {
		w.Errorf("interrupted: %v", err)
	}
}

// within returns the first of addrs that holds text.
func within(addrs []string, text string) string {
	for _, a := range addrs {
		if strings.Contains(a, text) {
			return a
		}
	}
	return ""
}
