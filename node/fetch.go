package node

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
	"github.com/seed4134be55/peer/contentaddr/link"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/contentaddr/store"
	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/swarm"
)

const (
	// findPatience bounds one question to all modes.
	findPatience = 15 * time.Second
	// linkFirst is how long a link's own addresses have before the modes are asked at all: most
	// transfers need nobody else.
	linkFirst = time.Second
)

// A transfer is one root that is being fetched.
type transfer struct {
	link     link.Link
	path     string // where it goes
	session  *swarm.Session
	sink     *sink
	download atomic.Pointer[store.Download]
	started  time.Time
}

// into returns the download that t writes to.
func (t *transfer) into() *store.Download { return t.download.Load() }

// newTransfer opens the download of a link and a session for what want says of it; nil: all of it.
func (n *Node) newTransfer(ctx context.Context, l link.Link, spec store.DownloadSpec, want func(*manifest.Layout) (*bitfield.Bitfield, error), timeout time.Duration) (*transfer, error) {
	t := &transfer{link: l, path: spec.Dest, started: time.Now()}
	reopen := func() (*store.Download, error) { return n.store.Download(ctx, spec) }
	d, err := reopen()
	if err != nil {
		return nil, err
	}
	t.download.Store(d)
	t.sink = &sink{t: t, reopen: reopen, want: want}
	t.session = n.swarm.Session(swarm.SessionConfig{
		Root: l.Cid, Sink: t.sink, Timeout: timeout, Log: n.cfg.Log,
	})
	return t, nil
}

// fetch runs t's session and finds sources for it.
func (n *Node) fetch(ctx context.Context, t *transfer) error {
	n.track(t, true)
	defer n.track(t, false)
	g, ctx := errgroup.WithContext(ctx)
	ctx, stop := context.WithCancel(ctx)
	g.Go(func() error {
		defer stop()
		return t.session.Run(ctx)
	})
	g.Go(func() error {
		n.findSources(ctx, t.link, t.useful, func(f discovery.Found) { t.session.AddPeer(f.AddrInfo, f.Mode) })
		return nil
	})
	return g.Wait()
}

func (n *Node) track(t *transfer, on bool) {
	n.lock.Lock()
	defer n.lock.Unlock()
	if on {
		n.transfers[t] = struct{}{}
	} else {
		delete(n.transfers, t)
	}
}

// useful returns how many sources send what they are asked for, or would.
func (t *transfer) useful() (n int) {
	for _, s := range t.session.Status().Sources {
		if !s.Stalled && !s.Choked {
			n++
		}
	}
	return n
}

// findSources yields peers that may have l's root: those in the link first, then whom the modes find, asked
// again and again until ctx ends, as often as the number of useful sources makes it worth while.
func (n *Node) findSources(ctx context.Context, l link.Link, useful func() int, yield func(discovery.Found)) {
	first := time.Now()
	for _, p := range l.Peers() {
		p.Addrs = n.reach.Filter(p.Addrs)
		yield(discovery.Found{AddrInfo: p, Mode: "link"})
		first = time.Now().Add(linkFirst)
	}
	if !sleep(ctx, time.Until(first)) {
		return
	}
	for times := 1; ; times++ {
		n.findOnce(ctx, l, yield)
		asked := time.Now()
		for time.Since(asked) < findAfter(times, useful()) {
			if !sleep(ctx, findLook) {
				return
			}
		}
	}
}

// sleep waits for d and tells whether ctx still lives.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// findOnce asks every mode who has l's root, and where the peers of the link are now.
func (n *Node) findOnce(ctx context.Context, l link.Link, yield func(discovery.Found)) {
	ctx, cancel := context.WithTimeout(ctx, findPatience)
	defer cancel()
	var asked sync.WaitGroup
	asked.Go(func() {
		found, err := n.mux.Find(ctx, l.Cid, 0)
		if err != nil {
			return // discovery is off
		}
		for f := range found {
			yield(f)
		}
	})
	for _, p := range l.Peers() {
		asked.Go(func() {
			if info, err := n.mux.FindPeer(ctx, p.ID); err == nil {
				yield(discovery.Found{AddrInfo: info, Mode: "link"})
			}
		})
	}
	asked.Wait()
}

// sink joins a session to a download.
type sink struct {
	t       *transfer
	reopen  func() (*store.Download, error)
	want    func(*manifest.Layout) (*bitfield.Bitfield, error) // nil: everything
	planned bool
}

// PutNode implements swarm.Sink.
func (s *sink) PutNode(c cid.Cid, block []byte) error { return s.t.into().PutNode(c, block) }

// Plan implements swarm.Sink: it lays the files out, takes over what is there already, and makes sure that the
// rest fits. A session that was told a wrong manifest plans again, and the download then begins anew with what
// it has.
func (s *sink) Plan(ctx context.Context, m *manifest.Manifest) (have, want *bitfield.Bitfield, err error) {
	if s.planned {
		if err := s.again(); err != nil {
			return nil, nil, err
		}
	}
	s.planned = true
	d := s.t.into()
	layout, err := manifest.NewLayout(ctx, m, d.Node, manifest.DefaultLimits())
	if err != nil {
		return nil, nil, err
	}
	if s.want != nil {
		if want, err = s.want(layout); err != nil {
			return nil, nil, err
		}
	}
	if err := d.SetManifest(ctx, m, layout); err != nil {
		return nil, nil, err
	}
	if err := d.Adopt(ctx); err != nil {
		return nil, nil, err
	}
	if _, err := d.CopyLocal(ctx); err != nil {
		return nil, nil, fmt.Errorf("copy what is here: %w", err)
	}
	return d.Have(), want, nil
}

// again closes the download, which keeps what it has, and opens it anew.
func (s *sink) again() error {
	if err := s.t.into().Close(); err != nil {
		return err
	}
	d, err := s.reopen()
	if err != nil {
		return err
	}
	s.t.download.Store(d)
	return nil
}

// Put implements swarm.Sink.
func (s *sink) Put(i int, block []byte) error { return s.t.into().Put(i, block) }
