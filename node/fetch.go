package node

import (
	"context"
	"fmt"
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

// A transfer is one root that is being fetched.
type transfer struct {
	link     link.Link
	quest    quest
	path     string // where it goes
	session  *swarm.Session
	sink     *sink
	download atomic.Pointer[store.Download]
	started  time.Time
}

// into returns the download that t writes to.
func (t *transfer) into() *store.Download { return t.download.Load() }

// newTransfer opens the download of a link and a session for what want says of it; nil: all of it.
func (n *Node) newTransfer(ctx context.Context, l link.Link, q quest, spec store.DownloadSpec, want func(*manifest.Layout) (*bitfield.Bitfield, error), timeout time.Duration) (*transfer, error) {
	t := &transfer{link: l, quest: q, path: spec.Dest, started: time.Now()}
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
		n.findSources(ctx, t.quest, t.useful, func(f discovery.Found) { t.session.AddPeer(f.AddrInfo, f.Mode) })
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
