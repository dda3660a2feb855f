package node

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/autorelay"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	netswarm "github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"

	"github.com/seed4134be55/peer/reach"
)

// Connections beyond the high mark are trimmed to the low one, those of no use first. Beside the peers of the swarms
// there is room for so many others: bootstrap peers, relays, those who look things up.
const (
	connsLow  = 32
	connsHigh = 64
	// connsPerIP replaces libp2p's 8: peers behind one NAT, or of one lab, share an address.
	connsPerIP = 64
)

// A relay of one's own group carries downloads, which libp2p's default of 128 KiB for two minutes does
// not allow. These bound what strangers can make of it: so many peers at once, each so long and so much.
const (
	relayReservations = 128
	relayCircuits     = 32 // a peer
)

// relayBackoff is how long a relay that refused a reservation is left alone. The candidates are the user's own
// few: libp2p's hour is for strangers, of whom there are always others, as are the minutes that it
// waits for a choice of four.
const relayBackoff = time.Minute

// relaySource gives libp2p's AutoRelay peers that may relay for us.
type relaySource func(ctx context.Context, n int) <-chan peer.AddrInfo

// hostConfig says what a host is built with.
type hostConfig struct {
	key        crypto.PrivKey
	reach      reach.Reach
	agent      string
	serveRelay bool
	relays     relaySource
	peers      int // of the swarms
	sockets    int // that may be open at once; 0: as libp2p sees fit
}

// newHost builds the libp2p host without listening. Nothing in it speaks to anybody yet: what is done by
// itself (port mapping, NAT detection, reservations) needs a listener first and only exists where the
// reach is the internet.
func newHost(cfg hostConfig) (host.Host, error) {
	r := cfg.reach
	resources, err := newResourceManager(cfg.sockets)
	if err != nil {
		return nil, err
	}
	conns, err := connmgr.NewConnManager(cfg.peers+connsLow, cfg.peers+connsHigh)
	if err != nil {
		return nil, fmt.Errorf("connection manager: %w", err)
	}
	opts := []libp2p.Option{
		libp2p.Identity(cfg.key),
		libp2p.NoListenAddrs,
		libp2p.UserAgent(cfg.agent),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Security(libp2ptls.ID, libp2ptls.New),
		libp2p.Security(noise.ID, noise.New),
		muxer(),
		libp2p.ResourceManager(resources),
		libp2p.ConnectionManager(conns),
		libp2p.ConnectionGater(reach.Gater{Reach: r}),
		libp2p.AddrsFactory(r.Announce),
		libp2p.SwarmOpts(netswarm.WithDialRanker(rankDials)),
		libp2p.DisableMetrics(),
	}
	if r != reach.Loopback {
		opts = append(opts, libp2p.Transport(quic.NewTransport))
	}
	if r != reach.Internet {
		opts = append(opts, libp2p.MultiaddrResolver(r.Resolver(nil)))
		opts = append(opts, libp2p.DisableRelay(), libp2p.DisableIdentifyAddressDiscovery())
		return build(opts)
	}
	opts = append(opts,
		libp2p.EnableRelay(),
		libp2p.EnableHolePunching(),
		libp2p.EnableAutoNATv2(),
		libp2p.NATPortMap(),
		libp2p.EnableAutoRelayWithPeerSource(autorelay.PeerSource(cfg.relays),
			autorelay.WithMinCandidates(1), autorelay.WithBootDelay(0), autorelay.WithBackoff(relayBackoff)),
	)
	if cfg.serveRelay {
		opts = append(opts,
			libp2p.EnableRelayService(relay.WithResources(relayResources())),
			libp2p.EnableNATService(),
			libp2p.ForceReachabilityPublic())
	}
	return build(opts)
}

func build(opts []libp2p.Option) (host.Host, error) {
	h, err := libp2p.New(opts...)
	if err != nil {
		return nil, fmt.Errorf("libp2p host: %w", err)
	}
	return h, nil
}

// relayResources are the limits of serve --relay.
func relayResources() relay.Resources {
	r := relay.DefaultResources()
	r.Limit = nil // no limit on a circuit's time and bytes: peers of the group may download over it
	r.MaxReservations = relayReservations
	r.MaxReservationsPerIP = relayReservations
	r.MaxReservationsPerASN = relayReservations
	r.MaxCircuits = relayCircuits
	return r
}

// newResourceManager returns libp2p's default limits with room for windows: a stream's window grows only
// within the memory that its scopes allow. Its own least is 256 sockets, whatever the process may have: with sockets
// above 0 that is their bound.
func newResourceManager(sockets int) (network.ResourceManager, error) {
	limits := rcmgr.DefaultLimits
	if sockets > 0 && sockets < limits.SystemBaseLimit.FD {
		limits.SystemBaseLimit.FD = sockets
		limits.TransientBaseLimit.FD = min(limits.TransientBaseLimit.FD, sockets/2)
	}
	libp2p.SetDefaultServiceLimits(&limits)
	perIP := []rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: connsPerIP}}
	perIP6 := []rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: connsPerIP}}
	m, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits.AutoScale()), rcmgr.WithLimitPerSubnet(perIP, perIP6))
	if err != nil {
		return nil, fmt.Errorf("resource manager: %w", err)
	}
	return m, nil
}
