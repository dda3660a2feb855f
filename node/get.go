package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/seed4134be55/peer/contentaddr/link"
	"github.com/seed4134be55/peer/contentaddr/names"
	"github.com/seed4134be55/peer/contentaddr/store"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/swarm"
)

// Get implements api.Service.
func (n *Node) Get(ctx context.Context, r api.GetRequest, emit func(api.Event)) error {
	links, err := parseLinks(r.Links)
	if err != nil {
		return err
	}
	if _, err := n.questIn(r.Mode, links[0]); err != nil {
		return err // of the mode, before a folder is made
	}
	if err := os.MkdirAll(r.Dir, 0o777); err != nil {
		return fault.New(fault.BadInput, "-o %s: %w", r.Dir, err)
	}
	if err := n.online(ctx); err != nil {
		return err
	}
	if err := n.getAll(ctx, links, r, emit); err != nil {
		return err
	}
	if r.Seed {
		<-ctx.Done()
	}
	return nil
}

func parseLinks(words []string) ([]link.Link, error) {
	links := make([]link.Link, 0, len(words))
	for _, w := range words {
		l, err := link.Parse(w)
		if err != nil {
			return nil, err
		}
		if l.Path != "" {
			return nil, fault.New(fault.BadInput, "%s names a part of a folder (%s): get fetches whole roots; look inside with peer ls or peer cat", l.Cid, l.Path)
		}
		links = append(links, l)
	}
	return links, nil
}

// getLink fetches one root and emits done. It calls alone when it has had no source for a while.
func (n *Node) getLink(ctx context.Context, l link.Link, r api.GetRequest, alone func(), emit func(api.Event)) error {
	name := fileName(l)
	if info, ok := n.store.Intact(ctx, l.Cid, filepath.Join(r.Dir, name)); ok {
		emit(api.Event{
			Event: api.EventDone, Cid: l.Cid.String(), Name: name, Path: info.Path, Bytes: info.Bytes, Files: info.Files, Message: nothingMoved,
		})
		return nil
	}
	spec := store.DownloadSpec{Root: l.Cid, Dest: filepath.Join(r.Dir, name), Link: l.String(), Unlisted: l.Unlisted, Overwrite: r.Overwrite}
	q, err := n.questIn(r.Mode, l)
	if err != nil {
		return err
	}
	t, err := n.newTransfer(ctx, l, q, spec, nil, r.Timeout)
	if err != nil {
		return err
	}
	defer func() { t.into().Close() }()
	if err := n.obtain(ctx, t, alone, emit); err != nil {
		if errors.Is(err, context.Canceled) {
			return fault.New(fault.Interrupted, "%s: interrupted; what has arrived is kept: run the same command again to go on", name)
		}
		return n.adviseOn(err, l, r.Mode)
	}
	path, err := t.into().Finish(ctx)
	if err != nil {
		return err
	}
	n.provideFetched(l.Cid)
	for _, skip := range t.into().Skipped() {
		emit(api.Event{Event: api.EventSkipped, Path: skip.Path, Message: skip.Why})
	}
	st := t.session.Status()
	emit(api.Event{
		Event: api.EventDone, Cid: l.Cid.String(), Name: name, Path: path, Bytes: t.into().Bytes(), Files: t.into().Files(),
		Fetched: st.Fetched, Seconds: time.Since(t.started).Seconds(), Message: copiedMessage(st),
	})
	return nil
}

// obtain copies what this home holds, or else fetches.
func (n *Node) obtain(ctx context.Context, t *transfer, alone func(), emit func(api.Event)) error {
	if whole, err := n.takeOwn(ctx, t, emit); whole || err != nil {
		return err
	}
	emit(api.Event{Event: api.EventState, Cid: t.link.Cid.String(), Name: fileName(t.link), Message: t.quest.String()})
	return n.fetchShown(ctx, t, alone, emit)
}

const nothingMoved = "everything was on this machine already"

// copiedMessage says when the network had little to do with it.
func copiedMessage(st swarm.Status) string {
	if st.Fetched == 0 {
		return nothingMoved
	}
	return ""
}

// fetchShown fetches while it reports progress.
func (n *Node) fetchShown(ctx context.Context, t *transfer, alone func(), emit func(api.Event)) error {
	since := time.Now() // there was a source
	done := make(chan error, 1)
	go func() { done <- n.fetch(ctx, t) }()
	clock := time.NewTicker(progressEvery)
	defer clock.Stop()
	for {
		select {
		case err := <-done:
			emit(progress(t))
			return err
		case now := <-clock.C:
			e := progress(t)
			emit(e)
			if e.Sources > 0 {
				since = now
			} else if now.Sub(since) > aloneAfter {
				alone()
			}
		}
	}
}

func progress(t *transfer) api.Event {
	st := t.session.Status()
	e := api.Event{Event: api.EventProgress, Cid: t.link.Cid.String(), Name: filepath.Base(t.path), Path: t.path, Bytes: st.Done, Total: st.Total, Fetched: st.Fetched}
	for _, src := range st.Sources {
		if src.Bytes > 0 {
			e.Sources++
		}
		e.Rate += src.Rate
	}
	if st.OnlyRelayed() {
		e.Message = "waiting for a direct connection, as the only way is a relay that limits what may pass"
	}
	return e
}

// fileName is what a root is saved as: the link's name, or its CID.
func fileName(l link.Link) string {
	if l.Name == "" || names.Check(l.Name) != nil {
		return l.Cid.String()
	}
	return l.Name
}
