package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/seed4134be55/peer/contentaddr/names"
	"github.com/seed4134be55/peer/node/api"
)

// people prints events in words. Whatever came from elsewhere is made printable by the two functions that
// write, say and note, so that no control byte reaches the terminal.
type people struct {
	out, err io.Writer
	screen   *os.File // stdout, if it is a terminal
	moving   movement // what changes in place on a terminal
	many     bool
	heading  string // of results, until it was printed
	rounds   int    // of a list that is repeated
}

func newPeople(out, err *os.File) *people {
	p := &people{out: out, err: err}
	if term.IsTerminal(int(out.Fd())) {
		p.screen = out
	}
	if term.IsTerminal(int(err.Fd())) && os.Getenv("TERM") != "dumb" {
		p.moving = newBars(err)
	} else {
		p.moving = newLines(p.note)
	}
	return p
}

// say prints a line of results.
func (p *people) say(format string, args ...any) {
	p.moving.clear()
	fmt.Fprintln(p.out, printable(format, args))
}

// note prints a line about what happens.
func (p *people) note(format string, args ...any) {
	fmt.Fprintln(p.err, printable(format, args))
}

// printable formats, with what could fool a terminal escaped; line breaks too, so that a line stays one.
func printable(format string, args []any) string {
	return names.Printable(strings.TrimRight(fmt.Sprintf(format, args...), " \n"))
}

func (p *people) several(many bool) { p.many = many }
func (p *people) dataOnly()         { p.out, p.screen = io.Discard, nil }
func (p *people) close()            { p.moving.clear() }

func (p *people) remark(words string) {
	p.moving.clear()
	p.note("%s", words)
}

func (p *people) fail(err error) {
	p.moving.clear()
	p.note("peer: %s", strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
}

func (p *people) event(e api.Event) {
	switch e.Event {
	case api.EventState:
		p.moving.state(e)
	case api.EventProgress:
		p.moving.progress(e)
	case api.EventWarning, api.EventWaiting:
		p.remark("peer: " + e.Message)
	case api.EventSkipped:
		p.remark("peer: left out " + e.Path + ": " + e.Message)
	case api.EventShared:
		p.shared(e)
	case api.EventDone:
		p.done(e)
	case api.EventCid:
		p.cid(e)
	case api.EventEntry:
		p.entry(e)
	case api.EventForgot:
		p.say("forgot %s; the files stay where they are", named(e))
	case api.EventVersion:
		p.say("peer %s (%s)", e.Version, e.Agent)
	default:
		if !p.table(e) {
			p.report(e)
		}
	}
}

// named returns the name of what e is about, or its CID.
func named(e api.Event) string {
	if e.Name != "" {
		return e.Name
	}
	return e.Cid
}

func (p *people) shared(e api.Event) {
	files := ""
	if e.Files > 1 {
		files = count(e.Files, "file") + ", "
	}
	p.say("%s: %s%s, ready after %s", named(e), files, formatBytes(e.Bytes), formatSeconds(e.Seconds))
	p.say("  link  %s", e.Link)
	p.say("  cid   %s", e.Cid)
	if e.Audience != "" {
		p.say("  who   %s", e.Audience)
	}
	if p.screen != nil {
		writeQR(p.screen, e.Link)
	}
	p.note("serving until Ctrl-C; elsewhere: peer get '%s'", e.Link)
}

func (p *people) done(e api.Event) {
	rate := ""
	if e.Fetched > 0 && e.Seconds > 0 {
		rate = ", " + formatRate(float64(e.Fetched)/e.Seconds)
	}
	p.say("%s: %s in %s%s", e.Path, formatBytes(e.Bytes), formatSeconds(e.Seconds), rate)
	switch {
	case e.Message != "":
		p.note("%s", e.Message)
	case e.Fetched == 0 && e.Bytes > 0:
		p.note("all of it was already here")
	case e.Fetched < e.Bytes:
		p.note("%s came over the network; the rest was here already, or stands in it more than once", formatBytes(e.Fetched))
	}
}

func (p *people) cid(e api.Event) {
	if p.many {
		p.say("%s  %s", e.Cid, e.Path)
		return
	}
	p.say("%s", e.Cid)
}

func (p *people) entry(e api.Event) {
	name := e.Name
	switch e.Type {
	case api.TypeFolder:
		name += "/"
	case api.TypeSymlink:
		name += " -> " + e.Target
	}
	p.say("%s  %9s  %s", e.Cid, formatBytes(e.Bytes), name)
}
