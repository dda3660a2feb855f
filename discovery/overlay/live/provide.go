package live

import (
	"context"
	"errors"
	"log/slog"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// Provide makes this peer findable as a provider of c. Without announce it only notes that it is one: it is told when all
// else is told again.
func (m *Mode) Provide(ctx context.Context, c cid.Cid, announce bool) error {
	if err := m.begun(ctx); err != nil {
		return m.wrap(err)
	}
	if err := m.publisher.keepProvided(c); err != nil || !announce {
		return m.wrap(err)
	}
	return m.publisher.provide(ctx, c)
}

// FindProvidersAsync asks those responsible for c. A provider's addresses are those that it signed, within reach.
func (m *Mode) FindProvidersAsync(ctx context.Context, c cid.Cid, n int) <-chan peer.AddrInfo {
	out := make(chan peer.AddrInfo)
	want := 0
	if n > 0 {
		want = n + 1 // this peer may be among them
	}
	go func() {
		defer close(out)
		o, err := m.Call(ctx, overlay.Op{Kind: overlay.Find, Key: overlay.ContentKey(c.Hash()), Want: want})
		if err != nil {
			return
		}
		if o.Err != nil && !errors.Is(o.Err, overlay.ErrAlone) {
			m.log.Debug("lookup failed", slog.String("mode", m.name), slog.String("cid", c.String()), slog.Any("error", o.Err))
		}
		found := 0
		for _, info := range m.providers(o.Records) {
			select {
			case out <- info:
			case <-ctx.Done():
				return
			case <-m.gone:
				return
			}
			if found++; found == n {
				return
			}
		}
	}()
	return out
}

// providers returns who says in records that they have the content, without this peer.
func (m *Mode) providers(records []*overlay.Record) (infos []peer.AddrInfo) {
	now := m.loop.clock.now()
	for _, r := range records {
		if r.Kind != overlay.Provider || r.Publisher == m.host.ID() || r.Expiry <= now {
			continue
		}
		addrs, err := overlay.Addrs(r.Payload)
		if err != nil {
			continue
		}
		if addrs = m.reach.Filter(withoutPeer(addrs)); len(addrs) == 0 {
			addrs = m.reach.Filter(m.host.Peerstore().Addrs(r.Publisher))
		}
		infos = append(infos, peer.AddrInfo{ID: r.Publisher, Addrs: addrs})
	}
	return infos
}

// withoutPeer leaves out addresses that lead to a peer which they name themselves: a record speaks for its publisher only.
func withoutPeer(addrs []ma.Multiaddr) (kept []ma.Multiaddr) {
	for _, a := range addrs {
		if len(a) > 0 && a[len(a)-1].Code() != ma.P_P2P {
			kept = append(kept, a)
		}
	}
	return kept
}
