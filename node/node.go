package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"github.com/seed4134be55/peer/contentaddr/store"
	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/discovery/have"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/node/home"
	"github.com/seed4134be55/peer/reach"
	"github.com/seed4134be55/peer/swarm"
)

// Config says what a Node is built from.
type Config struct {
	Home    *home.Home // its lock is held by the caller
	Options api.Options
	Version string
	Log     *slog.Logger
}

// A Node is one peer. It implements api.Node.
type Node struct {
	cfg           Config
	budget        budget
	reach         reach.Reach
	host          host.Host
	store         *store.Store
	swarm         *swarm.Swarm
	modes         []discovery.Mode
	mux           *discovery.Mux
	bootstrap     []peer.AddrInfo
	started       time.Time
	nat           natWatch
	listening     chan struct{}                        // closed when Run listens
	public        func(context.Context, cid.Cid) error // announces to the internet; nil beyond its reach
	announcements *news

	lock      sync.Mutex
	running   bool
	transfers map[*transfer]struct{}
}

var _ api.Node = (*Node)(nil)

// New builds the peer of cfg.Home. Nothing listens or speaks before Run.
func New(cfg Config) (*Node, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r, err := reach.Parse(cfg.Options.Reach)
	if err != nil {
		return nil, err
	}
	if cfg.Options.Relay && r != reach.Internet {
		return nil, fault.New(fault.BadInput, "--relay needs --reach internet, and this peer's reach is %s", r)
	}
	bootstrap, err := parseBootstrap(cfg.Options.Bootstrap, r)
	if err != nil {
		return nil, err
	}
	limit, err := openFiles()
	if err != nil {
		return nil, err
	}
	n := &Node{
		budget: shareOut(limit),
		nat:    natWatch{kind: make(map[network.NATTransportProtocol]network.NATDeviceType)},
		cfg:    cfg, reach: r, bootstrap: bootstrap, started: time.Now(),
		listening: make(chan struct{}), announcements: newNews(), transfers: make(map[*transfer]struct{}),
	}
	// The key-value store replays its log while the host makes its certificates.
	var parts errgroup.Group
	parts.Go(n.openStore)
	parts.Go(n.openHost)
	if err := parts.Wait(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	n.swarm = swarm.New(swarm.Config{
		Host: n.host, Library: library{n.store}, LimitUp: cfg.Options.LimitUp, LimitDown: cfg.Options.LimitDown, Log: cfg.Log,
		MaxPeers: cfg.Options.MaxPeers, LANFirst: cfg.Options.LANFirst, OnLink: (&onLink{reach: n.reach}).has, Exchanges: n.reach.Exchanges,
	})
	if err := n.openModes(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Node) openStore() (err error) {
	n.store, err = store.Open(store.Config{Dir: n.cfg.Home.Dir(), Log: n.cfg.Log, Limits: store.Limits{OpenFiles: n.budget.files}})
	return err
}

func (n *Node) openHost() error {
	key, err := n.cfg.Home.Key()
	if err != nil {
		return err
	}
	n.host, err = newHost(hostConfig{
		key: key, reach: n.reach, agent: "peer/" + n.cfg.Version, serveRelay: n.cfg.Options.Relay, relays: n.relayCandidates,
		peers: cmp.Or(n.cfg.Options.MaxPeers, swarm.DefaultMaxPeers), sockets: n.budget.sockets,
	})
	return err
}

// Run listens, serves and announces until ctx ends, and returns when all of it has stopped.
func (n *Node) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return n.swarm.Run(ctx) })
	if err := n.listen(ctx, g); err != nil {
		return err
	}
	n.lock.Lock()
	n.running = true
	n.lock.Unlock()
	close(n.listening)
	g.Go(func() error { return n.runModes(ctx) })
	g.Go(func() error { return n.keepBootstrapped(ctx) })
	g.Go(n.seekRelay)
	g.Go(func() error { return n.preferDirect(ctx) })
	g.Go(func() error { return n.announceNew(ctx) })
	g.Go(func() error { return n.checkShares(ctx) })
	g.Go(func() error { return have.NewServer(n.host, library{n.store}.listedHere, n.cfg.Log).Run(ctx) })
	g.Go(func() error { return n.nat.follow(ctx, n.host.EventBus()) })
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// Close frees what New took. Run and all requests have returned.
func (n *Node) Close() error {
	var errs []error
	if n.host != nil {
		errs = append(errs, n.host.Close())
	}
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	return errors.Join(errs...)
}

// online waits until the node listens.
func (n *Node) online(ctx context.Context) error {
	select {
	case <-n.listening:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (n *Node) runModes(ctx context.Context) error {
	if err := n.mux.Run(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("discovery: %w", err)
	}
	return nil
}
