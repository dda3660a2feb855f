package main

import (
	"fmt"
	"time"

	"github.com/seed4134be55/peer/node/api"
)

// movement shows what is going on just now: bars on a terminal, a line now and then elsewhere.
type movement interface {
	state(api.Event)
	progress(api.Event)
	clear() // takes away what is on the terminal, before a line that stays
}

// progressText says how far it is: 12 % of 1.2 GiB, 80 MiB/s, 3 sources, 13 s left.
func progressText(e api.Event) string {
	text := formatBytes(e.Bytes)
	if e.Total > 0 {
		text = fmt.Sprintf("%.0f %% of %s", 100*float64(min(e.Bytes, e.Total))/float64(e.Total), formatBytes(e.Total))
	}
	text += ", " + formatRate(e.Rate)
	if e.Sources > 0 {
		text += ", " + count(e.Sources, "source")
	}
	if e.Message != "" {
		return text + ", " + e.Message
	}
	if left := float64(e.Total - e.Bytes); left > 0 && e.Rate > 0 {
		text += ", " + formatSeconds(left/e.Rate) + " left"
	}
	return text
}

// often is the least time between two lines of progress.
const often = 3 * time.Second

// lines shows movement where nothing can be taken back: each state once, and progress now and then.
type lines struct {
	note  func(format string, args ...any)
	now   func() time.Time
	words string               // of the last state
	shown map[string]time.Time // when progress was shown last, by CID or name
}

func newLines(note func(string, ...any)) *lines {
	return &lines{note: note, now: time.Now, shown: make(map[string]time.Time)}
}

func (l *lines) state(e api.Event) {
	if e.Message != l.words {
		l.words = e.Message
		l.note("%s", e.Message)
	}
}

func (l *lines) progress(e api.Event) {
	key, now := named(e), l.now()
	if now.Sub(l.shown[key]) < often {
		return
	}
	l.shown[key] = now
	l.note("%s: %s", key, progressText(e))
}

func (l *lines) clear() {}
