package swarm

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed4134be55/peer/contentaddr/manifest"
)

const (
	firstPage   = 256 << 10 // bytes; answers quickly what the root is
	nextPage    = 2 << 20
	pageTimeout = 5 * time.Second // without a byte, another source is asked
)

// askManifest keeps one request for the next manifest page under way, at one source at a time: pages are
// small beside the data, and only one source can be blamed for each.
func (s *Session) askManifest(now time.Time) {
	if s.planning {
		return
	}
	next, done := s.builder.Manifest().Len(), false
	if _, done = s.builder.Next(); done {
		s.onManifest()
		return
	}
	var pick *source
	for _, src := range s.sources {
		if !src.pageSince.IsZero() {
			if now.Sub(time.Unix(0, max(src.lastByte.Load(), src.pageSince.UnixNano()))) < pageTimeout {
				return
			}
			src.stalled = true
			src.pageSince = time.Time{}
		}
		if !src.opened || src.stalled || src.offer.Entries <= next {
			continue
		}
		if pick == nil || src.offer.Entries > pick.offer.Entries {
			pick = src
		}
	}
	if pick == nil {
		return
	}
	size := nextPage
	if next == 0 {
		size = firstPage
	}
	pick.pageSince = now
	pick.conn.GetManifest(next, size)
}

// onPage verifies a manifest page. A page that nobody asked for, or that does not continue what is known,
// is dropped: it may answer a request that was given up.
func (s *Session) onPage(src *source, from int, page []byte) {
	if src.pageSince.IsZero() || s.manifest != nil || s.planning {
		return
	}
	src.pageSince = time.Time{}
	if from != s.builder.Manifest().Len() {
		return
	}
	err := manifest.ReadPage(page, s.builder, s.cfg.Sink.PutNode)
	var lie *manifest.LieError
	switch {
	case err == nil:
		src.pages++
	case errors.As(err, &lie):
		s.cut(src, err)
	default:
		s.fail(fmt.Errorf("fetch %s: %w", s.cfg.Root, err))
	}
}

// restartManifest begins again after a manifest called an inner node a leaf: whoever sent its pages lied.
// What was fetched stays in the sink, which plans anew.
func (s *Session) restartManifest() {
	for _, src := range s.sources {
		if src.enlisted {
			s.release(src)
			src.enlisted = false
		}
		if src.pages > 0 {
			s.cut(src, errNotLeaf)
		}
	}
	s.builder = manifest.NewBuilder(s.cfg.Root, manifest.DefaultLimits())
	s.manifest, s.picker = nil, nil
	s.status.Total = 0
}
