package node

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/reach"
)

const (
	// maxLinkAddrs bounds the addresses in a link: a machine with many interfaces would make it long.
	maxLinkAddrs = 8
	// relayWait is how long share waits for a relay's reservation before it prints a link without one.
	relayWait = 10 * time.Second
)

// dialable returns this peer's addresses as links carry them, the most useful first: TCP before QUIC
// (every peer tries both by the same port), public before private, relays last.
func (n *Node) dialable() []ma.Multiaddr {
	self := ma.StringCast("/p2p/" + n.host.ID().String())
	var tcp, quic, relays []ma.Multiaddr
	for _, a := range n.host.Addrs() {
		full := a.Encapsulate(self)
		switch {
		case relayed(a):
			relays = append(relays, full)
		case has(a, ma.P_UDP):
			quic = append(quic, full)
		case manet.IsPublicAddr(a):
			tcp = append([]ma.Multiaddr{full}, tcp...)
		default:
			tcp = append(tcp, full)
		}
	}
	all := append(append(tcp, relays...), quic...)
	return all[:min(len(all), maxLinkAddrs)]
}

// waitForRelay gives a peer that cannot be reached directly the time to get a relay, if it was given peers
// that may be one: its link is of little use before.
func (n *Node) waitForRelay(ctx context.Context, emit func(api.Event)) {
	if n.reach != reach.Internet || len(n.bootstrap) == 0 || n.cfg.Options.Relay || n.directlyReachable() {
		return
	}
	emit(api.Event{Event: api.EventState, Message: "asking for a relay, as this peer may not be reachable directly"})
	ctx, cancel := context.WithTimeout(ctx, relayWait)
	defer cancel()
	clock := time.NewTicker(100 * time.Millisecond)
	defer clock.Stop()
	for {
		for _, a := range n.host.Addrs() {
			if relayed(a) {
				return
			}
		}
		select {
		case <-clock.C:
			if n.directlyReachable() {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// directlyReachable tells whether this machine itself has a public address.
func (n *Node) directlyReachable() bool {
	for _, a := range n.host.Addrs() {
		if !relayed(a) && manet.IsPublicAddr(a) {
			return true
		}
	}
	return false
}

// noBootstrap is the word of --bootstrap for nobody, not even the usual peers of the public table.
const noBootstrap = "none"

// parseBootstrap reads the addresses of --bootstrap, which must lie within the reach.
func parseBootstrap(words []string, r reach.Reach) ([]peer.AddrInfo, error) {
	var out []peer.AddrInfo
	for _, w := range words {
		if w == noBootstrap {
			continue
		}
		info, err := peer.AddrInfoFromString(w)
		if err != nil {
			return nil, fault.New(fault.BadInput, "--bootstrap %q: %w; want an address such as /ip4/192.0.2.7/tcp/4001/p2p/12D3Koo…", w, err)
		}
		if len(r.Filter(info.Addrs)) == 0 {
			return nil, fault.New(fault.BadInput, "--bootstrap %q lies beyond reach %s: widen --reach or leave it out", w, r)
		}
		out = append(out, *info)
	}
	return out, nil
}
