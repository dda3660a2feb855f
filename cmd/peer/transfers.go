package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/contentaddr/names"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
)

func transfers(p *program) *cobra.Command {
	var r api.TransfersRequest
	c := &cobra.Command{
		Use:   "transfers",
		Short: "List what is being fetched and served, and with whom",
		Long: `List what is being fetched, what others fetch from here and which downloads are paused, and for each the peers:
how each is reached (lan, direct, relay, or limit: a relay that lets no data pass), where it was found, what share it
has, rate and bytes in both directions, and who serves whom:

  D  it serves us       d  it has what we want, but chokes us       -  it has nothing that we want
  U  we serve it        u  it wants what we have, but we choke it   -  it wants nothing

With --watch it is shown anew every second, until Ctrl-C.`,
		GroupID: groupPeer,
		Args:    operands("operand", 0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			h := handed{name: api.VerbTransfers, request: r}
			if r.Watch {
				return p.watch(c, h)
			}
			return p.list(c, h, noTransfers)
		},
	}
	c.Flags().BoolVarP(&r.Watch, "watch", "w", false, "show it anew every second, until Ctrl-C")
	return c
}

const noTransfers = "nothing is being fetched or served"

// watch hands over a verb that goes on until Ctrl-C, which is how it ends well once it has shown something.
func (p *program) watch(c *cobra.Command, h handed) error {
	seen := false
	h.seen = func(e api.Event) { seen = seen || e.Event == api.EventRound }
	err := p.hand(c, h)
	if seen && fault.KindOf(err) == fault.Interrupted {
		return nil
	}
	return err
}

// clearScreen takes the cursor to the top and empties what is below: what a list that is shown anew begins with.
const clearScreen = "\x1b[H\x1b[J"

// round begins a list that is shown anew: on a terminal in the same place, elsewhere after an empty line.
func (p *people) round(e api.Event) {
	p.moving.clear()
	switch {
	case p.screen != nil:
		fmt.Fprint(p.out, clearScreen)
	case p.rounds > 0:
		p.say("")
	}
	p.rounds++
	p.say("%s  %s", time.Now().Format(time.TimeOnly), count(e.Transfers, "transfer"))
	if e.Transfers == 0 {
		p.say(noTransfers)
	}
}

// columns is how wide a terminal is at least.
const columns = 80

// transfer shows a root and its peers, in lines that fit a terminal but for the command that resumes it.
func (p *people) transfer(e api.Event) {
	text := transferText(e)
	p.say("%s: %s", short(names.Printable(named(e)), max(columns-len(text)-len(": "), 10)), text)
	if e.Name != "" {
		p.say("  cid  %s", e.Cid)
	}
	if e.Hint != "" {
		p.say("  go on with: %s", e.Hint)
	}
	if len(e.Swarm) == 0 {
		return
	}
	p.say("  %-8s %-6s %-8s %4s %9s %9s %9s %9s %s", "peer", "way", "from", "has", "down/s", "received", "up/s", "sent", "who")
	for _, w := range e.Swarm {
		p.say("  %-8s %-6s %-8s %4s %9s %9s %9s %9s %s", tail(w.Peer, 8), wayText(w), short(w.From, 8), shareText(w.Have),
			amount(int64(w.Rate)), amount(w.Received), amount(int64(w.UpRate)), amount(w.Sent), whoText(w))
	}
}

// transferText says how far a transfer is: 45 % of 1.00 GiB, down 12 MiB/s from 2 peers, up 3 MiB/s to 1.
func transferText(e api.Event) string {
	size := formatBytes(e.Total)
	switch {
	case e.State == api.TransferServed || e.Total == 0:
	default:
		size = fmt.Sprintf("%.0f %% of %s", 100*float64(min(e.Bytes, e.Total))/float64(e.Total), size)
	}
	parts := []string{size}
	switch e.State {
	case api.TransferPaused:
		parts = []string{"paused at " + size}
	case api.TransferActive:
		parts = append(parts, fmt.Sprintf("down %s from %d", formatRate(e.Rate), e.Sources))
	}
	if e.Clients > 0 || e.State == api.TransferServed {
		parts = append(parts, fmt.Sprintf("up %s to %d", formatRate(e.UpRate), e.Clients))
	}
	if e.Message != "" {
		parts = append(parts, e.Message)
	}
	return strings.Join(parts, ", ")
}

// tail returns the last n bytes of a peer id: all begin alike.
func tail(id string, n int) string { return id[max(0, len(id)-n):] }

func wayText(w api.SwarmPeer) string {
	switch {
	case w.Limited:
		return "limit"
	case w.Relayed:
		return "relay"
	case w.LAN:
		return "lan"
	}
	return "direct"
}

func shareText(share float64) string {
	if share < 0 {
		return "?"
	}
	return fmt.Sprintf("%.0f%%", 100*share)
}

func amount(n int64) string {
	if n == 0 {
		return "-"
	}
	return formatBytes(n)
}

// whoText says who serves whom, in BitTorrent's letters.
func whoText(w api.SwarmPeer) string {
	letter := func(interested, choking bool, free, choked string) string {
		switch {
		case !interested:
			return "-"
		case choking:
			return choked
		}
		return free
	}
	return letter(w.AmInterested, w.PeerChoking, "D", "d") + letter(w.PeerInterested, w.AmChoking, "U", "u")
}
