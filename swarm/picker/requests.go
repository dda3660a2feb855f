package picker

import "time"

// maxCopies is how many sources may be asked for one leaf at once.
const maxCopies = 2

// A request is one leaf asked of one source. It stands in its source's list, oldest first, and
// beside the other request for its leaf.
type request struct {
	leaf       int
	size       uint32
	source     *source
	prev, next *request // of the same source
	twin       *request // for the same leaf
}

// requests finds requests by leaf. Removed ones are used again, since there is one for every leaf
// that is ever fetched.
type requests struct {
	byLeaf map[int]*request
	spare  *request
}

func newRequests() requests { return requests{byLeaf: make(map[int]*request)} }

// of returns a request for leaf i, or nil.
func (q *requests) of(i int) *request { return q.byLeaf[i] }

// copies returns how many sources are asked for leaf i.
func (q *requests) copies(i int) int {
	switch r := q.byLeaf[i]; {
	case r == nil:
		return 0
	case r.twin == nil:
		return 1
	}
	return maxCopies
}

// at returns the request for leaf i of s, or nil.
func (q *requests) at(s *source, i int) *request {
	r := q.byLeaf[i]
	if r != nil && r.source != s {
		r = r.twin
	}
	if r == nil || r.source != s {
		return nil
	}
	return r
}

// add records that leaf i is asked of s. There is one request for it at most, of another source.
func (q *requests) add(s *source, i int, size uint32, now time.Time) {
	r := q.spare
	if r == nil {
		r = new(request)
	} else {
		q.spare = r.next
	}
	*r = request{leaf: i, size: size, source: s, prev: s.newest, twin: q.byLeaf[i]}
	if r.twin == nil {
		q.byLeaf[i] = r
	} else {
		r.twin.twin = r
	}
	s.push(r, now)
}

func (q *requests) remove(r *request) {
	if r.twin != nil {
		r.twin.twin = nil
		q.byLeaf[r.leaf] = r.twin
	} else {
		delete(q.byLeaf, r.leaf)
	}
	r.source.unlink(r)
	*r = request{next: q.spare}
	q.spare = r
}

// push adds r, whose prev is set, as the newest of s.
func (s *source) push(r *request, now time.Time) {
	if s.newest == nil {
		s.oldest = r
		s.last = now // it had nothing to do until now
	} else {
		s.newest.next = r
	}
	s.newest = r
	s.leaves++
	s.bytes += int(r.size)
}

func (s *source) unlink(r *request) {
	if r.prev == nil {
		s.oldest = r.next
	} else {
		r.prev.next = r.next
	}
	if r.next == nil {
		s.newest = r.prev
	} else {
		r.next.prev = r.prev
	}
	s.leaves--
	s.bytes -= int(r.size)
}
