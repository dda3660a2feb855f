package kademlia

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"
)

const (
	bootstrapFirst   = 5 * time.Second  // after the first attempt that leaves the table empty
	bootstrapLast    = 10 * time.Minute // the longest between two attempts
	bootstrapTimeout = 10 * time.Second // for one peer
	bootstrapEnough  = 2                // peers reached; kad-dht finds the others from there
	growthCheck      = 15 * time.Second // between two looks at the size of the table
	announceTimeout  = time.Minute      // for one CID
	announceAtOnce   = 8
)

// keepBootstrapped joins by the bootstrap peers whenever the table is empty. kad-dht could do it
// itself, but complains to the user's terminal each time, and never tires.
func (t *table) keepBootstrapped(ctx context.Context) {
	peers := t.bootstrapWithin()
	if len(peers) == 0 {
		return
	}
	wait := bootstrapFirst
	for {
		if t.size() > 0 {
			wait = bootstrapFirst
		} else {
			t.join(ctx, peers)
			wait = min(2*wait, bootstrapLast)
		}
		// Half of it by chance, so that a network that lost its bootstrap peer does not return to it at once.
		select {
		case <-time.After(wait/2 + rand.N(wait/2)):
		case <-ctx.Done():
			return
		}
	}
}

// bootstrapWithin returns the bootstrap peers with the addresses within reach, this peer left out.
func (t *table) bootstrapWithin() []peer.AddrInfo {
	var within []peer.AddrInfo
	for _, p := range t.bootstrap {
		if p.Addrs = t.reach.Filter(p.Addrs); len(p.Addrs) > 0 && p.ID != t.host.ID() {
			within = append(within, p)
		}
	}
	return within
}

// join connects to peers in random order until enough are reached. Being connected is all that
// kad-dht needs: it sees which protocols they speak.
func (t *table) join(ctx context.Context, peers []peer.AddrInfo) {
	reached := 0
	for _, i := range rand.Perm(len(peers)) {
		dialling, cancel := context.WithTimeout(network.WithForceDirectDial(ctx, "bootstrap"), bootstrapTimeout)
		err := t.host.Connect(dialling, peers[i])
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			t.log.Debug("bootstrap peer not reached", slog.String("table", t.name), slog.Any("error", err))
			continue
		}
		if reached++; reached == bootstrapEnough {
			return
		}
	}
}

// keepAnnounced tells the table again of what is shared: as records expire, and whenever the table
// has doubled since, because the peers now nearest to a CID may not have been there to be told.
func (t *table) keepAnnounced(ctx context.Context) {
	if t.shares == nil {
		return
	}
	told, next := 0, time.Now().Add(t.again)
	look := time.NewTicker(t.look)
	defer look.Stop()
	for {
		size := t.size()
		if due := !time.Now().Before(next); size > 2*told || due && size > 0 {
			t.announceShares(ctx)
			told, next = size, time.Now().Add(t.again)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// announceShares tells the table of all that is shared, some at a time: one takes seconds in a large table, and a home
// may share hundreds.
func (t *table) announceShares(ctx context.Context) {
	var telling errgroup.Group
	telling.SetLimit(announceAtOnce)
	for _, c := range t.shares() {
		if ctx.Err() != nil {
			break
		}
		telling.Go(func() error {
			t.announceShare(ctx, c)
			return nil
		})
	}
	_ = telling.Wait() // nothing fails it
}

func (t *table) announceShare(ctx context.Context, c cid.Cid) {
	telling, cancel := context.WithTimeout(ctx, announceTimeout)
	defer cancel()
	if err := t.provide(telling, c, true); err != nil && ctx.Err() == nil {
		t.log.Debug("share not announced again", slog.String("table", t.name), slog.String("cid", c.String()), slog.Any("error", err))
	}
}
