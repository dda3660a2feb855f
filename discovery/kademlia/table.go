package kademlia

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	kb "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/seed4134be55/peer/reach"
)

// tableConfig is what one hash table is made of.
type tableConfig struct {
	name      string
	host      host.Host
	log       *slog.Logger
	protocol  protocol.ID // what options make the table speak
	options   []dht.Option
	bootstrap []peer.AddrInfo
	reach     reach.Reach // bounds whom to bootstrap from; options hold the rest to it
	shares    func() []cid.Cid
	again     time.Duration // between two announcements of shares
	look      time.Duration // between two looks at how the table has grown
}

// table is one hash table from the first question to it until run ends.
type table struct {
	tableConfig
	wanted   chan struct{} // closed when somebody needs it
	wantOnce sync.Once
	ready    chan struct{} // closed once dht is set, which happens before
	gone     chan struct{} // closed when run has ended
	dht      *dht.IpfsDHT
}

var errStopped = errors.New("it has stopped")

func newTable(c tableConfig) *table {
	return &table{tableConfig: c, wanted: make(chan struct{}), ready: make(chan struct{}), gone: make(chan struct{})}
}

// want makes run build the table, now or when it begins.
func (t *table) want() { t.wantOnce.Do(func() { close(t.wanted) }) }

// run waits until the table is wanted, and keeps it until ctx ends.
func (t *table) run(ctx context.Context) error {
	defer close(t.gone)
	if t.shares != nil && len(t.shares()) > 0 {
		t.want()
	}
	select {
	case <-t.wanted:
	case <-ctx.Done():
		return ctx.Err()
	}
	d, err := dht.New(t.host, t.options...)
	if err != nil {
		return err
	}
	t.dht = d
	close(t.ready)

	var wg sync.WaitGroup
	wg.Go(func() { t.keepBootstrapped(ctx) })
	wg.Go(func() { t.keepAnnounced(ctx) })
	<-ctx.Done()
	wg.Wait()
	// Close leaves the handler in place, and a peer that still announces it gets asked in vain.
	t.host.RemoveStreamHandler(t.protocol)
	return errors.Join(ctx.Err(), d.Close())
}

// get returns the table when it is there.
func (t *table) get(ctx context.Context) (*dht.IpfsDHT, error) {
	t.want()
	select {
	case <-t.gone:
		return nil, errStopped
	default:
	}
	select {
	case <-t.ready:
		return t.dht, nil
	case <-t.gone:
		return nil, errStopped
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// size returns the number of peers in the table, 0 while it is not there.
func (t *table) size() int {
	select {
	case <-t.ready:
		return t.dht.RoutingTable().Size()
	default:
		return 0
	}
}

// provide records here that this peer has c, and with announce tells those nearest to it. Nobody to
// tell yet is no error: the record here answers whoever comes, and keepAnnounced tells the rest.
func (t *table) provide(ctx context.Context, c cid.Cid, announce bool) error {
	d, err := t.get(ctx)
	if err != nil {
		return fmt.Errorf("%s table: %w", t.name, err)
	}
	err = d.Provide(ctx, c, announce)
	if errors.Is(err, kb.ErrLookupFailure) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s table: announce %s: %w", t.name, c, err)
	}
	return nil
}

// find sends the providers of c to found until the lookup ends, n are found (0: all) or ctx ends.
func (t *table) find(ctx context.Context, c cid.Cid, n int, found chan<- peer.AddrInfo) {
	d, err := t.get(ctx)
	if err != nil {
		return
	}
	if n > 0 {
		n++ // kad-dht counts this peer among them
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for info := range d.FindProvidersAsync(ctx, c, n) {
		if len(info.Addrs) == 0 {
			info = t.host.Peerstore().PeerInfo(info.ID)
		}
		info.Addrs = t.reach.Filter(info.Addrs)
		select {
		case found <- info:
		case <-ctx.Done():
			return
		}
	}
}

func (t *table) findPeer(ctx context.Context, id peer.ID) (peer.AddrInfo, error) {
	d, err := t.get(ctx)
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("%s table: %w", t.name, err)
	}
	info, err := d.FindPeer(ctx, id)
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("%s table: %w", t.name, err)
	}
	info.Addrs = t.reach.Filter(info.Addrs)
	// One that has only just connected to us has not said yet where it listens.
	if len(info.Addrs) == 0 && t.host.Network().Connectedness(id) != network.Connected {
		return peer.AddrInfo{}, fmt.Errorf("%s table: no address within reach %s", t.name, t.reach)
	}
	return info, nil
}
