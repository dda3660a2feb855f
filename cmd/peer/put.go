package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/node/api"
)

func put(p *program) *cobra.Command {
	var r api.PutRequest
	c := &cobra.Command{
		Use:   "put KEY VALUE",
		Short: "Store a value in a hash table, signed by this peer",
		Long: `Store a value of up to 1 KiB under a key, in place of what this peer stored there before. It is signed by this
peer and kept by others, who forget it after some hours unless this peer, while it runs, tells them again. Values of
others under the same key stay beside it. KEY is any word, VALUE may be empty.`,
		Example:           "  peer --modes lan,chord put --mode chord coffee 'third floor'",
		GroupID:           groupTable,
		SuggestFor:        []string{"set", "store"},
		Args:              keyAndValue,
		ValidArgsFunction: noFiles,
		RunE: func(c *cobra.Command, words []string) (err error) {
			if r.Key, err = api.ParseKey(words[0]); err != nil {
				return fmt.Errorf("put: %w", err)
			}
			r.Value = []byte(words[1])
			if err := api.CheckValue(r.Value); err != nil {
				return fmt.Errorf("put: %w", err)
			}
			return p.hand(c, handed{name: api.VerbPut, request: r, first: "storing " + words[0] + "…"})
		},
	}
	addMode(c, &r.Mode, "store it in this `MODE` (default: the first that runs and can)")
	return c
}

// keyAndValue wants two operands.
func keyAndValue(c *cobra.Command, words []string) error {
	if len(words) == 1 {
		return operands("VALUE", 2, 2)(c, words)
	}
	return operands("KEY and VALUE", 2, 2)(c, words)
}
