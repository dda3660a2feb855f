package main

import (
	"strings"
	"time"

	"github.com/seed4134be55/peer/node/api"
)

// table prints the events about hash tables, and reports whether e is one.
func (p *people) table(e api.Event) bool {
	switch e.Event {
	case api.EventHop:
		p.say("%2d  %s  %10s  %s", e.Hops, e.Peer, milliseconds(e.Latency), e.Distance)
	case api.EventOwner:
		p.say("→   %s  %10s  %s  (responsible, after %s%s)", e.Peer, "", e.Distance, count(e.Hops, "hop"), ourselves(e))
	case api.EventStored:
		p.say("stored %s under %s in %s", count(int(e.Bytes), "byte"), e.Key, e.Mode)
	case api.EventValue:
		p.say("%s  %s%s, until %s", valueText(e), e.Peer, ourselves(e), e.Expires.Local().Format(time.DateTime))
	default:
		return false
	}
	return true
}

func ourselves(e api.Event) string {
	if e.Self {
		return ", this peer"
	}
	return ""
}

// valueText shows a value in quotes, so that what is of it can be told from what is about it.
func valueText(e api.Event) string {
	text := e.Value
	if len(e.Base64) > 0 {
		text = string(e.Base64)
	}
	return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"`
}
