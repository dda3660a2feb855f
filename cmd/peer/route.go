package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/node"
	"github.com/seed4134be55/peer/node/api"
)

func route(p *program) *cobra.Command {
	var r api.RouteRequest
	c := &cobra.Command{
		Use:   "route KEY",
		Short: "Show the way of one lookup, hop by hop",
		Long: `Look a key up and print each peer that was asked on the way, how far from the key it still was and how long its answer
took, and then who is responsible for the key. KEY is a CID, a link, or any other word. docs/discovery.md says what
the distances are.`,
		Example:           "  peer --modes lan,chord route --mode chord coffee",
		GroupID:           groupTable,
		SuggestFor:        []string{"lookup", "trace", "traceroute"},
		Args:              operands("KEY", 1, 1),
		ValidArgsFunction: noFiles,
		RunE: func(c *cobra.Command, words []string) (err error) {
			if r.Key, err = api.ParseKey(words[0]); err != nil {
				return fmt.Errorf("route: %w", err)
			}
			return p.hand(c, handed{name: api.VerbRoute, request: r, first: "looking up " + words[0] + "…"})
		},
	}
	addMode(c, &r.Mode, "look it up in this `MODE` (default: the first that runs and can)")
	return c
}

// addMode adds the flag that chooses one mode among those that run.
func addMode(c *cobra.Command, mode *string, usage string) {
	c.Flags().Var(modeFlag{mode}, "mode", usage)
	complete(c, "mode", node.Modes()...)
}
