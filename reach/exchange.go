package reach

import (
	"net/netip"

	ma "github.com/multiformats/go-multiaddr"
)

// Exchanges reports whether a third peer's addr may be told to a peer that we are connected to at with, or believed if
// it tells us: r allows addr, and addr means the same at both ends. What a loopback address is depends on the
// machine, and what a private one is on the network: so the first goes only to this machine, the second only to local
// addresses, and nobody out there can make us dial into either. Names are not exchanged, as they may lead anywhere.
func (r Reach) Exchanges(addr, with ma.Multiaddr) bool {
	if len(with) > 0 && with[0].Code() == ma.P_IP6ZONE {
		with = with[1:] // a link-local address, as this machine writes it
	}
	there, ok := firstScope(with)
	if !ok || !r.Allows(addr) {
		return false
	}
	if _, ok := firstScope(addr); !ok {
		return false
	}
	for _, c := range addr {
		switch c.Code() {
		case ma.P_IP4, ma.P_IP6:
			if s, ok := scopeOf(c); !ok || s < there {
				return false
			}
		case ma.P_DNS, ma.P_DNS4, ma.P_DNS6, ma.P_DNSADDR:
			return false
		}
	}
	return true
}

// firstScope returns how far the address that a multiaddr begins with means the same.
func firstScope(addr ma.Multiaddr) (Reach, bool) {
	if len(addr) == 0 {
		return 0, false
	}
	return scopeOf(addr[0])
}

func scopeOf(c ma.Component) (Reach, bool) {
	if c.Code() != ma.P_IP4 && c.Code() != ma.P_IP6 {
		return 0, false
	}
	ip, ok := netip.AddrFromSlice(c.RawValue())
	ip = ip.Unmap()
	switch {
	case !ok || ip.IsUnspecified() || ip.IsMulticast():
		return 0, false
	case ip.IsLoopback():
		return Loopback, true
	case isLocal(ip):
		return LAN, true
	}
	return Internet, true
}
