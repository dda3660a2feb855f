package swarm

import (
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

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
	if _, done := s.builder.Next(); done {
		s.onManifest()
		return
	}
	for _, src := range s.sources {
		if src.pageSince.IsZero() {
			continue
		}
		if now.Sub(time.Unix(0, max(src.lastByte.Load(), src.pageSince.UnixNano()))) < pageTimeout {
			return
		}
		src.stalled, src.busy = true, src.pageSince
		src.pageSince = time.Time{}
		src.asking.Store(0)
	}
	src := s.nextAuthor()
	if src == nil {
		if s.refusal != nil {
			s.fail(s.refusal) // the other source was of no use
		}
		return
	}
	next, size := s.builder.Manifest().Len(), nextPage
	if next == 0 {
		size = firstPage
	}
	src.pageSince = now
	src.asking.Store(int64(next) + 1)
	src.conn.GetManifest(next, size)
}

// nextAuthor returns the source to ask for the next page: the one that says it knows most. When pages of several
// did not fit together they all come from one, and again from the first if that one is lost.
func (s *Session) nextAuthor() *source {
	if a := s.author; a != nil {
		if s.able(a) {
			return a
		}
		s.forgetManifest(nil)
	}
	var pick *source
	for _, src := range s.sources {
		if s.able(src) && (pick == nil || src.offer.Entries > pick.offer.Entries) {
			pick = src
		}
	}
	return pick
}

// able tells whether src can send the next page. A relay that limits what may pass carries words only.
func (s *Session) able(src *source) bool {
	return !src.conn.Relayed() && s.sources[src.id] == src && src.opened && !src.stalled && !src.refuted && src.offer.Entries > s.builder.Manifest().Len()
}

// A passage is a part of the manifest that one source sent. It can lie about two things only: that a block is a
// leaf, and how large a leaf is.
type passage struct {
	by  peer.ID
	end int // it ends before this leaf
}

// onPage verifies a manifest page. A page that does not continue what is known is dropped: it comes too late.
func (s *Session) onPage(src *source, from int, page []byte) {
	src.pageSince = time.Time{}
	m := s.builder.Manifest()
	if s.manifest != nil || s.planning || from != m.Len() || src.refuted {
		return
	}
	err := manifest.ReadPage(page, s.builder, s.cfg.Sink.PutNode)
	var lie *manifest.LieError
	switch {
	case err == nil:
		s.passages = append(s.passages, passage{by: src.id, end: m.Leaves()})
	case errors.As(err, &lie) && s.wroteAll(src):
		s.cut(src, err)
		s.forgetManifest(nil)
	case errors.As(err, &lie):
		// It lied, or whoever sent what it was to continue.
		s.cfg.Log.Info("manifest begun again", "root", s.cfg.Root, "peer", src.id, "why", err)
		s.forgetManifest(src)
	default:
		s.fail(fmt.Errorf("fetch %s: %w", s.cfg.Root, err))
	}
}

// wroteAll tells whether nobody but src has sent pages.
func (s *Session) wroteAll(src *source) bool {
	for _, p := range s.passages {
		if p.by != src.id {
			return false
		}
	}
	return true
}

// forgetManifest begins the manifest again, from one author alone or (nil) from anybody.
func (s *Session) forgetManifest(author *source) {
	s.author, s.passages = author, nil
	s.builder = manifest.NewBuilder(s.cfg.Root, manifest.DefaultLimits())
}

// onLie begins again after leaf i proved to be none, or of another size than the manifest says: whoever sent that
// page lied. What was fetched stays in the sink, which plans anew.
func (s *Session) onLie(i int) {
	for _, p := range s.passages {
		if i < p.end {
			s.ban(p.by, errNotLeaf)
			break
		}
	}
	for _, src := range s.sources {
		if src.enlisted {
			s.release(src)
			src.enlisted, src.told = false, false
		}
	}
	s.forgetManifest(nil)
	s.manifest, s.picker = nil, nil
	s.status.Total = 0
}

// otherManifest begins again when m, which is whole, proved impossible (its files would not fit on the disk, say)
// while a source offers another: sizes can be lies. It tells whether there is one.
func (s *Session) otherManifest(m *manifest.Manifest) bool {
	var other *source
	for _, src := range s.sources {
		if src.opened && src.offer.Complete && src.offer.Digest != m.Digest() && !src.refuted && s.absent(src) {
			other = src
		}
	}
	if other == nil {
		return false
	}
	for _, src := range s.sources {
		src.refuted = src.refuted || !s.absent(src)
	}
	s.forgetManifest(other)
	return true
}

// absent tells whether src sent nothing of the manifest.
func (s *Session) absent(src *source) bool {
	for _, p := range s.passages {
		if p.by == src.id {
			return false
		}
	}
	return true
}
