package reach

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// Resolver returns what a host of this reach looks names up with: inner under Internet, and below
// it a resolver that refuses, because the host resolves before it asks its gater and the question
// alone would already leave the local network.
func (r Reach) Resolver(inner network.MultiaddrDNSResolver) network.MultiaddrDNSResolver {
	if r == Internet {
		return inner
	}
	return refuser{r}
}

type refuser struct{ reach Reach }

// ResolveDNSAddr refuses.
func (r refuser) ResolveDNSAddr(_ context.Context, _ peer.ID, addr ma.Multiaddr, _, _ int) ([]ma.Multiaddr, error) {
	return nil, r.refuse(addr)
}

// ResolveDNSComponent refuses.
func (r refuser) ResolveDNSComponent(_ context.Context, addr ma.Multiaddr, _ int) ([]ma.Multiaddr, error) {
	return nil, r.refuse(addr)
}

func (r refuser) refuse(addr ma.Multiaddr) error {
	return fmt.Errorf("resolve %s: reach %s asks no name server", addr, r.reach)
}
