package swarm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

// A gate holds its rate for all peers and roots together, shares it equally and lets those pass who are exempt.
func TestRateHoldsForAllTogether(t *testing.T) {
	for _, peers := range []int{1, 3, 40} {
		t.Run(fmt.Sprint(peers, " peers"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const rate, span = 1 << 20, time.Minute
				u := newUplink(rate, peers%2*abreast) // as downlink and as uplink
				ctx, cancel := context.WithTimeout(t.Context(), span)
				defer cancel()
				sent := make([]atomic.Int64, peers)
				var work sync.WaitGroup
				for i := range peers {
					for root := range 3 { // each peer has three roots open, with frames of another size
						work.Go(func() {
							n := (root + 1) * 30_000
							for {
								done, err := u.wait(ctx, peer.ID(fmt.Sprint(i)), n, 1, false)
								if err != nil {
									return
								}
								done(n)
								sent[i].Add(int64(n))
							}
						})
					}
				}
				start := time.Now()
				done, err := u.wait(ctx, "near", 1<<30, 1, true)
				if err != nil || time.Since(start) > 0 {
					t.Errorf("an exempt peer waits %v, %v", time.Since(start), err)
				}
				done(1 << 30)
				work.Wait()
				got := float64(u.bytes.Load()-1<<30) / span.Seconds()
				if got < 0.97*rate || got > 1.03*rate {
					t.Errorf("%.0f bytes/s, not %d", got, rate)
				}
				for i := range peers {
					if share := float64(sent[i].Load()) / float64(sent[0].Load()); math.Abs(share-1) > 0.1 {
						t.Errorf("peer %d gets %.2f of what peer 0 gets", i, share)
					}
				}
			})
		})
	}
}

// --limit-up and --limit-down over real streams, with several peers at once: what passes is what the rate allows in the
// time that it took, and the burst and the frame that may go before.
func TestLimitsOfSeveralPeers(t *testing.T) {
	const rate, slack = 2 << 20, 2<<20/10 + 64<<10
	f := newFile(t, 92, 32, 64<<10)
	seed := join(t, newHeld(f, true), limitUp(rate))
	start := time.Now()
	ends := make(chan error, 3)
	for range 3 {
		leech := join(t, newHeld(f, false))
		go func() {
			_, err := leech.download(t, 0, seed)
			ends <- err
		}()
	}
	for range 3 {
		if err := <-ends; err != nil {
			t.Fatal(err)
		}
	}
	if most := rate*time.Since(start).Seconds() + slack; float64(seed.swarm.Sent()) > most {
		t.Errorf("the seed sent %d bytes to three, at most %.0f may have passed", seed.swarm.Sent(), most)
	}

	start = time.Now()
	leech := join(t, newHeld(f, false), func(c *Config) { c.LimitDown = rate })
	if _, err := leech.download(t, 0, join(t, newHeld(f, true)), join(t, newHeld(f, true))); err != nil {
		t.Fatal(err)
	}
	if most := rate*time.Since(start).Seconds() + slack; float64(leech.swarm.Received()) > most {
		t.Errorf("%d bytes came from two, at most %.0f may have passed", leech.swarm.Received(), most)
	}
}

// No more peers are connected than may be: those that come are turned away first, and come again.
func TestMaxPeers(t *testing.T) {
	f := newFile(t, 93, 4, 1000)
	seed := join(t, newHeld(f, true), func(c *Config) { c.MaxPeers = 4 })
	as := seed.swarm.accounts
	ends := make(chan error, 8)
	for range 8 {
		leech := join(t, newHeld(f, false))
		go func() {
			_, err := leech.download(t, 0, seed)
			ends <- err
		}()
	}
	for range 8 {
		as.lock.Lock()
		if n := len(as.of); n > 3 {
			t.Errorf("%d peers that came are connected", n)
		}
		as.lock.Unlock()
		if err := <-ends; err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, "all have left", func() bool {
		as.lock.Lock()
		defer as.lock.Unlock()
		return len(as.of) == 0
	})
}

// The last quarter of the peers is for those that we dial; one that is connected may come again.
func TestAccountsAreBounded(t *testing.T) {
	as := &accounts{max: 4}
	for i, c := range []struct {
		id   peer.ID
		most int
		want error
	}{
		{"a", as.incoming(), nil}, {"b", as.incoming(), nil}, {"c", as.incoming(), nil}, {"d", as.incoming(), errFull},
		{"a", as.incoming(), nil}, {"d", as.dialled(), nil}, {"e", as.dialled(), errFull}, {"c", as.incoming(), nil},
	} {
		if _, err := as.open(c.id, c.most); !errors.Is(err, c.want) {
			t.Errorf("%d: %s: %v, not %v", i, c.id, err, c.want)
		}
	}
	as.close("b")
	if _, err := as.open("e", as.dialled()); err != nil {
		t.Error(err)
	}
}

// Dials that hang take no place of peers: somebody who comes meanwhile is served, and is kept when the host closes
// connections, for as long as that takes.
func TestDialsThatHangAreNoPeers(t *testing.T) {
	mute, err := net.Listen("tcp", "127.0.0.1:0") // the kernel takes connections, and nobody says a word
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	addr := multiaddr.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", mute.Addr().(*net.TCPAddr).Port))
	f, other := newFile(t, 94, 4, 1000), newFile(t, 95, 4, 1000)
	m := join(t, newHeld(f, true), func(c *Config) { c.MaxPeers = 2 })
	s := m.swarm.Session(SessionConfig{Root: other.root, Sink: newHeld(other, false)})
	for range 4 {
		_, key, err := crypto.GenerateEd25519Key(nil)
		if err != nil {
			t.Fatal(err)
		}
		id, err := peer.IDFromPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		s.AddPeer(peer.AddrInfo{ID: id, Addrs: []multiaddr.Multiaddr{addr}}, "link")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	waitFor(t, "two dials hang", func() bool { return len(m.swarm.halfOpen) >= 2 })

	leech := join(t, newHeld(f, false))
	if _, err := leech.download(t, 10*time.Second, m); err != nil {
		t.Fatal(err)
	}
	tags := func() map[string]int { return m.host.ConnManager().GetTagInfo(leech.host.ID()).Tags }
	link, err := leech.swarm.link(t.Context(), m.info())
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the peer is kept", func() bool { return tags()[keepTag] == keepValue })
	link.close()
	waitFor(t, "the peer is kept no more", func() bool { return tags()[keepTag] == 0 })
	cancel()
	<-done
}
