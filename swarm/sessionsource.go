package swarm

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/seed4134be55/peer/swarm/picker"
	"github.com/seed4134be55/peer/swarm/wire"
)

// A source is what the session knows of one open channel. The loop owns it, but for the fields that say
// otherwise.
type source struct {
	session *Session
	id      peer.ID
	num     picker.SourceID
	origin  string
	conn    Source

	opened    bool
	offer     Offer
	said      []wireHave // what it said before the manifest was known
	saidBytes int
	enlisted  bool // the picker knows it
	indexed   bool // it numbers leaves as we do
	choked    bool
	chokedAt  time.Time
	wanted    bool         // it was told that we are interested
	told      bool         // it was told what is here, and is told what comes
	byCID     map[int]bool // leaves asked by CID of one that numbers as we do
	window    window
	pageSince time.Time    // when the page under way was asked for; zero: none
	refuted   bool         // its manifest proved impossible, and another source's may not be
	bad       int          // times that it was caught with blocks that did not match
	disputed  map[int]bool // bad leaves that it has not withdrawn
	suspect   time.Time    // since when there are any; zero: none
	stalled   bool
	busy      time.Time // when it was last asked for something after a pause
	rests     time.Time // until when it is asked for no leaf
	inquired  int       // the number of the last question for peers; 0: none
	since     time.Time // connected
	counted   int64     // bytes that had arrived when its worth was last looked at
	dead      error

	lastByte atomic.Int64  // unix nanoseconds; when something asked for arrived
	rateIn   atomic.Int64  // bytes arrived in all
	caught   atomic.Bool   // a worker found a bad block, of which the loop has not heard
	trust    atomic.Uint32 // grows when it is caught: what it was sending then is not looked at
	coming   uint32        // trust when the block that comes was let in; the reader's own
	asking   atomic.Int64  // entry that a manifest page is asked from, plus one; 0: none. The reader takes it

	lock    sync.Mutex
	pending map[int]int // leaf asked for → its size; the reader takes entries out
}

// wireHave is a have message kept until the manifest says how many leaves there are.
type wireHave struct {
	first  int
	bits   []byte
	ranges []wire.Range
}

// maxSaid bounds the have messages kept of a source before the manifest is known, in bytes: twice what the bits of
// the largest manifest take.
const maxSaid = 4 << 20

func (s *Session) dialMore(now time.Time) {
	room := min(s.cfg.MaxSources-len(s.sources), s.cfg.MaxDials) - s.peers.dialing
	if room <= 0 {
		return
	}
	for _, k := range s.peers.due(now, room) {
		s.lastNum++
		src := &source{session: s, id: k.info.ID, num: s.lastNum, origin: k.origin, choked: true, pending: make(map[int]int),
			disputed: make(map[int]bool), byCID: make(map[int]bool)}
		info := k.info
		s.work.Go(func() error {
			conn, err := s.cfg.Dial(s.ctx, info, s.cfg.Root, src)
			select {
			case s.events <- func() { s.onDialed(src, conn, err) }:
			case <-s.done:
				if err == nil {
					conn.Close()
				}
			}
			return nil
		})
	}
}

func (s *Session) onDialed(src *source, conn Source, err error) {
	if err == nil {
		src.conn = conn
		if src.dead != nil {
			conn.Close()
			err = src.dead
		}
	}
	s.peers.dialed(src.id, time.Now(), err)
	if err == nil {
		src.window.rtt = min(conn.RTT(), longestRTT)
		src.since = time.Now()
		s.sources[src.id] = src
		s.arrive(src)
	}
}

// arrive deals with a source that has opened the root and whose connection is known, whichever comes first.
func (s *Session) arrive(src *source) {
	if src.conn == nil || !src.opened {
		return
	}
	s.cfg.members.opened(s, src.id, true)
	s.tellPeers(src, time.Now(), func() []peer.AddrInfo { return s.cfg.members.roster(s.cfg.Root) })
	s.enlist(src)
}

// enlist tells the picker of a source once both its offer and the manifest are known.
func (s *Session) enlist(src *source) {
	if src.enlisted || !src.opened || src.conn == nil || s.picker == nil {
		return
	}
	src.enlisted = true
	src.indexed = src.offer.Complete && src.offer.Digest == s.digest
	s.picker.AddSource(src.num)
	switch {
	case !src.indexed && src.offer.Complete:
		// Its leaf numbers mean other blocks: what it has stays unknown, and it is asked by CID.
	case src.offer.Have == wire.HaveAll:
		s.picker.SourceHasAll(src.num)
	case src.offer.Have != wire.HaveUnknown:
		s.picker.SourceHasNone(src.num)
	}
	for _, h := range src.said {
		s.learn(src, h)
	}
	src.said, src.saidBytes = nil, 0
	s.introduce(src)
	s.interest(src)
}

// learn takes in what a source says that it has. A source that numbers leaves otherwise speaks of other
// leaves than ours: what it has stays unknown.
func (s *Session) learn(src *source, h wireHave) {
	if !src.enlisted {
		src.keep(h)
		return
	}
	if !src.indexed {
		return
	}
	if h.bits != nil {
		if err := s.picker.SourceBits(src.num, h.first, h.bits); err != nil {
			s.cut(src, err)
			return
		}
	}
	n := s.manifest.Leaves()
	for _, r := range h.ranges {
		if uint64(r.First)+uint64(r.Count) > uint64(n) {
			s.cut(src, fmt.Errorf("has leaves beyond the %d there are", n))
			return
		}
		s.picker.SourceHas(src.num, int(r.First), int(r.Count))
	}
}

// keep keeps what a source says until the manifest is known. Of one that says more than fits it is forgotten what
// it has: it is asked, and rejects.
func (src *source) keep(h wireHave) {
	const overhead = 64
	if src.saidBytes > maxSaid {
		return
	}
	src.saidBytes += overhead + len(h.bits) + 8*len(h.ranges)
	if src.saidBytes > maxSaid {
		src.said, src.offer.Have = nil, wire.HaveUnknown
		return
	}
	src.said = append(src.said, h)
}

// remove takes a source out; its requests become free for others. It tells whether it was one: onDialed may not have
// heard of it yet, or it is gone already.
func (s *Session) remove(src *source, err error) bool {
	src.dead = err
	if src.enlisted && s.picker != nil {
		s.picker.RemoveSource(src.num)
	}
	if s.sources[src.id] != src {
		return false
	}
	delete(s.sources, src.id)
	s.cfg.members.opened(s, src.id, false)
	return true
}

// drop forgets a source that is lost.
func (s *Session) drop(src *source, err error) {
	if !s.remove(src, err) {
		return
	}
	switch {
	case src.rateIn.Load() > 0:
		s.peers.lost(src.id, time.Now(), err)
	case src.conn.Relayed():
		s.peers.moved(src.id, time.Now(), err)
	default:
		s.peers.failed(src.id, time.Now(), err)
	}
	src.conn.Close()
}

// cut drops a source that lied and never asks it for this root again.
func (s *Session) cut(src *source, why error) {
	s.ban(src.id, why)
	s.drop(src, why)
}

// ban keeps a peer that lied from being asked for this root again, whether or not it is still connected.
func (s *Session) ban(id peer.ID, why error) {
	s.cfg.Log.Warn("source cut off", "root", s.cfg.Root, "peer", id, "why", why)
	s.peers.ban(id)
	if src := s.sources[id]; src != nil {
		s.drop(src, why)
	}
}

// onGone drops a source that is lost, by whoever's fault.
func (s *Session) onGone(src *source, err error) {
	if brokeRule(err) {
		s.cut(src, err)
		return
	}
	s.drop(src, err)
}

// post hands what a source said to the loop, which is deaf to sources that it has dropped.
func (src *source) post(ev func()) {
	src.session.post(func() {
		if src.dead == nil {
			ev()
		}
	})
}

// Opened implements Receiver.
func (src *source) Opened(o Offer) {
	src.post(func() { src.session.onOpened(src, o) })
}

// onOpened takes an offer, the first or one that replaces it.
func (s *Session) onOpened(src *source, o Offer) {
	if o.Leaves > o.Entries || o.Entries < 0 {
		s.cut(src, errors.New("offers more leaves than entries"))
		return
	}
	if !src.opened {
		src.lastByte.Store(time.Now().UnixNano()) // it is of use, until it proves otherwise
	}
	if src.enlisted {
		// It has learned more, or lost track: enlist it anew with what it says now.
		s.release(src)
		s.picker.RemoveSource(src.num)
		src.enlisted, src.told = false, false
	}
	src.said, src.saidBytes = nil, 0
	src.opened, src.offer = true, o
	s.arrive(src)
}

// Refused implements Receiver.
func (src *source) Refused(err error) {
	src.post(func() { src.session.drop(src, err) })
}

// Suggested implements Receiver.
func (src *source) Suggested(r []wire.Range, only bool) {
	src.post(func() { src.session.onSuggested(src, r, only) })
}

// HasBits implements Receiver.
func (src *source) HasBits(first int, bits []byte) {
	src.post(func() { src.session.learn(src, wireHave{first: first, bits: bits}) })
}

// HasLeaves implements Receiver.
func (src *source) HasLeaves(r []wire.Range) {
	src.post(func() { src.session.learn(src, wireHave{ranges: r}) })
}

// ExpectPage implements Receiver.
func (src *source) ExpectPage(from int) bool {
	return src.asking.CompareAndSwap(int64(from)+1, 0)
}

// Page implements Receiver.
func (src *source) Page(from int, page []byte) {
	src.post(func() { src.session.onPage(src, from, page) })
}

// Expect implements Receiver.
func (src *source) Expect(i int) (int, bool) {
	src.lock.Lock()
	defer src.lock.Unlock()
	src.coming = src.trust.Load()
	size, ok := src.pending[i]
	delete(src.pending, i)
	return size, ok
}

// Block implements Receiver: it waits while the workers are busy, which holds the source back.
func (src *source) Block(i int, b *buffer) {
	select {
	case src.session.jobs <- job{src, src.coming, i, b}:
	case <-src.session.done:
		src.session.cfg.buffers.put(b)
	}
}

// Alive implements Receiver.
func (src *source) Alive(n int) {
	src.lastByte.Store(time.Now().UnixNano())
	src.rateIn.Add(int64(n))
}

// Rejected implements Receiver.
func (src *source) Rejected(r []wire.Range, why wire.Rejection) {
	src.post(func() { src.session.onRejected(src, r, why) })
}

// Withdrawn implements Receiver.
func (src *source) Withdrawn(r []wire.Range) {
	src.post(func() { src.session.onWithdrawn(src, r) })
}

// Choked implements Receiver.
func (src *source) Choked(choked bool) {
	src.post(func() { src.session.onChoked(src, choked) })
}

// Gone implements Receiver.
func (src *source) Gone(err error) {
	src.post(func() { src.session.onGone(src, err) })
}
