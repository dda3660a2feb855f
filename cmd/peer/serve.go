package main

import (
	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
)

func serve(p *program) *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run a peer that serves what this home shares",
		Long: `Run a peer until Ctrl-C. It serves all that was shared from this home, and does the work of the other verbs.
With --relay it also connects peers that cannot reach each other: run it where both can reach it.`,
		GroupID:    groupPeer,
		SuggestFor: []string{"daemon", "run", "start"},
		Args:       operands("operand", 0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			serving := false
			err := p.hand(c, handed{
				name:    api.VerbServe,
				request: api.ServeRequest{},
				first:   "starting…",
				seen:    func(e api.Event) { serving = serving || e.Event == api.EventServing },
			})
			if serving && fault.KindOf(err) == fault.Interrupted {
				return nil
			}
			return err
		},
	}
	c.Flags().BoolVar(&p.flags.Relay, "relay", false, "be the relay of peers that cannot reach each other")
	return c
}
