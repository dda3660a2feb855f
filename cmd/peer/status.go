package main

import (
	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/node/api"
)

func status(p *program) *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Say how this peer is",
		GroupID: groupPeer,
		Args:    operands("operand", 0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return p.hand(c, handed{name: api.VerbStatus, request: api.StatusRequest{}})
		},
	}
}
