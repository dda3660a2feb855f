package daemon

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/seed4134be55/peer/node/api"
)

// Two processes answer in turn, the second from the start: the user sees one answer.
func TestShownOnce(t *testing.T) {
	entry := func(name string) api.Event { return api.Event{Event: api.EventEntry, Name: name} }
	done := func(cid string, fetched int64) api.Event {
		return api.Event{Event: api.EventDone, Cid: cid, Fetched: fetched}
	}
	skipped := func(path string) api.Event { return api.Event{Event: api.EventSkipped, Path: path} }
	progress := api.Event{Event: api.EventProgress, Bytes: 1}
	for _, c := range []struct {
		name           string
		first, second  []api.Event
		shownOfSecond  []api.Event
		shownOfFirstAs int // how many of first are shown
	}{
		{"entries are counted", []api.Event{entry("a"), entry("a")}, []api.Event{entry("a"), entry("a"), entry("b")}, []api.Event{entry("b")}, 2},
		{"the one that was done", []api.Event{done("x", 5)}, []api.Event{done("y", 1), done("x", 0)}, []api.Event{done("y", 1)}, 1},
		{"twice in one answer", []api.Event{done("x", 5), done("x", 5)}, []api.Event{done("x", 0), done("x", 0), done("x", 0)}, []api.Event{done("x", 0)}, 2},
		{"by path", []api.Event{skipped("/a")}, []api.Event{skipped("/a"), skipped("/b")}, []api.Event{skipped("/b")}, 1},
		{"progress is always news", []api.Event{progress}, []api.Event{progress}, []api.Event{progress}, 1},
	} {
		var shown []api.Event
		r := &resumable{verb: Verb{Emit: func(e api.Event) { shown = append(shown, e) }}}
		attempt := func(events []api.Event) {
			call := r.call(api.Options{})
			for _, e := range events {
				call.Emit(e)
			}
		}
		attempt(c.first)
		if len(shown) != c.shownOfFirstAs {
			t.Errorf("%s: first: %+v", c.name, shown)
		}
		shown = nil
		attempt(c.second)
		if !reflect.DeepEqual(shown, c.shownOfSecond) {
			t.Errorf("%s: %+v", c.name, shown)
		}
	}
}

// A file that broke off goes on where it did.
func TestDataGoesOn(t *testing.T) {
	var out bytes.Buffer
	r := &resumable{verb: Verb{Request: api.CatRequest{Link: "x", Offset: 10}, Data: &out}}
	for i, piece := range []string{"abc", "defg"} {
		call := r.call(api.Options{})
		if got := call.Request.(api.CatRequest); got.Offset != int64(10+out.Len()) || got.Link != "x" {
			t.Errorf("attempt %d asks for %+v", i, got)
		}
		if _, err := call.Data.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if out.String() != "abcdefg" {
		t.Errorf("wrote %q", &out)
	}
}
