package store

import (
	"container/list"
	"io"
	"sync"
)

// handles keeps the files used last open, so that any number of files needs few descriptors and a file
// of many leaves is opened once. Safe for concurrent use.
type handles[T io.Closer] struct {
	max int

	mu    sync.Mutex
	byID  map[uint64]*list.Element // of *handle[T]
	order *list.List               // used last first
}

// A handle is closed once it left the table and its last user released it.
type handle[T io.Closer] struct {
	v     T
	id    uint64
	users int
	out   bool
}

func newHandles[T io.Closer](max int) *handles[T] {
	return &handles[T]{max: max, byID: make(map[uint64]*list.Element), order: list.New()}
}

// acquire returns what id stands for, opened by open if it is not. Every acquire that succeeds is
// followed by a release.
func (t *handles[T]) acquire(id uint64, open func() (T, error)) (*handle[T], error) {
	if h := t.cached(id); h != nil {
		return h, nil
	}
	v, err := open()
	if err != nil {
		return nil, err
	}
	return t.insert(&handle[T]{v: v, id: id}), nil
}

// cached is acquire for what is open already; else nil.
func (t *handles[T]) cached(id uint64) *handle[T] {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.byID[id]
	if e == nil {
		return nil
	}
	t.order.MoveToFront(e)
	h := e.Value.(*handle[T])
	h.users++
	return h
}

func (t *handles[T]) insert(h *handle[T]) *handle[T] {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.byID[h.id]; e != nil { // somebody was quicker
		h.v.Close()
		h = e.Value.(*handle[T])
		h.users++
		return h
	}
	h.users++
	t.byID[h.id] = t.order.PushFront(h)
	for t.order.Len() > t.max {
		t.remove(t.order.Back())
	}
	return h
}

func (t *handles[T]) release(h *handle[T]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h.users--
	if h.out && h.users == 0 {
		h.v.Close()
	}
}

// forget makes the next acquire open the file anew.
func (t *handles[T]) forget(id uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.byID[id]; e != nil {
		t.remove(e)
	}
}

// forgetIf is forget for every id of which match says so.
func (t *handles[T]) forgetIf(match func(id uint64) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, e := range t.byID {
		if match(id) {
			t.remove(e)
		}
	}
}

func (t *handles[T]) remove(e *list.Element) {
	h := t.order.Remove(e).(*handle[T])
	delete(t.byID, h.id)
	h.out = true
	if h.users == 0 {
		h.v.Close()
	}
}

// len returns how many are open and kept.
func (t *handles[T]) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.order.Len()
}

// clear forgets all.
func (t *handles[T]) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.order.Len() > 0 {
		t.remove(t.order.Back())
	}
}
