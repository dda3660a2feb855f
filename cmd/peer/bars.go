package main

import (
	"os"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/seed4134be55/peer/contentaddr/names"
	"github.com/seed4134be55/peer/node/api"
)

// bars shows movement on a terminal: one bar a download, and a line for the state while there is none.
type bars struct {
	screen *os.File
	group  *mpb.Progress // nil while nothing is shown
	byName map[string]*bar
}

// A bar is drawn from the last event, by mpb's goroutine.
type bar struct {
	*mpb.Bar
	mu   sync.Mutex
	last api.Event
}

func newBars(screen *os.File) *bars { return &bars{screen: screen} }

func (b *bars) state(e api.Event) {
	if _, ok := b.byName[""]; !ok && len(b.byName) > 0 {
		return // bars say more
	}
	b.show("", e, func(line *bar) *mpb.Bar {
		return b.group.New(0, mpb.NopStyle(), mpb.PrependDecorators(line.text(func(e api.Event) string { return e.Message })))
	})
}

func (b *bars) progress(e api.Event) {
	if line, ok := b.byName[""]; ok {
		line.Abort(true)
		delete(b.byName, "")
	}
	line := b.show(named(e), e, func(line *bar) *mpb.Bar {
		return b.group.New(0, mpb.BarStyle().Rbound("]").Lbound(" ["),
			mpb.PrependDecorators(line.text(title)),
			mpb.AppendDecorators(line.text(progressText)))
	})
	line.SetTotal(max(e.Total, e.Bytes+1), false) // a bar that reaches its total is over for mpb
	line.SetCurrent(e.Bytes)
}

// title is the name of what a bar is about, cut such that the rest of the line has room.
func title(e api.Event) string { return short(names.Printable(named(e)), 30) }

// short cuts s to n runes.
func short(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}

// show makes or updates the bar of that name.
func (b *bars) show(name string, e api.Event, draw func(*bar) *mpb.Bar) *bar {
	if b.group == nil {
		b.group = mpb.New(mpb.WithOutput(b.screen))
		b.byName = make(map[string]*bar)
	}
	line, ok := b.byName[name]
	if !ok {
		line = &bar{last: e}
		line.Bar = draw(line)
		b.byName[name] = line
	}
	line.mu.Lock()
	defer line.mu.Unlock()
	line.last = e
	return line
}

// text returns a part of the line that says something about the last event.
func (l *bar) text(of func(api.Event) string) decor.Decorator {
	return decor.Any(func(decor.Statistics) string {
		l.mu.Lock()
		defer l.mu.Unlock()
		return names.Printable(of(l.last))
	})
}

func (b *bars) clear() {
	if b.group == nil {
		return
	}
	for _, line := range b.byName {
		line.Abort(true)
	}
	b.group.Wait()
	b.group, b.byName = nil, nil
}
