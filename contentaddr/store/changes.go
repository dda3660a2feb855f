package store

import "sync"

// A Change is what happened to leaves of a root after its Have was taken.
type Change struct {
	First, Count int  // the leaves First … First+Count-1
	Withdrawn    bool // they are gone; else they were gained

	// Lost says that the reader was too slow and changes were dropped: read Have again.
	Lost bool
}

// queued bounds the changes that wait for one reader.
const queued = 256

// A feed hands changes to its subscribers. Its zero value is ready. Safe for concurrent use.
type feed struct {
	mu   sync.Mutex
	subs map[chan Change]struct{}
}

// subscribe returns a channel of the changes from now on. It is closed by cancel.
func (f *feed) subscribe() (<-chan Change, func()) {
	ch := make(chan Change, queued)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.subs == nil {
		f.subs = make(map[chan Change]struct{})
	}
	f.subs[ch] = struct{}{}
	return ch, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if _, ok := f.subs[ch]; ok {
			delete(f.subs, ch)
			close(ch)
		}
	}
}

// publish never blocks. The last free place of a queue goes to a Lost change, and what comes while
// that one is unread is dropped: whoever reads it reads Have afterwards, which holds all of them.
// So the caller must have changed what Have returns before it publishes.
func (f *feed) publish(c Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for ch := range f.subs {
		switch free := cap(ch) - len(ch); {
		case free > 1:
			ch <- c
		case free == 1:
			ch <- Change{Lost: true}
		}
	}
}
