package main

import (
	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/node/api"
)

func transfers(p *program) *cobra.Command {
	return &cobra.Command{
		Use:     "transfers",
		Short:   "List what is being fetched and served",
		GroupID: groupPeer,
		Args:    operands("operand", 0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return p.list(c, handed{name: api.VerbTransfers, request: api.TransfersRequest{}}, "nothing is being fetched or served")
		},
	}
}
