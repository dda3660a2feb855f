package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed4134be55/peer/node/compare"
)

// work says what was done, above the table of what it came to.
func (p *people) work(c compare.Config) {
	words := fmt.Sprintf("%s, %s, seed %d", count(c.Peers, "peer"), count(c.Lookups, "lookup"), c.Seed)
	if c.Fail > 0 {
		words += fmt.Sprintf("; %s %% die at once, ", strconv.FormatFloat(100*c.Fail, 'g', 4, 64))
		if c.Repair > 0 {
			words += "the rest have " + formatSeconds(c.Repair.Seconds()) + " to repair that"
		} else {
			words += "nothing is repaired"
		}
	}
	if c.Churn > 0 {
		words += fmt.Sprintf("; every second %g join and %g leave", c.Churn, c.Churn)
	}
	p.heading = words
}

// resultColumns are those of the table of results: two lines of heading and what stands below.
var resultColumns = []struct {
	above, below string
	width        int
	cell         func(compare.Result) string
}{
	{"", "mode", -8, func(r compare.Result) string { return r.Mode }},
	{"", "success", 8, func(r compare.Result) string { return percent(r.Success) }},
	{"", "recall", 8, func(r compare.Result) string { return percent(r.Recall) }},
	{"hops", "mean", 5, func(r compare.Result) string { return fmt.Sprintf("%.2f", r.Hops.Mean) }},
	{"", "1–99 %", 6, func(r compare.Result) string { return fmt.Sprintf("%d–%d", r.Hops.P1, r.Hops.P99) }},
	{"", "timeouts", 8, func(r compare.Result) string { return fmt.Sprintf("%.2f", r.Timeouts.Mean) }},
	{"a lookup", "messages", 8, func(r compare.Result) string { return fmt.Sprintf("%.1f", r.MessagesPerLookup) }},
	{"", "bytes", 8, func(r compare.Result) string { return formatBytes(int64(r.BytesPerLookup)) }},
	{"time", "median", 7, func(r compare.Result) string { return fmt.Sprintf("%.0f ms", r.Latency.P50) }},
	{"", "99 %", 8, func(r compare.Result) string { return fmt.Sprintf("%.0f ms", r.Latency.P99) }},
	{"a peer", "upkeep", 8, func(r compare.Result) string { return fmt.Sprintf("%.0f B/s", r.Maintenance) }},
	{"", "state", 8, func(r compare.Result) string { return formatBytes(int64(r.State)) }},
	{"load", "99 %", 6, func(r compare.Result) string { return fmt.Sprintf("%.2f×", r.Load.P99) }},
	{"", "most", 6, func(r compare.Result) string { return fmt.Sprintf("%.2f×", r.Load.Max) }},
}

// result prints one row, and before the first what is in it.
func (p *people) result(r compare.Result) {
	if p.heading != "" {
		p.say("%s", p.heading)
		p.heading = ""
		p.row(func(i int) string { return resultColumns[i].above })
		p.row(func(i int) string { return resultColumns[i].below })
	}
	p.row(func(i int) string { return resultColumns[i].cell(r) })
}

func (p *people) row(cell func(column int) string) {
	var line strings.Builder
	for i, c := range resultColumns {
		fmt.Fprintf(&line, "%*s  ", c.width, cell(i))
	}
	p.say("%s", line.String())
}

func percent(x float64) string { return fmt.Sprintf("%.2f %%", 100*x) }
