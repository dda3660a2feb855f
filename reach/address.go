package reach

import (
	"net/netip"

	ma "github.com/multiformats/go-multiaddr"
)

// local lists what LAN allows besides loopback: RFC 1918, link-local (RFC 3927, RFC 4291) and unique
// local addresses (RFC 4193). It is a list of what is allowed, so that multicast, unspecified, NAT64
// and tunnel addresses stay out without being named.
//
// Shared address space (100.64.0.0/10, RFC 6598) is not local: behind a carrier's NAT it is the
// carrier's network, and packets to it leave the house by the default route. Overlay networks that
// borrow it need reach internet.
var local = [...]netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("fc00::/7"),
}

// AllowsIP reports whether r lets a packet go to or come from ip.
func (r Reach) AllowsIP(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	switch r {
	case Internet:
		return ip.IsValid()
	case LAN:
		return ip.IsLoopback() || isLocal(ip)
	default:
		return ip.IsLoopback()
	}
}

// IsLocal reports whether ip is an address of a local network: private, link-local or unique local,
// and not loopback.
func IsLocal(ip netip.Addr) bool { return isLocal(ip.Unmap().WithZone("")) }

func isLocal(ip netip.Addr) bool {
	for _, p := range local {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// Allows reports whether r lets a peer dial addr, be dialled from it, or tell others about it.
//
// Below Internet every IP address in addr must be allowed, there must be one, and a DNS name is
// never allowed: finding out where it leads already asks a server that may be anywhere. A relayed
// address carries the relay's own address in front and so follows it; one that names its relay only
// by peer id is refused, as nobody can say where that is.
func (r Reach) Allows(addr ma.Multiaddr) bool {
	if len(addr) == 0 {
		return false
	}
	if r == Internet {
		return true
	}
	ips := 0
	for _, c := range addr {
		switch c.Code() {
		case ma.P_IP4, ma.P_IP6:
			ip, ok := netip.AddrFromSlice(c.RawValue())
			if !ok || !r.AllowsIP(ip) {
				return false
			}
			ips++
		case ma.P_DNS, ma.P_DNS4, ma.P_DNS6, ma.P_DNSADDR:
			return false
		}
	}
	return ips > 0
}

// Filter returns those of addrs that r allows, in a new slice.
func (r Reach) Filter(addrs []ma.Multiaddr) []ma.Multiaddr {
	kept := make([]ma.Multiaddr, 0, len(addrs))
	for _, a := range addrs {
		if r.Allows(a) {
			kept = append(kept, a)
		}
	}
	return kept
}

// Announce returns what to tell others of a host's own addresses: those that r allows, and no
// loopback address where there is a better one, since to another machine it means itself. It has
// the shape of libp2p's address factory.
func (r Reach) Announce(addrs []ma.Multiaddr) []ma.Multiaddr {
	allowed := r.Filter(addrs)
	if r == Loopback {
		return allowed
	}
	wider := make([]ma.Multiaddr, 0, len(allowed))
	for _, a := range allowed {
		if !Loopback.Allows(a) {
			wider = append(wider, a)
		}
	}
	if len(wider) == 0 {
		return allowed
	}
	return wider
}

// Listen returns the IP part of the addresses to listen on. Beyond Loopback these are wildcards, as
// a machine's addresses come and go; Gater turns away what then arrives from too far.
func (r Reach) Listen() []ma.Multiaddr {
	if r == Loopback {
		return []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1"), ma.StringCast("/ip6/::1")}
	}
	return []ma.Multiaddr{ma.StringCast("/ip4/0.0.0.0"), ma.StringCast("/ip6/::")}
}
