package live

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery/modetest"
	"github.com/seed4134be55/peer/discovery/overlay"
)

// victim is a running mode and a host that knows it.
func victim(t *testing.T) (*Mode, host.Host) {
	modes := start(t, 1, nil)
	villain := modetest.Hosts(t, 1)[0]
	modetest.Connect(t, villain, modes[0].host)
	return modes[0], villain
}

// greeted opens a stream to m and exchanges hellos.
func greeted(t *testing.T, villain host.Host, m *Mode) (network.Stream, *bufio.Reader) {
	t.Helper()
	s, err := villain.NewStream(t.Context(), m.host.ID(), m.protocol)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.SetDeadline(time.Now().Add(20 * time.Second))
	in := bufio.NewReader(s)
	if _, err := s.Write(m.loop.hello); err != nil {
		t.Fatal(err)
	}
	if err := readHello(in, m.name, m.loop.params); err != nil {
		t.Fatal(err)
	}
	return s, in
}

// Whoever sends what is malformed is cut off, and not let in again for a while.
func TestMalformedIsCutOff(t *testing.T) {
	frames := malformedFrames()
	frames["message cut"] = frame{kind: frameAsk, number: 1, body: []byte{1}}.append(nil)
	frames["message of no kind"] = frame{kind: frameTell, body: []byte{0}}.append(nil)
	frames["not CBOR"] = frame{kind: frameAsk, number: 1, body: []byte{0xff, 0xff}}.append(nil)
	frames["a hello again"] = frame{kind: frameHello, body: []byte{1, 0}}.append(nil)
	frames["an answer on a stream for questions"] = frame{kind: frameAnswer, number: 1, body: []byte{1}}.append(nil)
	frames["from a node that peers do not run"] = frame{kind: frameTell, from: 1, body: []byte{1}}.append(nil)
	for name, raw := range frames {
		t.Run(name, func(t *testing.T) {
			modetest.NoLeaks(t)
			m, villain := victim(t)
			s, in := greeted(t, villain, m)
			if _, err := s.Write(raw); err != nil {
				t.Fatal(err)
			}
			if _, err := readFrame(in); err == nil {
				t.Error("it was answered")
			}
			modetest.Until(t, "it is ignored", func() bool { return m.loop.gate.ignores(villain.ID()) })
			s, err := villain.NewStream(t.Context(), m.host.ID(), m.protocol)
			if err == nil {
				_, err = io.ReadAll(s)
			}
			if err == nil {
				t.Error("it was let in again")
			}
		})
	}
}

// Peers whose network has other parameters are refused by name on both sides, and are nobody's neighbours.
func TestOtherParametersAreRefused(t *testing.T) {
	modetest.NoLeaks(t)
	modes := start(t, 1, nil)
	odd := testProtocol(t)
	odd.Params = []overlay.Param{{Name: "k", Value: 8}}
	other := newMode(t, Config{Host: modetest.Hosts(t, 1)[0], Network: "test", Protocol: odd, Bootstrap: []peer.AddrInfo{infoOf(modes[0].host)}})
	modetest.Go(t, other)
	for m, want := range map[*Mode]string{modes[0]: "k is 20 here and 8 there", other: "k is 8 here and 20 there"} {
		modetest.Until(t, want, func() bool { return strings.Contains(m.Report(), want) })
		if n := m.Census().Peers; n != 0 {
			t.Errorf("%d peers in the tables", n)
		}
	}
}

// A peer's streams are bounded, and its frames wait when they come too fast.
func TestOnePeersShare(t *testing.T) {
	modetest.NoLeaks(t)
	m, villain := victim(t)
	for range streamsPerPeer {
		greeted(t, villain, m)
	}
	s, err := villain.NewStream(t.Context(), m.host.ID(), m.protocol)
	if err == nil {
		_, err = io.ReadAll(s)
	}
	if err == nil {
		t.Error("one stream too many was let in")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	passed := 0
	for ; m.loop.gate.wait(ctx, villain.ID()) == nil; passed++ {
	}
	if passed < framesBurst/2 || passed > framesBurst+framesPerSecond {
		t.Errorf("%d frames passed at once", passed)
	}
}

// Answers that nobody asked for, or that come twice, are dropped, and too many of them end the stream.
func TestUnsolicitedAnswers(t *testing.T) {
	modetest.NoLeaks(t)
	hosts := modetest.Hosts(t, 2)
	m := newMode(t, Config{Host: hosts[0], Network: "test"})
	asked := make(chan uint64, 16)
	hosts[1].SetStreamHandler(m.protocol, func(s network.Stream) {
		in := bufio.NewReader(s)
		_, _ = s.Write(m.loop.hello)
		if readHello(in, m.name, m.loop.params) != nil {
			return
		}
		f, err := readFrame(in)
		for err == nil && f.kind != framePing {
			f, err = readFrame(in)
		}
		pong := frame{kind: framePong, number: f.number}.append(nil)
		for range maxUnsolicited {
			_, _ = s.Write(frame{kind: framePong, number: rand.Uint64() >> 1}.append(nil))
		}
		_, _ = s.Write(pong)
		asked <- f.number
		_, _ = s.Write(pong)
		_, _ = io.Copy(io.Discard, s)
	})
	pinger := &pingMachine{}
	m.loop.overlay.New = func(overlay.Ref, *rand.Rand) overlay.Machine { return pinger }
	modetest.Go(t, m)
	modetest.Connect(t, hosts[0], hosts[1])
	<-asked
	modetest.Until(t, "the one answer is taken, and its copy is one too many", func() bool {
		echoes := 0
		_ = m.do(t.Context(), func() { echoes = pinger.echoes })
		return echoes == 1 && m.loop.gate.ignores(hosts[1].ID())
	})
}

// A pingMachine probes whom it meets, once.
type pingMachine struct {
	overlay.Machine
	probed bool
	echoes int
}

func (p *pingMachine) Step(_ overlay.Time, ev overlay.Event, out *overlay.Actions) {
	switch ev := ev.(type) {
	case overlay.Met:
		if !p.probed {
			out.Probe(ev.Node)
		}
		p.probed = true
	case overlay.RoundTrip:
		p.echoes++
	}
}

func (p *pingMachine) Refs(func(overlay.Ref) bool) {}
func (p *pingMachine) Census() overlay.Census      { return overlay.Census{} }

// A peer that names itself, or made-up peers, wherever it names anybody makes no lookup endless and fills nobody's tables
// and book, and most is found all the same.
func TestPeersThatNameWhomTheyLike(t *testing.T) {
	for _, p := range overlays(t)[:3] {
		for _, what := range []string{"itself", "made-up peers"} {
			t.Run(p.Name+" names "+what, func(t *testing.T) {
				modetest.NoLeaks(t)
				hosts, since := modetest.Hosts(t, 9), time.Now()
				hurried := func(h host.Host) *Mode {
					m := newMode(t, Config{Host: h, Network: "test", Protocol: p, Bootstrap: []peer.AddrInfo{infoOf(hosts[0])}})
					m.hurry(since)
					return m
				}
				var modes []*Mode
				for _, h := range hosts[:8] {
					modes = append(modes, hurried(h))
					modetest.Go(t, modes[len(modes)-1])
				}
				for _, m := range modes {
					modetest.Until(t, "it knows somebody", func() bool { return m.Census().Peers > 0 })
				}
				named := p
				liar := hurried(hosts[8])
				named.New = func(self overlay.Ref, r *rand.Rand) overlay.Machine {
					return &naming{Machine: p.New(self, r), name: func() overlay.Ref {
						if what == "itself" {
							return self
						}
						ref, _ := liar.loop.book.ref(nodeID{peer: madeUp(r)})
						return ref
					}}
				}
				liar.loop.overlay = named
				liar.loop.log = slog.New(slog.DiscardHandler) // its own tables may be full of lies, too
				modetest.Go(t, liar)
				for _, h := range modes[:4] {
					modetest.Connect(t, liar.host, h.host)
				}
				var found atomic.Int32
				var all sync.WaitGroup
				for i, m := range modes {
					all.Go(func() { // as a lookup may wait for many who do not exist
						c := modetest.ContentID(fmt.Sprint(what, i))
						_ = m.Provide(t.Context(), c, true)
						for _, o := range []*Mode{modes[(i+1)%8], modes[(i+3)%8], modes[(i+5)%8]} {
							if slices.Equal(find(t, o, c), []peer.ID{m.host.ID()}) {
								found.Add(1)
							}
						}
					})
				}
				all.Wait()
				// What leads through the liar may be lost: the rest is not.
				if n := found.Load(); n < 12 {
					t.Errorf("%d of 24 lookups found who has it", n)
				}
				for i, m := range modes {
					nodes := 0
					_ = m.do(t.Context(), func() { nodes = len(m.loop.book.nodes) })
					if peers := m.Census().Peers; nodes > 4*sweepFrom || peers > 32 {
						t.Errorf("%d has %d nodes in its book and %d peers in its tables", i, nodes, peers)
					}
				}
			})
		}
	}
}

// A naming machine puts one node in the place of each that it names.
type naming struct {
	overlay.Machine
	name func() overlay.Ref
}

func (n *naming) Step(now overlay.Time, ev overlay.Event, out *overlay.Actions) {
	first := len(out.List)
	n.Machine.Step(now, ev, out)
	for i := range out.List[first:] {
		if a := &out.List[first+i]; a.Do == overlay.DoReply {
			overlay.Look{Ref: func(r *overlay.Ref) {
				if !r.IsZero() {
					*r = n.name()
				}
			}}.At(a.Msg)
		}
	}
}

func madeUp(r *rand.Rand) peer.ID {
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(r.Uint32())
	}
	_, public, err := crypto.GenerateEd25519Key(strings.NewReader(string(seed[:])))
	if err != nil {
		panic(err)
	}
	id, err := peer.IDFromPublicKey(public)
	if err != nil {
		panic(err)
	}
	return id
}
