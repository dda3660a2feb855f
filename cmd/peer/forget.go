package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/node/api"
)

func forget(p *program) *cobra.Command {
	return &cobra.Command{
		Use:               "forget LINK",
		Short:             "Stop sharing; the files stay",
		Long:              "Forget what a link or CID names: it is no longer served. The files stay where they are.",
		GroupID:           groupMove,
		SuggestFor:        []string{"unshare", "remove", "rm", "delete"},
		Args:              operands("LINK", 1, 1),
		ValidArgsFunction: noFiles,
		RunE: func(c *cobra.Command, words []string) error {
			if err := checkLink(words[0]); err != nil {
				return fmt.Errorf("forget: %w", err)
			}
			return p.hand(c, handed{name: api.VerbForget, request: api.ForgetRequest{Link: words[0]}})
		},
	}
}
