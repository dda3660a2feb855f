package systemtest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/discovery/chord"
	"github.com/seed4134be55/peer/discovery/kademlia"
	"github.com/seed4134be55/peer/discovery/kelips"
	"github.com/seed4134be55/peer/discovery/modetest"
	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/overlay/live"
	"github.com/seed4134be55/peer/discovery/pastry"
	"github.com/seed4134be55/peer/internal/process"
	"github.com/seed4134be55/peer/reach"
)

const (
	crowd  = 24 // processes
	killed = 8  // of them
)

// repairTimes are how long after a third of the peers has died each mode may take until it finds whatever those who are
// left provide: docs/discovery.md states them.
var repairTimes = map[string]time.Duration{
	"kademlia": 30 * time.Second,
	"chord":    time.Minute,
	"pastry":   time.Minute,
	"kelips":   time.Minute,
}

// Many real peers on one machine, each with a file that nobody else has. Every mode finds every provider; when a third of
// the peers is killed, every mode finds every provider that is left. Who is asked is another peer, of this process.
func TestOverlaysFindEveryProvider(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	asker := c.ask(t)
	began := time.Now()
	asker.findAll(t, c.sharers, began, time.Minute)
	for _, i := range c.rand.Perm(crowd)[:killed] {
		c.sharers[i].Kill()
	}
	began = time.Now()
	asker.findAll(t, c.living(), began, 0)
}

// A sharerCrowd is the processes that share.
type sharerCrowd struct {
	rand    *rand.Rand
	sharers []*sharer
}

type sharer struct {
	*process.Process
	id   peer.ID
	addr string
	cid  cid.Cid
	dead bool
}

// Kill ends it by SIGKILL.
func (s *sharer) Kill() {
	s.Process.Kill()
	s.dead = true
}

// newCrowd starts the processes. Their keys follow from a seed, so that who keeps what is the same in every run.
func newCrowd(t *testing.T) *sharerCrowd {
	t.Helper()
	const seed = 1
	t.Logf("seed %d", seed)
	c := &sharerCrowd{rand: rand.New(rand.NewPCG(seed, 0))}
	dir := memory(t)
	first := startSharer(t, dir, 0, "none")
	c.sharers = append(c.sharers, first)
	for i := 1; i < crowd; i++ {
		c.sharers = append(c.sharers, startSharer(t, dir, i, first.addr))
	}
	for _, s := range c.sharers[1:] {
		s.wait(t)
	}
	return c
}

func (c *sharerCrowd) living() (all []*sharer) {
	for _, s := range c.sharers {
		if !s.dead {
			all = append(all, s)
		}
	}
	return all
}

// startSharer starts the i-th process. Only the first is waited for.
func startSharer(t *testing.T, dir string, i int, bootstrap string) *sharer {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	home, file := filepath.Join(dir, fmt.Sprint("home", i)), filepath.Join(dir, fmt.Sprint("file", i))
	if err := os.WriteFile(file, fmt.Appendf(nil, "what %d has\n", i), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &sharer{id: seededHome(t, home, i)}
	var modes []string
	for mode := range repairTimes {
		modes = append(modes, mode)
	}
	cmd := exec.Command(program, "--json", "--home", home, "--reach", "loopback", "--modes", strings.Join(modes, ","),
		"--bootstrap", bootstrap, "share", file)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "PEER_HOME=", "PEER_REACH=loopback", "PEER_MODES=")
	if s.Process, err = process.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Process.Kill)
	if i == 0 {
		s.wait(t)
	}
	return s
}

// wait waits until it shares.
func (s *sharer) wait(t *testing.T) {
	t.Helper()
	e, err := s.Event(soon, "shared")
	if err != nil {
		t.Fatal(err)
	}
	if s.cid, err = cid.Decode(e.CID); err != nil {
		t.Fatal(err)
	}
	_, at, _ := strings.Cut(e.Link, "?a=")
	s.addr, _, _ = strings.Cut(at, "&")
}

// seededHome makes a home whose key follows from a number.
func seededHome(t *testing.T, dir string, i int) peer.ID {
	t.Helper()
	seed := sha256.Sum256(fmt.Appendf(nil, "sharer %d", i))
	var source [32]byte
	copy(source[:], seed[:])
	key, _, err := crypto.GenerateEd25519Key(rand.NewChaCha8(source))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := crypto.MarshalPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "identity.key"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// An asker runs every mode and provides nothing.
type asker struct{ modes []discovery.Mode }

func (c *sharerCrowd) ask(t *testing.T) *asker {
	t.Helper()
	info, err := peer.AddrInfoFromString(c.sharers[1].addr)
	if err != nil {
		t.Fatal(err)
	}
	h := modetest.Hosts(t, 1)[0]
	a := &asker{modes: everyMode(t, h, []peer.AddrInfo{*info})}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, m := range a.modes {
		running.Go(func() { _ = m.Run(ctx) })
	}
	t.Cleanup(func() { cancel(); running.Wait() })
	return a
}

func everyMode(t *testing.T, h host.Host, bootstrap []peer.AddrInfo) []discovery.Mode {
	t.Helper()
	dht, err := kademlia.New(kademlia.Config{Host: h, Reach: reach.Loopback, Bootstrap: bootstrap})
	if err != nil {
		t.Fatal(err)
	}
	modes := []discovery.Mode{dht}
	for _, protocol := range []func() (overlay.Protocol, error){
		func() (overlay.Protocol, error) { return chord.Protocol(chord.Config{}) },
		func() (overlay.Protocol, error) { return pastry.Protocol(pastry.Config{}) },
		func() (overlay.Protocol, error) { return kelips.Protocol(kelips.Config{}) },
	} {
		p, err := protocol()
		if err != nil {
			t.Fatal(err)
		}
		m, err := live.New(live.Config{Host: h, Reach: reach.Loopback, Bootstrap: bootstrap, Protocol: p})
		if err != nil {
			t.Fatal(err)
		}
		modes = append(modes, m)
	}
	return modes
}

// findAll asks every mode, all at once, until it has found every sharer, within a time or, if that is 0, within the mode's
// repair time.
func (a *asker) findAll(t *testing.T, sharers []*sharer, began time.Time, within time.Duration) {
	t.Helper()
	var all sync.WaitGroup
	for _, m := range a.modes {
		all.Go(func() {
			limit := within
			if limit == 0 {
				limit = repairTimes[m.Name()]
			}
			ctx, cancel := context.WithDeadline(context.Background(), began.Add(limit))
			defer cancel()
			missing := sharers
			for len(missing) > 0 && ctx.Err() == nil {
				missing = unfound(ctx, m, missing)
			}
			if len(missing) > 0 {
				t.Errorf("%s: %d of %d providers not found within %v: %s", m.Name(), len(missing), len(sharers), limit, m.(discovery.Reporter).Report())
				return
			}
			t.Logf("%s: found all %d after %v", m.Name(), len(sharers), time.Since(began).Round(time.Millisecond))
		})
	}
	all.Wait()
}

// unfound asks a mode for each and returns those that it did not find.
func unfound(ctx context.Context, m discovery.Mode, sharers []*sharer) (missing []*sharer) {
	for _, s := range sharers {
		if !finds(ctx, m, s) {
			missing = append(missing, s)
		}
	}
	if len(missing) > 0 {
		select { // a mode that answers at once is not asked without end
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return missing
}

func finds(ctx context.Context, m discovery.Mode, s *sharer) bool {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for info := range m.FindProvidersAsync(ctx, s.cid, 0) {
		if info.ID == s.id {
			return true
		}
	}
	return false
}
