package node

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/seed4134be55/peer/contentaddr/importer"
	"github.com/seed4134be55/peer/contentaddr/link"
	"github.com/seed4134be55/peer/contentaddr/store"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/reach"
)

// progressEvery is how often a verb reports how far it is.
const progressEvery = 250 * time.Millisecond

// Share implements api.Service.
func (n *Node) Share(ctx context.Context, r api.ShareRequest, emit func(api.Event)) error {
	profile, err := unixfs.ParseProfile(r.Profile)
	if err != nil {
		return err
	}
	if r.Public && r.Unlisted {
		return fault.New(fault.BadInput, "--public and --unlisted exclude one another: choose one")
	}
	if r.Public && n.reach != reach.Internet {
		return fault.New(fault.BadInput, "--public needs --reach internet, and this peer's reach is %s", n.reach)
	}
	if r.Name != "" && len(r.Paths) > 1 {
		return fault.New(fault.BadInput, "--name %q names one share, and there are %d paths: share them one by one", r.Name, len(r.Paths))
	}
	options := importer.Options{Profile: profile, NoHidden: r.NoHidden, Preserve: r.Preserve}
	for _, path := range r.Paths {
		if err := n.sharePath(ctx, r, path, options, emit); err != nil {
			return err
		}
	}
	n.warnOfProblems(ctx, emit)
	return nil
}

// sharePath imports one path and emits its link once the node listens.
func (n *Node) sharePath(ctx context.Context, r api.ShareRequest, path string, o importer.Options, emit func(api.Event)) error {
	start := time.Now()
	name := r.Name
	if name == "" {
		name = filepath.Base(path)
	}
	emit(api.Event{Event: api.EventState, Path: path, Message: fmt.Sprintf("hashing %s", path)})
	info := store.RootInfo{Name: name, Path: path, Unlisted: r.Unlisted, Public: r.Public, Kind: store.Share, Complete: true, Added: start}
	result, err := n.importPath(ctx, path, o, info, emit)
	if err != nil {
		return fmt.Errorf("share %s: %w", path, err)
	}
	info.Cid, info.Bytes, info.Files = result.Root, result.Bytes, result.Files
	for _, s := range result.Skipped {
		emit(api.Event{Event: api.EventSkipped, Path: s.Path, Message: s.Why})
	}
	if result.Executables > 0 && !r.Preserve {
		emit(api.Event{Event: api.EventWarning, Message: fmt.Sprintf(
			"%d executable files will arrive without their executable bit: share with --preserve to keep it", result.Executables)})
	}
	if err := n.online(ctx); err != nil {
		return nil
	}
	n.waitForRelay(ctx, emit)
	n.provide(info)
	emit(api.Event{
		Event: api.EventShared, Cid: info.Cid.String(), Link: n.link(info), Name: name, Path: path, Bytes: info.Bytes, Files: info.Files,
		Seconds: time.Since(start).Seconds(), Audience: n.audience(info), Public: r.Public, Unlisted: r.Unlisted, Complete: true,
	})
	return nil
}

// importPath hashes path into the store.
func (n *Node) importPath(ctx context.Context, path string, o importer.Options, info store.RootInfo, emit func(api.Event)) (importer.Result, error) {
	sink := n.store.Import()
	progress := newThrottle()
	var read atomic.Int64
	result, err := importer.Import(ctx, path, o, sink, func(bytes int64) {
		read.Store(bytes)
		if progress.due(time.Now()) {
			emit(api.Event{Event: api.EventProgress, Name: info.Name, Path: path, Bytes: bytes})
		}
	})
	if err != nil {
		sink.Abort()
		return result, err
	}
	info.Cid, info.Bytes, info.Files = result.Root, result.Bytes, result.Files
	if err := sink.Commit(ctx, info); err != nil {
		return result, err
	}
	return result, nil
}

// link returns the link of a root held here.
func (n *Node) link(info store.RootInfo) string {
	l := link.Link{Cid: info.Cid, Name: info.Name, Unlisted: info.Unlisted}
	l.Addrs = append(l.Addrs, n.dialable()...)
	return l.String()
}

// audience says in one line who can fetch a share.
func (n *Node) audience(info store.RootInfo) string {
	listed := "whoever has the link"
	if !info.Unlisted {
		listed = "whoever has the link or the CID"
	}
	switch {
	case n.reach == reach.Loopback:
		return listed + ", on this machine"
	case n.reach == reach.LAN:
		return listed + ", on this network"
	case info.Public:
		return "everybody: it is announced to the internet"
	case info.Unlisted:
		return "whoever has the link"
	}
	return "whoever has the link; on this network also whoever has the CID"
}

// throttle lets something through now and then. It is not safe for concurrent use.
type throttle struct{ last time.Time }

func newThrottle() *throttle { return &throttle{last: time.Now()} }

func (t *throttle) due(now time.Time) bool {
	if now.Sub(t.last) < progressEvery {
		return false
	}
	t.last = now
	return true
}
