//go:build unix

package node

import (
	"crypto/rand"
	"encoding/binary"
	"io"
	"syscall"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multiaddr"

	"github.com/seed4134be55/peer/reach"
)

// newTestHost is a host as peers have on a LAN, listening at the addresses given.
func newTestHost(t testing.TB, listen ...string) host.Host {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h, err := newHost(hostConfig{key: key, reach: reach.LAN, agent: "test"})
	return listening(t, h, err, listen)
}

// newNoiseHost is the same with Noise in the place of TLS.
func newNoiseHost(t testing.TB, listen ...string) host.Host {
	t.Helper()
	resources, err := newResourceManager(0)
	if err != nil {
		t.Fatal(err)
	}
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.Transport(tcp.NewTCPTransport), libp2p.Security(noise.ID, noise.New), muxer(),
		libp2p.ResourceManager(resources), libp2p.DisableRelay(), libp2p.DisableMetrics())
	return listening(t, h, err, listen)
}

func listening(t testing.TB, h host.Host, err error, listen []string) host.Host {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	for _, a := range listen {
		if err := h.Network().Listen(multiaddr.StringCast(a)); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

const (
	tcpHere  = "/ip4/127.0.0.1/tcp/0"
	quicHere = "/ip4/127.0.0.1/udp/0/quic-v1"
)

// What carries the bytes: the same over each transport that a host may use, with the host's own settings, both ends in
// this process. CPU-s/GiB is what both ends take; "of TCP+TLS" compares the bytes a second with those of TCP and TLS in the
// same run.
func BenchmarkTransport(b *testing.B) {
	var tls float64
	for _, c := range []struct {
		name string
		make func(t testing.TB, listen ...string) host.Host
		at   string
	}{{"TCP+TLS+yamux", newTestHost, tcpHere}, {"TCP+Noise+yamux", newNoiseHost, tcpHere}, {"QUIC", newTestHost, quicHere}} {
		b.Run(c.name, func(b *testing.B) {
			const size = 64 << 20
			s := openSender(b, c.make(b), c.make(b, c.at))
			pull(b, s, size) // which opens the windows
			b.SetBytes(size)
			before := cpuSeconds()
			b.ResetTimer()
			for range b.N {
				pull(b, s, size)
			}
			b.StopTimer()
			moved := float64(b.N) * size
			rate := moved / b.Elapsed().Seconds()
			if c.name == "TCP+TLS+yamux" {
				tls = rate
			}
			b.ReportMetric((cpuSeconds()-before)/moved*(1<<30), "CPU-s/GiB")
			if tls > 0 {
				b.ReportMetric(rate/tls, "of-TCP+TLS")
			}
		})
	}
}

// openSender connects to a host and opens a stream on which that sends as many bytes as it is asked for.
func openSender(t testing.TB, from, to host.Host) network.Stream {
	t.Helper()
	to.SetStreamHandler("/send", func(s network.Stream) {
		chunk := make([]byte, 256<<10)
		var n [8]byte
		for {
			if _, err := io.ReadFull(s, n[:]); err != nil {
				return
			}
			for left := int(binary.BigEndian.Uint64(n[:])); left > 0; left -= len(chunk) {
				if _, err := s.Write(chunk[:min(left, len(chunk))]); err != nil {
					return
				}
			}
		}
	})
	if err := from.Connect(t.Context(), peer.AddrInfo{ID: to.ID(), Addrs: to.Addrs()}); err != nil {
		t.Fatal(err)
	}
	s, err := from.NewStream(t.Context(), to.ID(), "/send")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func pull(t testing.TB, s network.Stream, n int) {
	t.Helper()
	if _, err := s.Write(binary.BigEndian.AppendUint64(nil, uint64(n))); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, s, int64(n)); err != nil {
		t.Fatal(err)
	}
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// A host that listens on both is met over TCP, and over QUIC where there is no TCP.
func TestTCPWinsWhereThereIsOne(t *testing.T) {
	for _, c := range []struct {
		listen []string
		want   int
	}{
		{[]string{quicHere, tcpHere}, multiaddr.P_TCP},
		{[]string{quicHere}, multiaddr.P_QUIC_V1},
	} {
		to, from := newTestHost(t, c.listen...), newTestHost(t)
		if err := from.Connect(t.Context(), peer.AddrInfo{ID: to.ID(), Addrs: to.Addrs()}); err != nil {
			t.Fatal(err)
		}
		for _, conn := range from.Network().ConnsToPeer(to.ID()) {
			if !has(conn.RemoteMultiaddr(), c.want) {
				t.Errorf("listens on %v, and is met over %s", c.listen, conn.RemoteMultiaddr())
			}
		}
	}
}
