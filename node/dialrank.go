package node

import (
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
)

// How long an address waits for better ones to connect.
const (
	// quicDelay is RFC 8305's connection attempt delay, on a LAN too: a busy machine's handshake takes longer than its
	// round trip.
	quicDelay  = 250 * time.Millisecond
	relayDelay = 500 * time.Millisecond
)

// rankDials orders the addresses of one peer: TCP first, as TCP with TLS moves more than twice what QUIC
// does, for a third of the work of the processor (BenchmarkTransport; docs/performance.md); QUIC a moment later, for paths that
// only UDP finds; a relay last, when there is a direct address at all.
func rankDials(addrs []ma.Multiaddr) []network.AddrDelay {
	direct := 0
	for _, a := range addrs {
		if !relayed(a) {
			direct++
		}
	}
	out := make([]network.AddrDelay, 0, len(addrs))
	for _, a := range addrs {
		out = append(out, network.AddrDelay{Addr: a, Delay: dialDelay(a, direct > 0)})
	}
	return out
}

func dialDelay(a ma.Multiaddr, direct bool) time.Duration {
	switch {
	case relayed(a) && direct:
		return relayDelay
	case relayed(a), !has(a, ma.P_UDP):
		return 0
	}
	return quicDelay
}

func relayed(a ma.Multiaddr) bool { return has(a, ma.P_CIRCUIT) }

func has(a ma.Multiaddr, protocol int) bool {
	_, err := a.ValueForProtocol(protocol)
	return err == nil
}
