package swarm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/swarm/picker"
	"github.com/seed4134be55/peer/swarm/wire"
)

// A job is a block that arrived and is not verified yet.
type job struct {
	src   *source
	trust uint32 // the source's when the block began to come
	leaf  int
	buf   *buffer
}

// askLeaves fills the window of every source that can serve.
func (s *Session) askLeaves(now time.Time) {
	for _, src := range s.sources {
		if !src.enlisted || src.choked || src.stalled || !src.suspect.IsZero() || now.Before(src.rests) || src.conn.Relayed() {
			continue
		}
		leaves, asked := s.picker.Asked(src.num)
		window := src.window.size()
		if leaves > 0 && asked > window*3/4 && !s.picker.Only(src.num) {
			continue // gather requests: small leaves would be asked for one by one
		}
		s.picker.SetRate(src.num, src.window.rate)
		b := picker.Budget{Bytes: window - asked, Leaves: maxQueued - leaves}
		s.choices = s.picker.Pick(s.choices[:0], src.num, b, now)
		s.ask(src, leaves == 0, s.choices)
		if declined := s.picker.Declined(src.num); len(declined) > 0 {
			src.conn.Cancel(ranges(declined))
		}
	}
}

// ask sends one source requests for the leaves picked. A source that was idle has its stall clock start now.
func (s *Session) ask(src *source, idle bool, choices []picker.Choice) {
	if len(choices) == 0 {
		return
	}
	if idle {
		src.busy = time.Now()
	}
	src.lock.Lock()
	for _, c := range choices {
		src.pending[c.Leaf] = int(s.manifest.Leaf(c.Leaf).Size)
	}
	src.lock.Unlock()
	for _, c := range choices {
		if c.From != picker.NoSource {
			s.cancel(c.From, c.Leaf)
		}
	}
	src.request(s.manifest, choices)
}

// request asks for the leaves picked: by index of a source that numbers them as we do, but by CID for what a reader
// waits for, which it sends even if it would rather send something else.
func (src *source) request(m *manifest.Manifest, choices []picker.Choice) {
	var leaves []int
	for _, c := range choices {
		if src.indexed && !c.Urgent {
			leaves = append(leaves, c.Leaf)
			continue
		}
		src.byCID[c.Leaf] = true
		src.conn.RequestBlock(c.Leaf, m.Leaf(c.Leaf).Cid)
	}
	if len(leaves) > 0 {
		src.conn.Request(ranges(leaves))
	}
}

// ranges returns leaves, in any order, as ranges, ascending.
func ranges(leaves []int) []wire.Range {
	leaves = slices.Clone(leaves)
	slices.Sort(leaves)
	var out []wire.Range
	for _, i := range leaves {
		out = wire.AppendLeaf(out, i)
	}
	return out
}

// verify is a worker: it hashes and writes blocks, off the loop. Its count bounds the blocks in memory
// together with the sources' readers, each of which holds one.
func (s *Session) verify(ctx context.Context) {
	for {
		select {
		case j := <-s.jobs:
			if j.src.caught.Load() || j.trust != j.src.trust.Load() {
				s.cfg.buffers.put(j.buf)
				continue
			}
			m := s.numbering.Load()
			err := s.cfg.Sink.Put(j.leaf, j.buf.block)
			bad := false
			if err != nil {
				bad, err = blame(m.Leaf(j.leaf), j.buf.block, err)
			}
			if bad {
				j.src.caught.Store(true)
			}
			n := len(j.buf.block)
			s.cfg.buffers.put(j.buf)
			s.post(func() {
				if s.manifest == m {
					s.onBlock(j, n, bad, err)
				}
				if bad {
					j.src.caught.Store(false) // the loop has seen to it
				}
			})
		case <-ctx.Done():
			return
		}
	}
}

// errNotLeaf is what Put's error becomes when the manifest misled us about a block.
var errNotLeaf = errors.New("its manifest calls a block a leaf of a size that it is not")

// blame finds out whose fault it is that a block could not be put: the source's that sent other bytes
// (bad), the manifest's that called an inner node a leaf, or the sink's own.
func blame(e manifest.Entry, block []byte, err error) (bad bool, _ error) {
	if contentaddr.Verify(e.Cid, block) != nil {
		return true, err
	}
	var lie *manifest.LieError
	if errors.As(manifest.CheckLeaf(e, block), &lie) {
		return false, errNotLeaf
	}
	return false, err
}

// onBlock takes the outcome of one block of n bytes: bad means that they are not the leaf's, another err that
// the sink could not keep them.
func (s *Session) onBlock(j job, n int, bad bool, err error) {
	src, i := j.src, j.leaf
	switch {
	case bad:
		s.onBad(src, i, j.trust)
		return
	case errors.Is(err, errNotLeaf):
		s.onLie(i)
		return
	case err != nil:
		s.fail(fmt.Errorf("fetch %s: %w", s.cfg.Root, err))
		return
	}
	s.fetched.Add(int64(n))
	s.gained = wire.AppendLeaf(s.gained, i)
	now := time.Now()
	delete(src.byCID, i)
	src.stalled = false
	src.window.delivered(now, n)
	for _, other := range s.picker.Have(i, src.num, now) {
		s.cancel(other, i)
	}
	if leaves, _ := s.picker.Asked(src.num); leaves == 0 {
		src.window.idle()
	}
	s.complete = s.picker.Done()
}

// cancel takes back one request at the source of that number.
func (s *Session) cancel(num picker.SourceID, i int) {
	for _, src := range s.sources {
		if src.num == num {
			src.forget(i)
			src.cancel([]int{i})
		}
	}
}

// cancel takes requests back.
func (src *source) cancel(leaves []int) {
	var byIndex []int
	for _, i := range leaves {
		if src.byCID[i] {
			src.conn.CancelBlock(i)
		} else {
			byIndex = append(byIndex, i)
		}
	}
	if len(byIndex) > 0 {
		src.conn.Cancel(ranges(byIndex))
	}
}

// forget takes a leaf out of what is pending at src: should it come, it is a stray.
func (src *source) forget(i int) {
	delete(src.byCID, i)
	src.lock.Lock()
	defer src.lock.Unlock()
	delete(src.pending, i)
}

func (src *source) clearPending() {
	src.lock.Lock()
	defer src.lock.Unlock()
	clear(src.pending)
}

// restAfterReject is how long a source that does not want to answer now is left alone, so that we do not ask and
// it rejects as fast as messages go.
const restAfterReject = time.Second

// onRejected frees what a source says it will not send.
func (s *Session) onRejected(src *source, rs []wire.Range, why wire.Rejection) {
	never := why == wire.RejectedNotHere || why == wire.RejectedWithdrawn
	told := why == wire.RejectedElsewhere && src.enlisted && s.picker.Only(src.num) // it will say what to ask for
	if !never && !told {
		src.rests = time.Now().Add(restAfterReject)
	}
	s.each(src, rs, func(i int) {
		src.forget(i)
		if never {
			s.picker.Rejected(src.num, i)
		} else {
			s.picker.Returned(src.num, i)
		}
	})
}

// onWithdrawn takes leaves off a source whose file changed: it is no liar.
func (s *Session) onWithdrawn(src *source, rs []wire.Range) {
	s.each(src, rs, func(i int) {
		src.forget(i)
		s.picker.SourceLost(src.num, i, 1)
		if delete(src.disputed, i); len(src.disputed) == 0 {
			src.suspect = time.Time{}
		}
	})
}

func (s *Session) onChoked(src *source, choked bool) {
	src.choked = choked
	if choked {
		src.chokedAt = time.Now()
		s.release(src)
	} else {
		src.rests = time.Time{}
	}
}

// release frees everything asked of src, and takes it back: what came all the same would be a stray.
func (s *Session) release(src *source) {
	src.clearPending()
	src.window.idle()
	if !src.enlisted {
		return
	}
	if lost := s.picker.Stalled(src.num); len(lost) > 0 {
		src.cancel(lost)
	}
	clear(src.byCID)
}

// each calls do for every leaf of the ranges, which are refused when they lie beyond the manifest.
func (s *Session) each(src *source, rs []wire.Range, do func(i int)) {
	if !src.enlisted {
		return
	}
	for _, r := range rs {
		if uint64(r.First)+uint64(r.Count) > uint64(s.manifest.Leaves()) {
			s.cut(src, fmt.Errorf("speaks of leaf %d of %d", int(r.First)+int(r.Count)-1, s.manifest.Leaves()))
			return
		}
		for i := int(r.First); i < int(r.First)+int(r.Count); i++ {
			do(i)
		}
	}
}
