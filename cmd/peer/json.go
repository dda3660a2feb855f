package main

import (
	"io"

	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/node/compare"
)

// jsonLines prints each event as one line.
type jsonLines struct {
	out, err io.Writer
}

func (j *jsonLines) event(e api.Event) {
	line, err := e.MarshalJSON()
	if err != nil {
		line, _ = api.Event{Event: api.EventWarning, Message: err.Error()}.MarshalJSON()
	}
	_, _ = j.out.Write(append(line, '\n')) // a reader that has left needs no answer
}

func (j *jsonLines) fail(err error) {
	j.event(api.Event{Event: api.EventError, Kind: string(fault.KindOf(err)), Message: err.Error()})
}

func (j *jsonLines) result(r compare.Result) {
	_, _ = j.out.Write(append(r.Line(), '\n'))
}

func (j *jsonLines) work(compare.Config) {}
func (j *jsonLines) dataOnly()           { j.out = j.err }
func (j *jsonLines) remark(string)       {}
func (j *jsonLines) several(bool)        {}
func (j *jsonLines) close()              {}
