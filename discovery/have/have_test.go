package have

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	mh "github.com/multiformats/go-multihash"

	"github.com/seed4134be55/peer/discovery/modetest"
)

func cidOf(i int) cid.Cid {
	sum, err := mh.Sum(fmt.Appendf(nil, "block %d", i), mh.SHA2_256, -1)
	if err != nil {
		panic(err)
	}
	return cid.NewCidV1(cid.Raw, sum)
}

func cidsOf(n int) []cid.Cid {
	all := make([]cid.Cid, n)
	for i := range all {
		all[i] = cidOf(i)
	}
	return all
}

func TestMessagesRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for _, n := range []int{1, 2, 7, 8, 9, 127, 128, 255, 256} {
		cids := cidsOf(n)
		request, err := appendRequest(nil, cids)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readRequest(bytes.NewReader(request))
		if err != nil || !slices.Equal(got, cids) {
			t.Errorf("%d CIDs: %v, %v", n, got, err)
		}
		have := make([]bool, n)
		for i := range have {
			have[i] = r.IntN(2) == 0
		}
		back, err := readAnswer(bytes.NewReader(appendAnswer(nil, have)), n)
		if err != nil || !slices.Equal(back, have) {
			t.Errorf("%d bits: %v, %v", n, back, err)
		}
	}
}

func TestRequestBounds(t *testing.T) {
	if _, err := appendRequest(nil, nil); err == nil {
		t.Error("a question about nothing")
	}
	if _, err := appendRequest(nil, cidsOf(257)); err == nil {
		t.Error("a question about 257 CIDs")
	}
	long, err := mh.Sum(make([]byte, 128), mh.IDENTITY, -1)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []cid.Cid{cid.Undef, cid.NewCidV1(cid.Raw, long)} {
		if _, err := appendRequest(nil, []cid.Cid{c}); err == nil {
			t.Errorf("a question about a CID of %d bytes", c.ByteLen())
		}
	}
}

func TestStrictParsing(t *testing.T) {
	good, _ := appendRequest(nil, cidsOf(1))
	for name, in := range map[string][]byte{
		"empty":             {},
		"no CIDs":           {0},
		"too many":          {0x81, 0x02},
		"overlong count":    {0x81, 0x00},
		"endless count":     bytes.Repeat([]byte{0xff}, 20),
		"empty CID":         {1, 0},
		"CID too long":      append([]byte{1, 128}, make([]byte, 128)...),
		"not a CID":         {1, 3, 1, 2, 3},
		"cut":               good[:len(good)-1],
		"something after":   append(slices.Clone(good), 0),
		"fewer than stated": append([]byte{2}, good[1:]...),
	} {
		if cids, err := readRequest(bytes.NewReader(in)); err == nil {
			t.Errorf("%s: read as %v", name, cids)
		}
	}
	for name, in := range map[string][]byte{
		"empty": {}, "short": {1}, "long": {1, 0, 0}, "bit beyond the last": {0, 2},
	} {
		if have, err := readAnswer(bytes.NewReader(in), 9); err == nil {
			t.Errorf("answer %s: read as %v", name, have)
		}
	}
}

func FuzzReadRequest(f *testing.F) {
	good, _ := appendRequest(nil, cidsOf(3))
	f.Add(good)
	f.Add([]byte{1, 34, 0x12, 0x20})
	v0, _ := hex.DecodeString("0122122000112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")
	f.Add(v0)
	f.Fuzz(func(t *testing.T, in []byte) {
		cids, err := readRequest(bytes.NewReader(in))
		if err != nil {
			return
		}
		if len(cids) == 0 || len(cids) > MaxCids {
			t.Fatalf("%d CIDs", len(cids))
		}
		// Strict: there is one way to write each question.
		back, err := appendRequest(nil, cids)
		if err != nil || !bytes.Equal(back, in) {
			t.Fatalf("%x reads as what is written %x (%v)", in, back, err)
		}
	})
}

func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte{1}, 1)
	f.Add([]byte{0xff, 1}, 9)
	f.Fuzz(func(t *testing.T, in []byte, count int) {
		if count < 1 || count > MaxCids {
			return
		}
		have, err := readAnswer(bytes.NewReader(in), count)
		if err == nil && !bytes.Equal(appendAnswer(nil, have), in) {
			t.Fatalf("%x reads as %v", in, have)
		}
	})
}

// serve runs a server on h until the test ends.
func serve(t *testing.T, h host.Host, has func(cid.Cid) bool) {
	ctx, cancel := context.WithCancel(t.Context())
	s := NewServer(h, has, nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	modetest.Until(t, "the server runs", func() bool { return slices.Contains(h.Mux().Protocols(), Protocol) })
}

func ids(hosts []host.Host) (all []peer.ID) {
	for _, h := range hosts {
		all = append(all, h.ID())
	}
	return all
}

func TestAskAllYieldsThoseWhoSayYes(t *testing.T) {
	modetest.NoLeaks(t)
	hosts := modetest.Hosts(t, 6)
	me, others := hosts[0], hosts[1:]
	hung := make(chan struct{})
	t.Cleanup(func() { close(hung) })
	for i, h := range others {
		modetest.Connect(t, me, h)
		switch i {
		case 0, 1: // have blocks 0 and 9, or 1 and 9
			serve(t, h, func(c cid.Cid) bool { return c == cidOf(i) || c == cidOf(9) })
		case 2: // has nothing
			serve(t, h, func(cid.Cid) bool { return false })
		case 3: // never answers
			h.SetStreamHandler(Protocol, func(s network.Stream) { <-hung; _ = s.Reset() })
		case 4: // lies about the length
			h.SetStreamHandler(Protocol, func(s network.Stream) {
				_, _ = io.Copy(io.Discard, s)
				_, _ = s.Write(bytes.Repeat([]byte{0xff}, 100))
				_ = s.Close()
			})
		}
	}
	answers, err := Client{me}.AskAll(t.Context(), ids(others), cidsOf(10))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	got := map[peer.ID][]bool{}
	for a := range answers {
		got[a.Peer] = a.Have
	}
	if len(got) != 2 {
		t.Fatalf("%d answers: %v", len(got), got)
	}
	for i := range 2 {
		have := got[others[i].ID()]
		if len(have) != 10 || !have[i] || !have[9] || have[1-i] || have[5] {
			t.Errorf("peer %d has %v", i, have)
		}
	}
	if took := time.Since(start); took > 2*askTimeout {
		t.Errorf("the silent peer cost %v", took)
	}
	if have, err := (Client{me}).Ask(t.Context(), others[1].ID(), cidsOf(2)); err != nil || have[0] || !have[1] {
		t.Errorf("Ask: %v, %v", have, err)
	}
}

func TestAskAllEndsWithItsContextUnread(t *testing.T) {
	modetest.NoLeaks(t)
	hosts := modetest.Hosts(t, 2)
	modetest.Connect(t, hosts[0], hosts[1])
	asked := make(chan struct{})
	serve(t, hosts[1], func(cid.Cid) bool { close(asked); return true })
	ctx, cancel := context.WithCancel(t.Context())
	answers, err := Client{hosts[0]}.AskAll(ctx, ids(hosts[1:]), cidsOf(1))
	if err != nil {
		t.Fatal(err)
	}
	<-asked
	cancel()
	for range answers { // at most the one that was on its way
	}
}

func TestLimiter(t *testing.T) {
	l, now := newLimiter(), time.Unix(1, 0)
	allowed := 0
	for range 3 * questionsBurst {
		if l.allow("a", now) {
			allowed++
		}
	}
	if allowed != questionsBurst {
		t.Errorf("%d questions at once, want %d", allowed, questionsBurst)
	}
	if !l.allow("b", now) {
		t.Error("one peer's flood is held against another")
	}
	for i := range 2 * maxAskers {
		l.allow(peer.ID(fmt.Sprint(i)), now)
	}
	if len(l.byPeer) != maxAskers {
		t.Errorf("%d peers remembered, want %d", len(l.byPeer), maxAskers)
	}
	if l.allow("a", now) {
		t.Error("a flood of askers made us forget who asked too much")
	}
	if later := now.Add(time.Minute); !l.allow("new", later) || len(l.byPeer) != 1 {
		t.Errorf("%d peers remembered after a quiet minute", len(l.byPeer))
	}
}

func TestServerRefusesAFlood(t *testing.T) {
	modetest.NoLeaks(t)
	hosts := modetest.Hosts(t, 2)
	modetest.Connect(t, hosts[0], hosts[1])
	serve(t, hosts[1], func(cid.Cid) bool { return true })
	refused := false
	for range 4 * questionsBurst {
		if _, err := (Client{hosts[0]}).Ask(t.Context(), hosts[1].ID(), cidsOf(1)); err != nil {
			refused = true
			break
		}
	}
	if !refused {
		t.Error("every question was answered")
	}
}
