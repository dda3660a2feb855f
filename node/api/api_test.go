package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed4134be55/peer/fault"
)

// stub is a node of which a test says what it needs; the rest is not called.
type stub struct {
	Service
	get    func(context.Context, GetRequest, func(Event)) error
	cat    func(context.Context, CatRequest, io.Writer) error
	status func(func(Event)) error
	run    func(context.Context) error
	runs   atomic.Int32
}

func (s *stub) Get(ctx context.Context, r GetRequest, emit func(Event)) error {
	return s.get(ctx, r, emit)
}
func (s *stub) Cat(ctx context.Context, r CatRequest, w io.Writer, _ func(Event)) error {
	return s.cat(ctx, r, w)
}
func (s *stub) Status(_ context.Context, _ StatusRequest, emit func(Event)) error {
	return s.status(emit)
}
func (s *stub) Close() error { return nil }
func (s *stub) Run(ctx context.Context) error {
	s.runs.Add(1)
	if s.run != nil {
		return s.run(ctx)
	}
	<-ctx.Done()
	return nil
}

// A served node, and who asks it.
type served struct {
	*Server
	client Client
	stop   context.CancelFunc // as if the process were told to end
	ended  chan error         // what Serve returned
}

func serve(t *testing.T, n Node, o Options) *served {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	s := &served{NewServer(n, o, slog.New(slog.DiscardHandler)), Client{socket}, stop, make(chan error, 1)}
	go func() { s.ended <- s.Serve(ctx, ln) }()
	t.Cleanup(stop)
	return s
}

func (s *served) get(ctx context.Context, emit func(Event)) error {
	return s.client.Do(ctx, Call{Verb: VerbGet, Request: GetRequest{Links: []string{"x"}}, Emit: emit})
}

func ignore(Event) {}

// Events arrive in order, and the error with its kind.
func TestAnswer(t *testing.T) {
	n := &stub{get: func(_ context.Context, r GetRequest, emit func(Event)) error {
		for i := range 3 * maxQueued {
			emit(Event{Event: EventDone, Bytes: int64(i), Name: r.Links[0]})
		}
		return fault.New(fault.NoSpace, "disk full")
	}}
	s := serve(t, n, Options{})
	next := int64(0)
	err := s.get(t.Context(), func(e Event) {
		if e.Bytes != next || e.Name != "x" {
			t.Fatalf("event %d: %+v", next, e)
		}
		next++
	})
	if fault.KindOf(err) != fault.NoSpace || err.Error() != "disk full" || next != 3*maxQueued {
		t.Errorf("%d events, then %v", next, err)
	}
}

// A caller who reads slowly gets the newest progress, and holds nobody up.
func TestProgressIsSuperseded(t *testing.T) {
	const many = 100_000
	n := &stub{get: func(_ context.Context, _ GetRequest, emit func(Event)) error {
		for i := range many {
			emit(Event{Event: EventProgress, Cid: "a", Bytes: int64(i)})
			emit(Event{Event: EventProgress, Cid: "b", Bytes: int64(i)})
		}
		return nil
	}}
	s := serve(t, n, Options{})
	last := make(map[string]int64)
	count := 0
	if err := s.get(t.Context(), func(e Event) { last[e.Cid], count = e.Bytes, count+1 }); err != nil {
		t.Fatal(err)
	}
	if last["a"] != many-1 || last["b"] != many-1 || count == 2*many {
		t.Errorf("%v after %d events", last, count)
	}
}

func TestData(t *testing.T) {
	want := bytes.Repeat([]byte("{\"event\":\"end\"}\n\x00"), 40_000)
	n := &stub{cat: func(_ context.Context, r CatRequest, w io.Writer) error {
		_, err := io.Copy(w, struct{ io.Reader }{bytes.NewReader(want[r.Offset:])})
		return err
	}}
	s := serve(t, n, Options{})
	var got bytes.Buffer
	err := s.client.Do(t.Context(), Call{Verb: VerbCat, Request: CatRequest{Offset: 5}, Emit: ignore, Data: &got})
	if err != nil || !bytes.Equal(got.Bytes(), want[5:]) {
		t.Errorf("%d bytes of %d, %v", got.Len(), len(want)-5, err)
	}
	full := errors.New("disk full")
	err = s.client.Do(t.Context(), Call{Verb: VerbCat, Request: CatRequest{}, Emit: ignore, Data: failing{full}})
	if !errors.Is(err, full) {
		t.Errorf("a writer that fails: %v", err)
	}
}

type failing struct{ error }

func (f failing) Write([]byte) (int, error) { return 0, f.error }

// hanging is a Get that says that it has begun and goes on until its context ends.
func hanging() (n *stub, begun, over chan struct{}) {
	begun, over = make(chan struct{}, 1), make(chan struct{})
	n = &stub{get: func(ctx context.Context, _ GetRequest, emit func(Event)) error {
		begun <- struct{}{}
		<-ctx.Done()
		close(over)
		return ctx.Err()
	}}
	return n, begun, over
}

// A caller who leaves ends the work.
func TestCallerLeaves(t *testing.T) {
	n, begun, over := hanging()
	s := serve(t, n, Options{})
	ctx, leave := context.WithCancelCause(t.Context())
	why := errors.New("Ctrl-C")
	go func() {
		<-begun
		leave(why)
	}()
	if err := s.get(ctx, ignore); !errors.Is(err, why) {
		t.Error(err)
	}
	<-over
}

// When the process stops, its callers learn that there is no answer, not that the work failed.
func TestStop(t *testing.T) {
	n, begun, over := hanging()
	s := serve(t, n, Options{})
	go func() {
		<-begun
		s.stop()
	}()
	if err := s.get(t.Context(), ignore); !errors.Is(err, ErrLost) {
		t.Error(err)
	}
	<-over
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
	if err := s.get(t.Context(), ignore); !errors.Is(err, ErrNobody) {
		t.Errorf("after the end: %v", err)
	}
}

// A released server ends with its last task.
func TestRelease(t *testing.T) {
	n, begun, _ := hanging()
	s := serve(t, n, Options{})
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.get(ctx, ignore) }()
	<-begun
	s.Release()
	if tasks := s.Tasks(); len(tasks) != 1 || tasks[0].Verb != VerbGet || tasks[0].Subject != "x" {
		t.Errorf("tasks: %+v", tasks)
	}
	select {
	case err := <-s.ended:
		t.Fatalf("ended before its task: %v", err)
	default:
	}
	leave()
	<-done
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
}

// The network is touched when a verb needs it, once, and not for a look at the shares.
func TestRunsWhenNeeded(t *testing.T) {
	n := &stub{
		status: func(func(Event)) error { return nil },
		get:    func(context.Context, GetRequest, func(Event)) error { return nil },
	}
	s := serve(t, n, Options{})
	for _, c := range []struct {
		verb    string
		request any
		runs    int32
	}{{VerbStatus, StatusRequest{}, 0}, {VerbGet, GetRequest{}, 1}, {VerbGet, GetRequest{}, 1}} {
		if err := s.client.Do(t.Context(), Call{Verb: c.verb, Request: c.request, Emit: ignore}); err != nil {
			t.Fatal(err)
		}
	}
	s.stop()
	<-s.ended
	if got := n.runs.Load(); got != 1 {
		t.Errorf("%d runs", got)
	}
}

// A node that cannot run says why to whoever waits for it.
func TestRunFails(t *testing.T) {
	n, _, _ := hanging()
	n.run = func(context.Context) error { return fault.New(fault.Refused, "port 4001 is taken") }
	s := serve(t, n, Options{})
	err := s.get(t.Context(), ignore)
	if fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), "port 4001 is taken") {
		t.Error(err)
	}
	if err := <-s.ended; err == nil {
		t.Error("the server ended well")
	}
}

// A panic fails the one request; whoever waits does not take over and panic in turn.
func TestPanic(t *testing.T) {
	n := &stub{get: func(context.Context, GetRequest, func(Event)) error { panic("oh") }, status: func(func(Event)) error { return nil }}
	s := serve(t, n, Options{})
	if err := s.get(t.Context(), ignore); err == nil || err.Error() != "internal error: oh" {
		t.Error(err)
	}
	if err := s.client.Do(t.Context(), Call{Verb: VerbStatus, Request: StatusRequest{}, Emit: ignore}); err != nil {
		t.Errorf("after it: %v", err)
	}
}

// What another version asks for is refused rather than half understood.
func TestOtherVersion(t *testing.T) {
	s := serve(t, &stub{}, Options{})
	for verb, request := range map[string]any{VerbShare: map[string]bool{"secret": true}, "dance": struct{}{}} {
		err := s.client.Do(t.Context(), Call{Verb: verb, Request: request, Emit: ignore})
		if fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), "another version") {
			t.Errorf("%s: %v", verb, err)
		}
	}
}

// Rubbish is an error of the answer, not the end of the server.
func TestRubbish(t *testing.T) {
	s := serve(t, &stub{}, Options{})
	for _, body := range []string{"", "x", "{}", `{"request":[]}`, "[]"} {
		resp, err := s.client.post(t.Context(), VerbGet, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || !bytes.Contains(answer, []byte(`"event":"error"`)) {
			t.Errorf("%q: %s, %v", body, answer, err)
		}
	}
}

func TestAdmit(t *testing.T) {
	have := Options{Reach: "lan", Modes: []string{"lan", "kademlia"}, LimitUp: 1000}
	for _, c := range []struct {
		want   Options
		differ string // "" is admitted
	}{
		{Options{Reach: "internet"}, ""}, // not said
		{Options{Network: "main", Said: []string{OptNetwork}}, ""},
		{Options{Reach: "lan", Modes: []string{"kademlia", "lan"}, Said: []string{OptReach, OptModes}}, ""},
		{Options{Reach: "internet", Said: []string{OptReach}}, "--reach is lan, not internet:"},
		{Options{LimitUp: 0, Said: []string{OptLimitUp}}, "--limit-up is 1000 bytes/s, not none:"},
		{Options{MaxPeers: 10, Said: []string{OptMaxPeers}}, "--max-peers is 128, not 10:"},
		{Options{Network: "a", Relay: true, Said: []string{OptNetwork, OptRelay}}, "--network is main, not a and --relay is off, not on:"},
		{Options{Bootstrap: []string{"/ip4/1.2.3.4"}, Said: []string{OptBootstrap}}, "--bootstrap is the default, not /ip4/1.2.3.4:"},
	} {
		err := have.admit(c.want)
		if c.differ == "" && err != nil || c.differ != "" && (fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), c.differ)) {
			t.Errorf("%+v: %v", c.want, err)
		}
	}
}
