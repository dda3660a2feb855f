package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery/kademlia/machine"
	"github.com/seed4134be55/peer/discovery/modetest"
	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

// testProtocol is the overlay of tests that are about no overlay.
func testProtocol(t testing.TB) overlay.Protocol {
	t.Helper()
	p, err := machine.Protocol(machine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newMode(t testing.TB, c Config) *Mode {
	t.Helper()
	if c.Protocol.New == nil {
		c.Protocol = testProtocol(t)
	}
	c.Log = slog.New(errorsFail{t})
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// errorsFail fails the test that logs an error.
type errorsFail struct{ t testing.TB }

func (errorsFail) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
func (h errorsFail) WithAttrs([]slog.Attr) slog.Handler             { return h }
func (h errorsFail) WithGroup(string) slog.Handler                  { return h }

func (h errorsFail) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
	if r.Level >= slog.LevelError {
		h.t.Errorf("logged: %s", line)
	} else {
		h.t.Logf("logged: %s", line)
	}
	return nil
}

func infoOf(h host.Host) peer.AddrInfo { return peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()} }

// start starts n modes that know the first by configuration.
func start(t testing.TB, n int, with func(i int, c *Config)) []*Mode {
	t.Helper()
	hosts := modetest.Hosts(t, n)
	var modes []*Mode
	for i, h := range hosts {
		c := Config{Host: h, Network: "test", Bootstrap: []peer.AddrInfo{infoOf(hosts[0])}}
		if with != nil {
			with(i, &c)
		}
		m := newMode(t, c)
		modetest.Go(t, m)
		modes = append(modes, m)
	}
	for i, m := range modes {
		modetest.Until(t, fmt.Sprint("somebody is in the tables of ", i), func() bool { return n == 1 || m.Census().Peers > 0 })
	}
	return modes
}

func find(t testing.TB, m *Mode, c cid.Cid) (ids []peer.ID) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for info := range m.FindProvidersAsync(ctx, c, 0) {
		ids = append(ids, info.ID)
		if len(info.Addrs) == 0 {
			t.Errorf("%s has no address", info.ID)
		}
	}
	return ids
}

func TestProvideAndFind(t *testing.T) {
	modetest.NoLeaks(t)
	modes := start(t, 6, nil)
	c := modetest.ContentID("x")
	for i, m := range modes[:2] {
		if err := m.Provide(t.Context(), c, true); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	for i, m := range modes[2:] {
		got := find(t, m, c)
		if len(got) != 2 || !slices.Contains(got, modes[0].host.ID()) || !slices.Contains(got, modes[1].host.ID()) {
			t.Errorf("%d found %v", i+2, got)
		}
	}
}

func TestValues(t *testing.T) {
	modetest.NoLeaks(t)
	modes := start(t, 4, nil)
	ctx := t.Context()
	if _, err := modes[0].Values(ctx, "coffee"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a key that nobody has: %v", err)
	}
	for _, put := range []struct {
		by    int
		value string
	}{{0, "black"}, {1, "white"}, {0, "none"}} {
		if err := modes[put.by].Put(ctx, "coffee", []byte(put.value)); err != nil {
			t.Fatal(err)
		}
	}
	for i, m := range modes {
		got, err := m.Values(ctx, "coffee")
		if err != nil || len(got) != 2 || string(got[0].Value) != "none" || got[0].Publisher != modes[0].host.ID() || string(got[1].Value) != "white" {
			t.Errorf("%d: %v, %v", i, got, err)
		}
	}
	for _, c := range []struct {
		key   string
		value int
	}{{"", 1}, {strings.Repeat("k", maxKey+1), 1}, {"k", overlay.MaxPayload + 1}} {
		if err := modes[0].Put(ctx, c.key, make([]byte, c.value)); fault.KindOf(err) != fault.BadInput {
			t.Errorf("a key of %d bytes, a value of %d: %v", len(c.key), c.value, err)
		}
	}
	if err := modes[0].Put(ctx, "full", make([]byte, overlay.MaxPayload)); err != nil {
		t.Errorf("the longest value: %v", err)
	}
}

func TestRoute(t *testing.T) {
	modetest.NoLeaks(t)
	modes := start(t, 4, nil)
	owners := 0
	for hop, err := range modes[1].Route(t.Context(), "coffee") {
		if err != nil {
			t.Fatal(err)
		}
		if hop.Owner {
			owners++
		} else if owners > 0 {
			t.Error("a hop after the owner")
		}
		if hop.Peer == "" || hop.Distance == "" {
			t.Errorf("hop %+v", hop)
		}
	}
	if owners != 1 {
		t.Errorf("%d owners", owners)
	}
}

func TestQuestionsBeforeAndAfterRun(t *testing.T) {
	modetest.NoLeaks(t)
	h := modetest.Hosts(t, 1)[0]
	m := newMode(t, Config{Host: h})
	c := modetest.ContentID("x")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := m.Provide(ctx, c, true); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("before: %v", err)
	}
	running, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- m.Run(running) }()
	if err := m.Provide(t.Context(), c, true); err != nil {
		t.Errorf("while it runs: %v", err)
	}
	began := time.Now()
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it stopped in %v", took)
	}
	if err := m.Provide(t.Context(), c, true); !errors.Is(err, errStopped) {
		t.Errorf("after: %v", err)
	}
	if slices.Contains(h.Mux().Protocols(), m.protocol) {
		t.Error("the protocol is still announced")
	}
	for range m.FindProvidersAsync(t.Context(), c, 0) {
		t.Error("found something after the end")
	}
}

func TestSharedWhileAloneIsFoundByWhoeverComes(t *testing.T) {
	modetest.NoLeaks(t)
	hosts := modetest.Hosts(t, 2)
	c := modetest.ContentID("early")
	first := newMode(t, Config{Host: hosts[0]})
	modetest.Go(t, first)
	if err := first.Provide(t.Context(), c, true); err != nil {
		t.Fatalf("provide with nobody there: %v", err)
	}
	if err := first.Put(t.Context(), "early", []byte("bird")); err != nil {
		t.Fatalf("put with nobody there: %v", err)
	}
	second := newMode(t, Config{Host: hosts[1]})
	modetest.Go(t, second)
	modetest.Connect(t, hosts[1], hosts[0]) // met in some other way
	modetest.Until(t, "it is found", func() bool { return slices.Equal(find(t, second, c), []peer.ID{hosts[0].ID()}) })
	values, err := second.Values(t.Context(), "early")
	if err != nil || len(values) != 1 || string(values[0].Value) != "bird" {
		t.Errorf("the value: %v, %v", values, err)
	}
}

// Records expire, and are published again before they do: what is shared, or what was provided.
func TestPublishedAgain(t *testing.T) {
	modetest.NoLeaks(t)
	shared, provided, dropped := modetest.ContentID("shared"), modetest.ContentID("provided"), modetest.ContentID("dropped")
	const life = 2 * time.Second
	modes := start(t, 4, func(i int, c *Config) {
		c.Life, c.Again = life, life/4
		if i == 1 {
			c.Shares = func() []cid.Cid { return []cid.Cid{shared} }
		}
	})
	for _, c := range []cid.Cid{shared, dropped} {
		if err := modes[1].Provide(t.Context(), c, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := modes[2].Provide(t.Context(), provided, true); err != nil {
		t.Fatal(err)
	}
	if got := find(t, modes[3], dropped); len(got) != 1 {
		t.Errorf("at first: %v", got)
	}
	modetest.Until(t, "what is shared no longer expires", func() bool { return len(find(t, modes[3], dropped)) == 0 })
	for i, c := range []cid.Cid{shared, provided} {
		if got := find(t, modes[3], c); len(got) != 1 || got[0] != modes[i+1].host.ID() {
			t.Errorf("%d: %v", i, got)
		}
	}
}

func TestTurnedOver(t *testing.T) {
	for _, c := range []struct {
		told, size int
		want       bool
	}{
		{0, 1, true}, {1, 1, false}, {1, 2, false}, {1, 3, true}, {10, 20, false}, {10, 21, true},
		{4, 3, true}, {5, 4, false}, {23, 19, false}, {23, 18, true}, {20, 15, true},
	} {
		if got := turnedOver(c.told, c.size); got != c.want {
			t.Errorf("from %d to %d: %v", c.told, c.size, got)
		}
	}
}

func TestBadConfig(t *testing.T) {
	h := modetest.Hosts(t, 1)[0]
	for _, c := range []Config{
		{Network: "Main"}, {Network: "a/b"}, {Life: overlay.MaxLifetime + 1}, {Life: -1}, {Again: -1},
	} {
		c.Host, c.Protocol = h, testProtocol(t)
		if _, err := New(c); fault.KindOf(err) != fault.BadInput {
			t.Errorf("%+v: %v, want bad input", c, err)
		}
	}
}

func TestSequencesGrow(t *testing.T) {
	p := &publisher{}
	last, began := uint64(0), uint64(time.Now().UnixMilli())
	for range 1000 {
		next := p.sequence()
		if next <= last || next < began {
			t.Fatalf("%d after %d, begun at %d", next, last, began)
		}
		last = next
	}
}
