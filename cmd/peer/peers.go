package main

import (
	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/node/api"
)

func peers(p *program) *cobra.Command {
	return &cobra.Command{
		Use:     "peers",
		Short:   "List the peers that are connected",
		GroupID: groupPeer,
		Args:    operands("operand", 0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return p.list(c, handed{name: api.VerbPeers, request: api.PeersRequest{}},
				"no peer is connected: a peer is connected while `peer serve` or another verb runs")
		},
	}
}

// list hands over a verb that lists things and says so when there are none.
func (p *program) list(c *cobra.Command, h handed, none string) error {
	seen := 0
	h.seen = func(e api.Event) {
		if e.Event != api.EventState && e.Event != api.EventWaiting {
			seen++
		}
	}
	err := p.hand(c, h)
	if err == nil && seen == 0 {
		p.show.remark(none)
	}
	return err
}
