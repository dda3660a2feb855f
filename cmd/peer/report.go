package main

import (
	"fmt"
	"strings"

	"github.com/seed4134be55/peer/node/api"
)

// report prints the events that say how things are.
func (p *people) report(e api.Event) {
	switch e.Event {
	case api.EventServing:
		p.serving(e)
	case api.EventStatus:
		p.status(e)
	case api.EventPeer:
		p.say("%s  %-7s  %8s  sent %s, received %s  %s  %s", e.Peer, e.State, milliseconds(e.Latency), formatBytes(e.Sent), formatBytes(e.Received),
			strings.Join(e.Addrs, " "), e.Agent)
	case api.EventShare:
		p.say("%s  %9s  %s%s", e.Cid, formatBytes(e.Bytes), named(e), shareMarks(e))
	case api.EventTransfer:
		p.transfer(e)
	case api.EventRound:
		p.round(e)
	case api.EventCheck:
		p.say("%-7s  %s: %s", e.State, e.Name, e.Message)
		if e.Hint != "" {
			p.say("         → %s", e.Hint)
		}
	}
}

func (p *people) serving(e api.Event) {
	p.say("serving as %s", e.Peer)
	for _, a := range e.Addrs {
		p.say("  at    %s", a)
	}
	if e.Audience != "" {
		p.say("  who   %s", e.Audience)
	}
	p.note("until Ctrl-C")
}

func (p *people) status(e api.Event) {
	state := "not running: `peer serve` and `peer share` start a peer"
	if e.Running {
		state = "running for " + formatSeconds(e.Seconds)
	}
	p.say("peer       %s", state)
	p.say("id         %s", e.Peer)
	p.say("version    %s", e.Version)
	p.say("home       %s", e.Home)
	p.say("reach      %s", e.Reach)
	p.say("network    %s", orElse(e.Network, api.CommonNetwork))
	p.say("modes      %s", orElse(strings.Join(e.Modes, ", "), "none"))
	p.say("peers      %d", e.Peers)
	p.say("shares     %d, %s", e.Shares, formatBytes(e.Bytes))
	p.say("transfers  %d", e.Transfers)
	for _, a := range e.Addrs {
		p.say("address    %s", a)
	}
}

func shareMarks(e api.Event) string {
	var marks []string
	if !e.Complete {
		marks = append(marks, "in part")
	}
	if e.Public {
		marks = append(marks, "public")
	}
	if e.Unlisted {
		marks = append(marks, "unlisted")
	}
	if e.Message != "" {
		marks = append(marks, e.Message)
	}
	if len(marks) == 0 {
		return ""
	}
	return "  (" + strings.Join(marks, "; ") + ")"
}

func milliseconds(seconds float64) string {
	if seconds <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f ms", seconds*1e3)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
