package main

import (
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/node/compare"
)

// A printer shows a verb's events, as JSON for programs or in words for people. Results go to stdout,
// what happens on the way to stderr. It is used from one goroutine at a time.
type printer interface {
	event(api.Event)
	work(compare.Config)   // what results will be of
	result(compare.Result) // of one overlay
	remark(words string)   // something that no event says; not for programs
	several(bool)          // results need to say which operand they belong to
	dataOnly()             // stdout is for a file's bytes
	fail(error)            // the last that is shown
	close()                // before fail: nothing transient is left on the terminal
}
