package node

import (
	"net/netip"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/seed4134be55/peer/reach"
)

// prefixesLast is how long the networks that this machine is in are taken to be the same.
const prefixesLast = 10 * time.Second

// onLink knows which addresses are on-link: inside a prefix of an interface that reach allows, but for the loopback's.
type onLink struct {
	reach reach.Reach

	lock     sync.Mutex
	prefixes []netip.Prefix
	seen     time.Time
}

func (o *onLink) has(addr ma.Multiaddr) bool {
	ip, err := manet.ToIP(addr)
	if err != nil {
		return false
	}
	at, _ := netip.AddrFromSlice(ip)
	at = at.Unmap()
	if at.IsLoopback() {
		return false
	}
	for _, p := range o.networks(time.Now()) {
		if p.Contains(at) {
			return true
		}
	}
	return false
}

func (o *onLink) networks(now time.Time) []netip.Prefix {
	o.lock.Lock()
	defer o.lock.Unlock()
	if now.Sub(o.seen) < prefixesLast {
		return o.prefixes
	}
	o.seen, o.prefixes = now, nil
	interfaces, err := o.reach.Interfaces()
	if err != nil {
		return nil
	}
	for _, i := range interfaces {
		if ps, err := reach.Prefixes(i); err == nil {
			o.prefixes = append(o.prefixes, ps...)
		}
	}
	return o.prefixes
}
