package reach

import (
	"testing"

	ma "github.com/multiformats/go-multiaddr"
)

func TestExchanges(t *testing.T) {
	const (
		here   = "/ip4/127.0.0.1/tcp/4001"
		near   = "/ip4/192.168.1.7/tcp/4001"
		far    = "/ip4/93.184.216.34/udp/4001/quic-v1"
		relay  = "/ip4/93.184.216.34/tcp/4001/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5/p2p-circuit"
		within = "/ip4/93.184.216.34/tcp/4001/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5/p2p-circuit/ip4/127.0.0.1/tcp/1"
	)
	for _, c := range []struct {
		reach      Reach
		addr, with string
		want       bool
	}{
		{Loopback, here, here, true},
		{Loopback, near, here, false},
		{LAN, here, here, true},
		{LAN, near, here, true},
		{LAN, here, near, false},
		{LAN, near, near, true},
		{LAN, far, near, false},
		{Internet, here, near, false},
		{Internet, here, far, false},
		{Internet, near, near, true},
		{Internet, near, far, false},
		{Internet, far, far, true},
		{Internet, far, near, true},
		{Internet, far, here, true},
		{Internet, relay, far, true},
		{Internet, near, relay, false},
		{Internet, within, far, false},
		{Internet, "/ip6/::1/tcp/1", "/ip6/fe80::1/tcp/1", false},
		{LAN, "/ip6/fd00::1/tcp/1", "/ip6zone/eth0/ip6/fe80::1/tcp/1", true},
		{LAN, "/ip6zone/eth0/ip6/fe80::1/tcp/1", near, false},
		{Internet, "/ip6/fd00::1/tcp/1", "/ip6/fe80::1/tcp/1", true},
		{Internet, "/ip6/::ffff:127.0.0.1/tcp/1", far, false},
		{Internet, "/ip6/::ffff:10.0.0.1/tcp/1", far, false},
		{Internet, "/ip4/0.0.0.0/tcp/1", far, false},
		{Internet, "/ip4/224.0.0.1/udp/1", far, false},
		{Internet, "/dns4/example.com/tcp/1", far, false},
		{Internet, "/ip4/93.184.216.34/tcp/443/tls/sni/example.com/ws", far, true},
		{Internet, "/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5/p2p-circuit", far, false},
		{Internet, far, "/dns4/example.com/tcp/1", false},
	} {
		if got := c.reach.Exchanges(ma.StringCast(c.addr), ma.StringCast(c.with)); got != c.want {
			t.Errorf("reach %s, %s with %s: %v", c.reach, c.addr, c.with, got)
		}
	}
	if Internet.Exchanges(nil, ma.StringCast(far)) || Internet.Exchanges(ma.StringCast(far), nil) {
		t.Error("nothing is an address")
	}
}
