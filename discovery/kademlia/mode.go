// Package kademlia finds content by a Kademlia hash table: two of them, built on go-libp2p-kad-dht.
//
// The network's table is spoken under /peer/<network>/kad and holds whoever of our own kind this
// peer meets: on this machine, on the LAN, in a world of one's own made with --network. The public
// table is Amino, IPFS's own, which a peer joins only at reach internet and when asked to; it is not
// even built before the first question to it, and nothing is told to it but by ProvidePublic.
//
// kad-dht's own pairing (its dual package) is not used: it provides to the LAN only while its public
// table is empty, and drops loopback. Start reading at Mode; a table's settings are in network.go
// and amino.go, its life in table.go.
//
// Values: the network's table takes public-key records only, which prove themselves. What signed
// records of ours look like is decided when a feature needs them; until then Caps says no.
package kademlia

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/reach"
)

// Config is what a Mode is made of. Only Host is required.
type Config struct {
	Host    host.Host
	Network string // separates worlds; discovery.DefaultNetwork if empty
	Reach   reach.Reach
	// Bootstrap are peers to join the network's table by, besides those met otherwise. Failing to
	// reach them is silent, and tried again ever more rarely while the table is empty.
	Bootstrap []peer.AddrInfo
	// Shares returns the CIDs to keep announced to the network; nil announces nothing again.
	Shares func() []cid.Cid

	// Public joins Amino as well, if Reach is Internet.
	Public          bool
	PublicBootstrap []peer.AddrInfo  // AminoBootstrap returns the usual ones
	PublicShares    func() []cid.Cid // as Shares, to Amino
	Log             *slog.Logger     // nil is silence
}

// Mode is the discovery mode "kademlia". See discovery.Mode for what its methods promise.
type Mode struct {
	self    peer.ID
	network *table
	public  *table // nil unless joined
}

var (
	_ discovery.Mode       = (*Mode)(nil)
	_ discovery.PeerFinder = (*Mode)(nil)
	_ discovery.Reporter   = (*Mode)(nil)
)

// New returns a mode that does nothing before Run. The error is fault.BadInput: a network's name
// that cannot be part of a protocol's.
func New(c Config) (*Mode, error) {
	if c.Network == "" {
		c.Network = discovery.DefaultNetwork
	}
	if err := discovery.CheckNetwork(c.Network); err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	m := &Mode{self: c.Host.ID(), network: newNetworkTable(c)}
	if c.Public && c.Reach == reach.Internet {
		m.public = newAminoTable(c)
	}
	return m, nil
}

// Name returns "kademlia".
func (m *Mode) Name() string { return "kademlia" }

// Caps returns Provide and Find.
func (m *Mode) Caps() discovery.Caps { return discovery.Caps{Provide: true, Find: true} }

// Run keeps the tables until ctx ends.
func (m *Mode) Run(ctx context.Context) error {
	m.network.want()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, t := range m.tables() {
		wg.Go(func() {
			if err := t.run(ctx); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("%s table: %w", t.name, err))
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

func (m *Mode) tables() []*table {
	if m.public == nil {
		return []*table{m.network}
	}
	return []*table{m.network, m.public}
}

// Provide tells the network that this peer has c; Amino is told by ProvidePublic alone.
func (m *Mode) Provide(ctx context.Context, c cid.Cid, announce bool) error {
	return m.network.provide(ctx, c, announce)
}

// ProvidePublic tells Amino, and so the world, that this peer has c. It is
// discovery.ErrNotSupported unless Amino is joined. It takes up to a minute.
func (m *Mode) ProvidePublic(ctx context.Context, c cid.Cid) error {
	if m.public == nil {
		return fmt.Errorf("kademlia: announce to the public table: %w", discovery.ErrNotSupported)
	}
	return m.public.provide(ctx, c, true)
}

// FindProvidersAsync asks the network's table, and Amino if it is joined.
func (m *Mode) FindProvidersAsync(ctx context.Context, c cid.Cid, n int) <-chan peer.AddrInfo {
	ctx, cancel := context.WithCancel(ctx)
	found := make(chan peer.AddrInfo)
	var asking sync.WaitGroup
	for _, t := range m.tables() {
		asking.Go(func() { t.find(ctx, c, n, found) })
	}
	go func() {
		asking.Wait()
		close(found)
	}()
	out := make(chan peer.AddrInfo)
	go func() {
		defer close(out)
		defer func() {
			cancel()
			for range found { // until both tables have seen it
			}
		}()
		m.distinct(ctx, n, found, out)
	}()
	return out
}

// distinct passes on up to n peers (0: all), each once, and never this one.
func (m *Mode) distinct(ctx context.Context, n int, found <-chan peer.AddrInfo, out chan<- peer.AddrInfo) {
	known := map[peer.ID]bool{m.self: true}
	for info := range found {
		if known[info.ID] {
			continue
		}
		select {
		case out <- info:
		case <-ctx.Done():
			return
		}
		known[info.ID] = true
		if n > 0 && len(known) > n {
			return
		}
	}
}

// FindPeer asks the network's table for the addresses of id, then Amino if it is joined.
func (m *Mode) FindPeer(ctx context.Context, id peer.ID) (peer.AddrInfo, error) {
	var failed []error
	for _, t := range m.tables() {
		info, err := t.findPeer(ctx, id)
		if err == nil {
			return info, nil
		}
		failed = append(failed, err)
	}
	return peer.AddrInfo{}, fault.New(fault.NotFound, "peer %s: %w", id, errors.Join(failed...))
}

// Report says how many peers are in each table.
func (m *Mode) Report() string {
	line := fmt.Sprintf("%d peers in the network's table", m.network.size())
	if m.public != nil {
		line += fmt.Sprintf(", %d in the public one", m.public.size())
	}
	return line
}
