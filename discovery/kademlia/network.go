package kademlia

import (
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p-kad-dht/records"
	record "github.com/libp2p/go-libp2p-record"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/seed4134be55/peer/reach"
)

// Provider records of the network live for hours, not Amino's 48: its peers are laptops that come
// and go, a stale record costs its finder a dial that times out, and telling a LAN again is cheap.
const (
	networkValidity = 3 * time.Hour
	networkAgain    = time.Hour
	networkRefresh  = 20 * time.Minute // of the buckets; a quiet table is a cheap one
)

func newNetworkTable(c Config) *table {
	prefix := protocol.ID("/peer/" + c.Network)
	r := c.Reach
	return newTable(tableConfig{
		name: "network", host: c.Host, log: c.Log,
		protocol:  prefix + "/kad/1.0.0",
		bootstrap: c.Bootstrap, reach: r,
		shares: c.Shares, again: networkAgain, look: growthCheck,
		options: []dht.Option{
			dht.ProtocolPrefix(prefix),
			// A server always: whether one can be reached from the internet says nothing about the
			// LAN. Those who cannot be dialled are kept out of tables by accept instead.
			dht.Mode(dht.ModeServer),
			dht.Validator(record.NamespacedValidator{"pk": record.PublicKeyValidator{}}),
			dht.QueryFilter(func(_ any, p peer.AddrInfo) bool { return len(r.Filter(p.Addrs)) > 0 }),
			dht.RoutingTableFilter(func(_ any, p peer.ID) bool { return accept(c.Host, r, p) }),
			// No diversity filter: all of a LAN, and all of a test, are in one IP group.
			dht.AddressFilter(r.Announce),
			dht.RoutingTableRefreshPeriod(networkRefresh),
			dht.ProviderManagerOpts(records.ProvideValidity(networkValidity), records.ProviderAddrTTL(networkValidity)),
		},
	})
}

// accept reports whether p may enter the network's table: if there is a direct connection to it
// from near, or one that this peer dialled, or if it has an address to dial it by. Others are
// behind a NAT that is not ours, and would only be an obstacle to lookups.
func accept(h host.Host, r reach.Reach, p peer.ID) bool {
	for _, conn := range h.Network().ConnsToPeer(p) {
		from := conn.RemoteMultiaddr()
		if conn.Stat().Limited || isRelayed(from) || !r.Allows(from) {
			continue
		}
		if conn.Stat().Direction == network.DirOutbound || reach.LAN.Allows(from) {
			return true
		}
		for _, a := range h.Peerstore().Addrs(p) {
			if !isRelayed(a) && !reach.LAN.Allows(a) {
				return true
			}
		}
	}
	return false
}

func isRelayed(a ma.Multiaddr) bool {
	for _, c := range a {
		if c.Code() == ma.P_CIRCUIT {
			return true
		}
	}
	return false
}
