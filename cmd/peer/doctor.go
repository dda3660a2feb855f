package main

import (
	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/node/api"
)

func doctor(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Find out why nobody can reach this peer",
		Long: `Look at what this peer listens on, whether others can reach it, what kind of NAT is in the way, what a firewall
may block and which modes of discovery answer, and say what to do.`,
		GroupID: groupPeer,
		Args:    operands("operand", 0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return p.hand(c, handed{name: api.VerbDoctor, request: api.DoctorRequest{}, first: "looking around…"})
		},
	}
}
