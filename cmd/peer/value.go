package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/node/api"
)

func value(p *program) *cobra.Command {
	var r api.ValueRequest
	c := &cobra.Command{
		Use:   "value KEY",
		Short: "Print the values under a key of a hash table, with their writers",
		Long: `Print each value that peers stored under a key, with who wrote it and when it expires. The signature of each was
checked, so that nobody else can have written it; whether its writer is to be believed is for you to say. Exit code 3
if there is none.`,
		Example:           "  peer --modes lan,chord value --mode chord coffee",
		GroupID:           groupTable,
		Args:              operands("KEY", 1, 1),
		ValidArgsFunction: noFiles,
		RunE: func(c *cobra.Command, words []string) (err error) {
			if r.Key, err = api.ParseKey(words[0]); err != nil {
				return fmt.Errorf("value: %w", err)
			}
			return p.hand(c, handed{name: api.VerbValue, request: r, first: "looking up " + words[0] + "…"})
		},
	}
	addMode(c, &r.Mode, "look it up in this `MODE` (default: the first that runs and can)")
	return c
}
