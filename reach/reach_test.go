package reach

import (
	"net"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/seed4134be55/peer/fault"
)

const relayID = "12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf"

func TestParse(t *testing.T) {
	for _, r := range []Reach{Loopback, LAN, Internet} {
		got, err := Parse(r.String())
		if err != nil || got != r {
			t.Errorf("Parse(%q) = %v, %v", r.String(), got, err)
		}
	}
	for _, word := range []string{"", "LAN", "world", "lan "} {
		if _, err := Parse(word); fault.KindOf(err) != fault.BadInput {
			t.Errorf("Parse(%q): %v, want bad input", word, err)
		}
	}
}

func TestAllows(t *testing.T) {
	const no = Internet + 1
	for addr, nearest := range map[string]Reach{
		"/ip4/127.0.0.1/tcp/4001":                                               Loopback,
		"/ip4/127.9.9.9/udp/4001/quic-v1":                                       Loopback,
		"/ip6/::1/tcp/4001":                                                     Loopback,
		"/ip6/::ffff:127.0.0.1/tcp/4001":                                        Loopback,
		"/ip4/10.1.2.3/tcp/4001":                                                LAN,
		"/ip4/172.31.255.255/tcp/1":                                             LAN,
		"/ip4/192.168.0.1/udp/4001/quic-v1":                                     LAN,
		"/ip4/169.254.7.7/tcp/4001":                                             LAN,
		"/ip6/fd12::1/tcp/4001":                                                 LAN,
		"/ip6/fe80::1/tcp/4001":                                                 LAN,
		"/ip6zone/eth0/ip6/fe80::1/tcp/4001":                                    LAN,
		"/ip6/::ffff:10.0.0.1/tcp/4001":                                         LAN,
		"/ip4/172.32.0.1/tcp/4001":                                              Internet,
		"/ip4/100.64.0.1/tcp/4001":                                              Internet,
		"/ip4/5.6.7.8/tcp/4001":                                                 Internet,
		"/ip4/224.0.0.251/udp/5353":                                             Internet,
		"/ip4/255.255.255.255/udp/1":                                            Internet,
		"/ip4/0.0.0.0/tcp/4001":                                                 Internet,
		"/ip6/::/tcp/4001":                                                      Internet,
		"/ip6/::ffff:8.8.8.8/tcp/4001":                                          Internet,
		"/ip6/2001:db8::1/tcp/4001":                                             Internet,
		"/ip6/64:ff9b::a00:1/tcp/4001":                                          Internet,
		"/dns4/localhost/tcp/4001":                                              Internet,
		"/dnsaddr/bootstrap.libp2p.io":                                          Internet,
		"/ip4/10.0.0.1/tcp/1/p2p/" + relayID + "/p2p-circuit":                   LAN,
		"/ip4/127.0.0.1/tcp/1/p2p/" + relayID + "/p2p-circuit":                  Loopback,
		"/ip4/8.8.8.8/tcp/1/p2p/" + relayID + "/p2p-circuit":                    Internet,
		"/ip4/10.0.0.1/tcp/1/p2p/" + relayID + "/p2p-circuit/ip4/8.8.8.8/tcp/1": Internet,
		"/p2p/" + relayID + "/p2p-circuit":                                      Internet,
	} {
		a := ma.StringCast(addr)
		for _, r := range []Reach{Loopback, LAN, Internet} {
			if got, want := r.Allows(a), r >= nearest && nearest != no; got != want {
				t.Errorf("%v.Allows(%s) = %v, want %v", r, addr, got, want)
			}
		}
	}
	if Internet.Allows(nil) || Loopback.Allows(ma.Multiaddr{}) {
		t.Error("an empty address is allowed")
	}
}

func TestAnnounceLeavesLoopbackOutWhereThereIsBetter(t *testing.T) {
	lo, lan, pub := ma.StringCast("/ip4/127.0.0.1/tcp/1"), ma.StringCast("/ip4/10.0.0.1/tcp/1"), ma.StringCast("/ip4/5.6.7.8/tcp/1")
	for _, c := range []struct {
		r        Reach
		in, want []ma.Multiaddr
	}{
		{Loopback, []ma.Multiaddr{lo, lan, pub}, []ma.Multiaddr{lo}},
		{LAN, []ma.Multiaddr{lo, lan, pub}, []ma.Multiaddr{lan}},
		{LAN, []ma.Multiaddr{lo, pub}, []ma.Multiaddr{lo}},
		{Internet, []ma.Multiaddr{lo, lan, pub}, []ma.Multiaddr{lan, pub}},
	} {
		got := c.r.Announce(c.in)
		if len(got) != len(c.want) {
			t.Errorf("%v.Announce(%v) = %v, want %v", c.r, c.in, got, c.want)
			continue
		}
		for i := range got {
			if !got[i].Equal(c.want[i]) {
				t.Errorf("%v.Announce(%v) = %v, want %v", c.r, c.in, got, c.want)
			}
		}
	}
}

func TestInterfaces(t *testing.T) {
	for _, r := range []Reach{Loopback, LAN, Internet} {
		ifaces, err := r.Interfaces()
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range ifaces {
			if lo := i.Flags&net.FlagLoopback != 0; lo != (r == Loopback) || i.Flags&net.FlagUp == 0 {
				t.Errorf("%v.Interfaces() has %s (%v)", r, i.Name, i.Flags)
			}
		}
	}
}

type conn struct {
	network.ConnMultiaddrs
	remote ma.Multiaddr
}

func (c conn) RemoteMultiaddr() ma.Multiaddr { return c.remote }

func TestGaterHoldsBothDirections(t *testing.T) {
	g := Gater{LAN}
	for addr, want := range map[string]bool{"/ip4/10.0.0.1/tcp/1": true, "/ip4/5.6.7.8/tcp/1": false} {
		a := ma.StringCast(addr)
		if got := g.InterceptAddrDial("", a); got != want {
			t.Errorf("dial %s: %v", addr, got)
		}
		if got := g.InterceptAccept(conn{remote: a}); got != want {
			t.Errorf("accept %s: %v", addr, got)
		}
		if got := g.InterceptSecured(network.DirInbound, "", conn{remote: a}); got != want {
			t.Errorf("secured %s: %v", addr, got)
		}
	}
}

func TestResolverRefusesBelowInternet(t *testing.T) {
	name := ma.StringCast("/dns4/example.com/tcp/1")
	for _, r := range []Reach{Loopback, LAN} {
		res := r.Resolver(nil)
		if _, err := res.ResolveDNSAddr(t.Context(), "", name, 1, 1); err == nil {
			t.Errorf("%v: dnsaddr was looked up", r)
		}
		if _, err := res.ResolveDNSComponent(t.Context(), name, 1); err == nil {
			t.Errorf("%v: name was looked up", r)
		}
	}
	if got := Internet.Resolver(nil); got != nil {
		t.Errorf("internet does not use the resolver given: %v", got)
	}
}
