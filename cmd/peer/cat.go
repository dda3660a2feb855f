package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/node/api"
)

func cat(p *program) *cobra.Command {
	var r api.CatRequest
	c := &cobra.Command{
		Use:               "cat LINK",
		Short:             "Write a file to standard output",
		Long:              "Write the file that a link names, or the one at the link's path in a folder, to standard output.",
		Example:           "  peer cat bafy…/talks/2024.txt | less",
		GroupID:           groupLook,
		Args:              operands("LINK", 1, 1),
		ValidArgsFunction: noFiles,
		RunE: func(c *cobra.Command, words []string) error {
			if err := checkLink(words[0]); err != nil {
				return fmt.Errorf("cat: %w", err)
			}
			r.Link = words[0]
			p.show.dataOnly()
			return p.hand(c, handed{
				name:    api.VerbCat,
				request: r,
				first:   "looking for " + described([]string{r.Link}) + "…",
				data: writerFunc(func(b []byte) (int, error) {
					p.show.close() // the state, which may be on the same terminal
					return p.out.Write(b)
				}),
			})
		},
	}
	addTimeout(c, &r.Timeout)
	return c
}
