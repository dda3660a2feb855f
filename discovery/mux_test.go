package discovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	mh "github.com/multiformats/go-multihash"
)

var sought = cid.NewCidV1(cid.Raw, must(mh.Sum([]byte("sought"), mh.SHA2_256, -1)))

func must[T any](t T, err error) T {
	if err != nil {
		panic(err)
	}
	return t
}

func id(i int) peer.ID {
	return peer.ID(must(mh.Sum(fmt.Appendf(nil, "peer %d", i), mh.SHA2_256, -1)))
}

func info(i int, ports ...int) peer.AddrInfo {
	a := peer.AddrInfo{ID: id(i)}
	for _, p := range ports {
		a.Addrs = append(a.Addrs, ma.StringCast(fmt.Sprintf("/ip4/10.0.0.%d/tcp/%d", i%250+1, p)))
	}
	return a
}

// fake is a mode whose answers a test writes down.
type fake struct {
	name    string
	caps    Caps
	run     error
	provide error
	find    func(ctx context.Context, yield func(peer.AddrInfo) bool)
}

func (f *fake) Name() string { return f.name }
func (f *fake) Caps() Caps   { return f.caps }
func (f *fake) Run(ctx context.Context) error {
	if f.run != nil {
		return f.run
	}
	<-ctx.Done()
	return ctx.Err()
}
func (f *fake) Provide(context.Context, cid.Cid, bool) error { return f.provide }
func (f *fake) FindProvidersAsync(ctx context.Context, _ cid.Cid, _ int) <-chan peer.AddrInfo {
	out := make(chan peer.AddrInfo)
	go func() {
		defer close(out)
		f.find(ctx, func(i peer.AddrInfo) bool {
			select {
			case out <- i:
				return true
			case <-ctx.Done():
				return false
			}
		})
	}()
	return out
}

// finds answers with infos, after waiting for each.
func finds(name string, wait time.Duration, infos ...peer.AddrInfo) *fake {
	return &fake{name: name, caps: Caps{Find: true, Provide: true},
		find: func(ctx context.Context, yield func(peer.AddrInfo) bool) {
			for _, i := range infos {
				select {
				case <-time.After(wait):
				case <-ctx.Done():
					return
				}
				if !yield(i) {
					return
				}
			}
		}}
}

func silent() *fake {
	return &fake{name: "silent", caps: Caps{Find: true},
		find: func(ctx context.Context, _ func(peer.AddrInfo) bool) { <-ctx.Done() }}
}

func collect(ch <-chan Found) (all []Found) {
	for f := range ch {
		all = append(all, f)
	}
	return all
}

func TestFindYieldsAsTheyComeAndSaysWhoFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMux(id(0), []Mode{finds("slow", time.Second, info(1, 1), info(2, 1)), finds("fast", time.Millisecond, info(2, 1))}, nil)
		ch, err := m.Find(t.Context(), sought, 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for f := range ch {
			got = append(got, fmt.Sprintf("%s %v", f.Mode, f.ID == id(1)))
		}
		if want := "fast false,slow true"; strings.Join(got, ",") != want {
			t.Errorf("got %v, want %s", got, want)
		}
	})
}

func TestFindMergesAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMux(id(0), []Mode{finds("a", time.Second, info(1, 1), info(1, 1), info(1, 2, 1)), finds("b", time.Minute, info(1, 2), info(1, 3))}, nil)
		var got []string
		for _, f := range collect(must(m.Find(t.Context(), sought, 0))) {
			got = append(got, fmt.Sprintf("%s%d", f.Mode, len(f.Addrs)))
		}
		if want := "a1 a2 b3"; strings.Join(got, " ") != want {
			t.Errorf("got %v, want %s", got, want)
		}
	})
}

func TestFindDropsSelfAndInvalidAndStopsAtN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMux(id(0), []Mode{finds("a", 0, info(0, 1), peer.AddrInfo{}, info(1, 1), info(2, 1), info(3, 1)), silent()}, nil)
		got := collect(must(m.Find(t.Context(), sought, 2)))
		if len(got) != 2 || got[0].ID != id(1) || got[1].ID != id(2) {
			t.Errorf("got %v", got)
		}
	})
}

func TestASilentModeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := &fake{name: "deaf", caps: Caps{Find: true}}
		never := make(chan struct{})
		deaf.find = func(context.Context, func(peer.AddrInfo) bool) { <-never } // ignores its context
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		m := NewMux(id(0), []Mode{silent(), deaf, finds("a", 0, info(1, 1))}, nil)
		if got := collect(must(m.Find(ctx, sought, 0))); len(got) != 1 {
			t.Errorf("got %v", got)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v, want the second the context had", took)
		}
		close(never)
	})
}

func TestFindWithoutAReaderEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		m := NewMux(id(0), []Mode{finds("a", 0, info(1, 1), info(2, 1))}, nil)
		ch := must(m.Find(ctx, sought, 0))
		synctest.Wait() // merge waits for a reader
		cancel()
		synctest.Wait()
		if _, open := <-ch; open {
			t.Error("still open")
		}
	})
}

func TestAFloodIsBoundedAndCostsOthersNothing(t *testing.T) {
	flood := &fake{name: "flood", caps: Caps{Find: true}}
	flood.find = func(_ context.Context, yield func(peer.AddrInfo) bool) {
		for i := 1000; yield(info(i, 1)); i++ {
		}
	}
	echo := &fake{name: "echo", caps: Caps{Find: true}}
	echo.find = func(_ context.Context, yield func(peer.AddrInfo) bool) {
		for i := 0; yield(info(7, i%60000+1)); i++ {
		}
	}
	m := NewMux(id(0), []Mode{flood, echo, finds("a", time.Millisecond, info(1, 1))}, nil)
	by := map[string]int{}
	for _, f := range collect(must(m.Find(t.Context(), sought, 0))) {
		by[f.Mode]++
		if len(f.Addrs) > maxAddrs {
			t.Errorf("%d addresses", len(f.Addrs))
		}
	}
	if by["flood"] != maxPerMode || by["echo"] != maxAddrs || by["a"] != 1 {
		t.Errorf("got %v", by)
	}
}

func TestNotSupportedIsAnError(t *testing.T) {
	m := NewMux(id(0), []Mode{&fake{name: "a", caps: Caps{Why: "it is off"}}}, nil)
	if _, err := m.Find(t.Context(), sought, 0); !errors.Is(err, ErrNotSupported) {
		t.Errorf("Find: %v", err)
	}
	if err := m.Provide(t.Context(), sought, true); !errors.Is(err, ErrNotSupported) {
		t.Errorf("Provide: %v", err)
	}
	if _, err := Find(t.Context(), m.Modes()[0], sought, 0); !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "it is off") {
		t.Errorf("Find of the mode: %v", err)
	}
	if _, err := AsSearcher(m); !errors.Is(err, ErrNotSupported) {
		t.Errorf("AsSearcher: %v", err)
	}
	if _, err := AsRouter(m); !errors.Is(err, ErrNotSupported) {
		t.Errorf("AsRouter: %v", err)
	}
	if _, err := AsValueStore(m); !errors.Is(err, ErrNotSupported) {
		t.Errorf("AsValueStore: %v", err)
	}
	for range m.FindProvidersAsync(t.Context(), sought, 0) {
		t.Error("found something")
	}
}

func TestOneFailureCostsNothing(t *testing.T) {
	bad, good := finds("bad", 0), finds("good", 0)
	bad.provide, bad.run = errors.New("no route"), errors.New("broken")
	if err := NewMux(id(0), []Mode{bad, good}, nil).Provide(t.Context(), sought, true); err != nil {
		t.Errorf("Provide: %v", err)
	}
	if err := NewMux(id(0), []Mode{bad}, nil).Provide(t.Context(), sought, true); err == nil || err.Error() != "bad: no route" {
		t.Errorf("Provide where all fail: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := NewMux(id(0), []Mode{bad, good}, nil).Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run: %v", err)
		}
		if time.Since(start) != time.Second {
			t.Error("Run ended with its first mode")
		}
	})
}

// finder is a mode that knows one peer.
type finder struct {
	*fake
	knows peer.AddrInfo
}

func (f finder) FindPeer(_ context.Context, want peer.ID) (peer.AddrInfo, error) {
	if f.knows.ID != want {
		return peer.AddrInfo{}, errors.New("unknown")
	}
	return f.knows, nil
}

func TestFindPeerTakesTheFirstAnswer(t *testing.T) {
	m := NewMux(id(0), []Mode{finds("a", 0), finder{finds("b", 0), info(3, 9)}, finder{finds("c", 0), info(1, 9)}}, nil)
	if got, err := m.FindPeer(t.Context(), id(1)); err != nil || len(got.Addrs) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := m.FindPeer(t.Context(), id(2)); err == nil {
		t.Error("found a peer that nobody knows")
	}
}

func TestMain(m *testing.M) {
	code := m.Run()
	// Every goroutine that a question started ends with it.
	buf := make([]byte, 1<<20)
	deadline := time.Now().Add(5 * time.Second)
	for strings.Contains(string(buf[:runtime.Stack(buf, true)]), "peer/discovery.(*Mux)") {
		if time.Now().After(deadline) {
			panic("goroutines of a question are still there: " + string(buf))
		}
		runtime.Gosched()
	}
	os.Exit(code)
}
