package lan

import (
	"context"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/seed4134be55/peer/discovery/have"
)

// settling is how long after the mode has begun a question stays open for those who are still to be
// met. The others answer within a second; one packet in a burst may be lost.
const settling = 3 * time.Second

// FindProvidersAsync asks the peers met, and those that are met in the mode's first 3 s, whether
// they have c, and yields up to n that say yes (0: all).
func (m *Mode) FindProvidersAsync(ctx context.Context, c cid.Cid, n int) <-chan peer.AddrInfo {
	out := make(chan peer.AddrInfo)
	if m.announcer == nil {
		close(out)
		return out
	}
	ctx, cancel := context.WithCancel(ctx)
	peers := make(chan peer.ID)
	answers, err := have.Client{Host: m.host}.AskEach(ctx, peers, []cid.Cid{c})
	if err != nil {
		cancel()
		close(out)
		return out
	}
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		defer close(peers)
		m.feed(ctx, peers)
	}()
	go func() {
		defer close(out)
		m.pass(ctx, n, answers, out)
		cancel()
		for range answers { // until the askers have seen it
		}
		<-fed
	}()
	return out
}

// feed sends each peer met once, until the mode has settled.
func (m *Mode) feed(ctx context.Context, peers chan<- peer.ID) {
	grown := make(chan struct{}, 1)
	m.mu.Lock()
	m.grown[grown] = true
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		delete(m.grown, grown)
		m.mu.Unlock()
	}()
	asked := make(map[peer.ID]bool)
	for {
		for _, info := range m.peers() {
			if asked[info.ID] {
				continue
			}
			asked[info.ID] = true
			m.host.Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.TempAddrTTL)
			select {
			case peers <- info.ID:
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-grown:
		case <-m.settled:
			return
		case <-m.gone:
			return
		case <-ctx.Done():
			return
		}
	}
}

// pass passes on up to n of those who say yes.
func (m *Mode) pass(ctx context.Context, n int, answers <-chan have.Answer, out chan<- peer.AddrInfo) {
	passed := 0
	for a := range answers {
		select {
		case out <- m.info(a.Peer):
		case <-ctx.Done():
			return
		}
		if passed++; passed == n {
			return
		}
	}
}

// info returns id with the addresses it was met at and those that the host knows besides: libp2p
// forgets the former when a peer that has just got an address does not name it yet itself.
func (m *Mode) info(id peer.ID) peer.AddrInfo {
	known := m.reach.Filter(m.host.Peerstore().Addrs(id))
	m.mu.Lock()
	defer m.mu.Unlock()
	if x := m.members[id]; x != nil {
		known = newest(x.info.Addrs, known)
	}
	return peer.AddrInfo{ID: id, Addrs: known}
}
