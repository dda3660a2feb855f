package daemon

import (
	"github.com/seed4134be55/peer/node/api"
)

// A resumable is a verb together with what its user has seen of the answer, which may come from several
// processes in turn: each begins anew, and what was shown is not shown again.
type resumable struct {
	verb     Verb
	received int           // events and pieces of data, in all
	shown    map[shown]int // how often each event was shown
	written  int64         // bytes of data
}

// shown is what makes two events of two answers the same one. Entries of a folder come in the folder's
// order and are only counted.
type shown struct {
	event, cid, path, name, peer, message string
}

func identify(e api.Event) shown {
	switch e.Event {
	case api.EventEntry:
		return shown{event: e.Event}
	case api.EventSkipped, api.EventWarning:
		return shown{event: e.Event, path: e.Path, message: e.Message}
	}
	return shown{event: e.Event, cid: e.Cid, path: e.Path, name: e.Name, peer: e.Peer}
}

// call returns the request for one more attempt.
func (r *resumable) call(o api.Options) api.Call {
	if r.shown == nil {
		r.shown = make(map[shown]int)
	}
	attempt := make(map[shown]int)
	live := r.live()
	request := r.verb.Request
	if cat, ok := request.(api.CatRequest); ok {
		cat.Offset += r.written
		request = cat
	}
	return api.Call{
		Verb:    r.verb.Name,
		Options: o,
		Request: request,
		Data:    r,
		Emit: func(e api.Event) {
			r.received++
			if e.Event == api.EventProgress || e.Event == api.EventState || live {
				r.verb.Emit(e)
				return
			}
			k := identify(e)
			if attempt[k]++; attempt[k] > r.shown[k] {
				r.shown[k]++
				r.verb.Emit(e)
			}
		},
	}
}

// live tells whether the verb shows how things are, again and again: nothing of that is old.
func (r *resumable) live() bool {
	t, ok := r.verb.Request.(api.TransfersRequest)
	return ok && t.Watch
}

// Write passes data on and counts it.
func (r *resumable) Write(p []byte) (int, error) {
	n, err := r.verb.Data.Write(p)
	r.written += int64(n)
	r.received++
	return n, err
}
