package main

import (
	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/node/api"
)

func shares(p *program) *cobra.Command {
	return &cobra.Command{
		Use:        "shares",
		Short:      "List what this home shares",
		GroupID:    groupPeer,
		SuggestFor: []string{"list"},
		Args:       operands("operand", 0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return p.list(c, handed{name: api.VerbShares, request: api.SharesRequest{}},
				"nothing is shared from this home: `peer share PATH` does that")
		},
	}
}
