package kademlia

import (
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p-kad-dht/amino"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// aminoAgain is how often providers are expected to tell Amino again; records live for 48 h.
const aminoAgain = 22 * time.Hour

// AminoBootstrap returns the peers by which Amino is usually joined.
func AminoBootstrap() []peer.AddrInfo { return dht.GetDefaultBootstrapPeerAddrInfos() }

func newAminoTable(c Config) *table {
	return newTable(tableConfig{
		name: "public", host: c.Host, log: c.Log,
		protocol:  amino.ProtocolPrefix + "/kad/1.0.0",
		bootstrap: c.PublicBootstrap, reach: c.Reach,
		shares: c.PublicShares, again: aminoAgain, look: growthCheck,
		options: []dht.Option{
			dht.Mode(dht.ModeAuto), // a client unless the world can reach this peer
			dht.QueryFilter(dht.PublicQueryFilter),
			dht.RoutingTableFilter(dht.PublicRoutingTableFilter),
			dht.RoutingTablePeerDiversityFilter(dht.NewRTPeerDiversityFilter(
				c.Host, amino.DefaultMaxPeersPerIPGroupPerCpl, amino.DefaultMaxPeersPerIPGroup)),
			dht.AddressFilter(func(addrs []ma.Multiaddr) []ma.Multiaddr {
				return ma.FilterAddrs(addrs, manet.IsPublicAddr)
			}),
		},
	})
}
