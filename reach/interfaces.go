package reach

import (
	"fmt"
	"net"
	"net/netip"
)

// Interfaces returns the interfaces that are up and that r lets a peer speak on: the loopback ones
// under Loopback; under LAN and Internet the others that have an address which r allows.
func (r Reach) Interfaces() ([]net.Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	var kept []net.Interface
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 || (i.Flags&net.FlagLoopback != 0) != (r == Loopback) {
			continue
		}
		prefixes, err := Prefixes(i)
		if err != nil {
			continue // it went away between the two questions
		}
		for _, p := range prefixes {
			if r.AllowsIP(p.Addr()) {
				kept = append(kept, i)
				break
			}
		}
	}
	return kept, nil
}

// Prefixes returns the addresses of i with the length of the network each is in.
func Prefixes(i net.Interface) ([]netip.Prefix, error) {
	addrs, err := i.Addrs()
	if err != nil {
		return nil, fmt.Errorf("addresses of %s: %w", i.Name, err)
	}
	out := make([]netip.Prefix, 0, len(addrs))
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, ok := netip.AddrFromSlice(n.IP)
		if !ok {
			continue
		}
		ones, _ := n.Mask.Size()
		out = append(out, netip.PrefixFrom(ip.Unmap(), ones))
	}
	return out, nil
}
