package node

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"golang.org/x/sync/errgroup"

	"github.com/seed4134be55/peer/reach"
)

// addressCheck is how often a peer of reach lan looks for new addresses to listen on. Wider reaches listen
// on everything and need not.
const addressCheck = 5 * time.Second

// listen opens the peer's port, the one it had before if that is free, so that links stay good.
func (n *Node) listen(ctx context.Context, g *errgroup.Group) error {
	port, err := n.cfg.Home.Port()
	if err != nil {
		return err
	}
	if port == 0 || !free(port) {
		if port, err = choosePort(); err != nil {
			return err
		}
		if err := n.cfg.Home.SetPort(port); err != nil {
			return err
		}
	}
	ips := n.listenIPs()
	if err := n.listenOn(ips, port); err != nil {
		return err
	}
	if n.reach == reach.LAN {
		g.Go(func() error { n.followAddresses(ctx, ips, port); return nil })
	}
	return nil
}

// listenIPs returns the addresses to listen on. Reach lan names each private address instead of listening
// on all, so that a public one is not even answered.
func (n *Node) listenIPs() []netip.Addr {
	switch n.reach {
	case reach.Loopback:
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	case reach.Internet:
		return []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	}
	ips := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	interfaces, err := n.reach.Interfaces()
	if err != nil {
		n.cfg.Log.Warn("interfaces unknown", "error", err)
	}
	for _, i := range interfaces {
		prefixes, _ := reach.Prefixes(i)
		for _, p := range prefixes {
			if ip := p.Addr(); n.reach.AllowsIP(ip) && !ip.IsLinkLocalUnicast() && !slices.Contains(ips, ip) {
				ips = append(ips, ip)
			}
		}
	}
	return ips
}

// listenOn opens the port on each address, over TCP and, beyond loopback, QUIC. One address of several may fail:
// a machine without IPv6, say.
func (n *Node) listenOn(ips []netip.Addr, port int) error {
	var addrs []ma.Multiaddr
	for _, ip := range ips {
		base := "/ip4/" + ip.String()
		if ip.Is6() {
			base = "/ip6/" + ip.String()
		}
		addrs = append(addrs, ma.StringCast(fmt.Sprintf("%s/tcp/%d", base, port)))
		if n.reach != reach.Loopback {
			addrs = append(addrs, ma.StringCast(fmt.Sprintf("%s/udp/%d/quic-v1", base, port)))
		}
	}
	if err := n.host.Network().Listen(addrs...); err != nil {
		return fmt.Errorf("listen on port %d: %w", port, err)
	}
	return nil
}

// followAddresses listens on addresses that appear later: a cable plugged in, a Wi-Fi joined.
func (n *Node) followAddresses(ctx context.Context, ips []netip.Addr, port int) {
	clock := time.NewTicker(addressCheck)
	defer clock.Stop()
	for {
		select {
		case <-clock.C:
		case <-ctx.Done():
			return
		}
		now := n.listenIPs()
		fresh := slices.DeleteFunc(slices.Clone(now), func(ip netip.Addr) bool { return slices.Contains(ips, ip) })
		if len(fresh) == 0 {
			continue
		}
		if err := n.listenOn(fresh, port); err != nil {
			n.cfg.Log.Warn("new address not listened on", "error", err)
			continue
		}
		ips = append(ips, fresh...)
	}
}

// free tells whether nothing listens on port; it asks on loopback only.
func free(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// choosePort returns a port that is free.
func choosePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("choose a port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
