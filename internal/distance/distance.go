// Package distance makes loopback as long and as narrow as a path through the internet, for tests.
//
// A [Path] is a TCP proxy: what goes in at one end comes out at the other after half a round trip, no faster than the
// path's rate. It needs no privilege and no kernel module, unlike netem; it knows TCP alone, and nothing is lost on
// the way. Round trips are of what TCP carries: the handshakes of both halves take none of the distance.
//
// Start reading at carry.
package distance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/multiformats/go-multiaddr"
)

const (
	// chunk is how many bytes travel together at most.
	chunk = 16 << 10
	// socketBuffer is what the kernel may queue on the near side of the path, in bytes: little, or it would be a second
	// path before ours.
	socketBuffer = 256 << 10
	// lateness is how much a clock that wakes us late may be made up for.
	lateness = 5 * time.Millisecond
)

// Options says how far and how wide a path is.
type Options struct {
	RTT  time.Duration // there and back
	Rate int           // bytes a second in each direction; 0: as fast as it goes
}

// A Path leads from a port of its own on loopback to a TCP server. Its methods may be called from any goroutine.
type Path struct {
	opts    Options
	to      string
	ln      net.Listener
	cancel  context.CancelFunc
	running sync.WaitGroup
	carried atomic.Int64
}

// New makes a path to a TCP address; it goes with the test.
func New(t testing.TB, to string, o Options) *Path {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &Path{opts: o, to: to, ln: ln, cancel: cancel}
	p.running.Go(func() { p.accept(ctx) })
	t.Cleanup(p.close)
	return p
}

// Port returns where on 127.0.0.1 the path begins.
func (p *Path) Port() int { return p.ln.Addr().(*net.TCPAddr).Port }

// Addr is the same as libp2p writes it.
func (p *Path) Addr() multiaddr.Multiaddr {
	return multiaddr.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", p.Port()))
}

// Carried returns the bytes that have come out, both ways together.
func (p *Path) Carried() int64 { return p.carried.Load() }

func (p *Path) close() {
	p.cancel()
	p.ln.Close()
	p.running.Wait()
}

func (p *Path) accept(ctx context.Context) {
	for {
		near, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.join(ctx, near.(*net.TCPConn)) })
	}
}

// join carries one connection both ways until both directions have ended.
func (p *Path) join(ctx context.Context, near *net.TCPConn) {
	defer near.Close()
	conn, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	far := conn.(*net.TCPConn)
	defer far.Close()
	stop := context.AfterFunc(ctx, func() { near.Close(); far.Close() })
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { p.carry(far, near) })
	both.Go(func() { p.carry(near, far) })
	both.Wait()
}

// A parcel is bytes under way.
type parcel struct {
	bytes []byte
	due   time.Time
}

// carry takes bytes in at the path's rate and lets them out half a round trip later. An end that closes its side is
// followed at that distance, too; one that breaks takes the other with it.
func (p *Path) carry(to, from *net.TCPConn) {
	from.SetReadBuffer(socketBuffer)
	to.SetNoDelay(true)
	under := make(chan parcel, p.parcels())
	var in sync.WaitGroup
	in.Go(func() {
		defer close(under)
		p.take(under, from)
	})
	p.deliver(to, under)
	in.Wait()
}

// parcels is how many may be under way: twice what the path holds when it is full.
func (p *Path) parcels() int {
	const least = 1024
	return max(least, int(float64(p.opts.Rate)*p.opts.RTT.Seconds())/chunk)
}

// take reads at the path's rate. A parcel counts from when the path has taken all of it in.
func (p *Path) take(under chan<- parcel, from *net.TCPConn) {
	free := time.Now() // from when on the path takes more in
	for {
		room := make([]byte, chunk)
		n, err := from.Read(room)
		if n > 0 {
			now := time.Now()
			if earliest := now.Add(-lateness); earliest.After(free) {
				free = earliest
			}
			if p.opts.Rate > 0 {
				free = free.Add(time.Duration(float64(n) / float64(p.opts.Rate) * float64(time.Second)))
			}
			under <- parcel{room[:n], later(now, free).Add(p.opts.RTT / 2)}
			if wait := free.Sub(now); wait > 0 {
				<-time.After(wait)
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				from.Close()
			}
			return
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// deliver writes each parcel when it is due, and what came until an end is reached.
func (p *Path) deliver(to *net.TCPConn, under <-chan parcel) {
	broken := false
	for out := range under {
		if broken {
			continue
		}
		<-time.After(time.Until(out.due))
		n, err := to.Write(out.bytes)
		p.carried.Add(int64(n))
		broken = err != nil
	}
	to.CloseWrite()
}
