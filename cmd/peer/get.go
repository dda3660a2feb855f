package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/contentaddr/link"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
)

func get(p *program) *cobra.Command {
	var r api.GetRequest
	c := &cobra.Command{
		Use:   "get LINK…",
		Short: "Fetch what links name, verified; run it again to resume",
		Long: `Fetch what links name, from everybody who has it, and verify every byte. A download is NAME.part until it is
whole; the same command resumes it. "-" reads links from standard input, one a line.

A LINK is what "peer share" printed, a CID, ipfs://CID/path, /ipfs/CID/path or a gateway's URL.`,
		Example:           "  peer get 'peer://bafy…/movie.mkv?a=…'\n  peer get -o ~/Downloads bafy…",
		GroupID:           groupMove,
		SuggestFor:        []string{"download", "fetch", "receive", "pull"},
		Args:              operands("LINK", 1, -1),
		ValidArgsFunction: noFiles,
		RunE: func(c *cobra.Command, words []string) error {
			if err := p.checkGet(&r, words); err != nil {
				return fmt.Errorf("get: %w", err)
			}
			return p.get(c, r)
		},
	}
	f := c.Flags()
	f.StringVarP(&r.Dir, "output", "o", ".", "`DIR` to put it in")
	f.BoolVar(&r.Overwrite, "overwrite", false, "replace what is there and differs")
	f.BoolVar(&r.Seed, "seed", false, "go on serving when it is done")
	addTimeout(c, &r.Timeout)
	addMode(c, &r.Mode, "ask this `MODE` alone who has it, and nobody that the link names")
	_ = c.MarkFlagDirname("output")
	return c
}

func (p *program) get(c *cobra.Command, r api.GetRequest) error {
	done := 0
	err := p.hand(c, handed{
		name:    api.VerbGet,
		request: r,
		first:   "looking for " + described(r.Links) + "…",
		seen: func(e api.Event) {
			if e.Event == api.EventDone {
				done++
			}
		},
	})
	switch {
	case fault.KindOf(err) != fault.Interrupted:
		return err
	case r.Seed && done == len(r.Links):
		return nil // it is here; Ctrl-C is how seeding ends
	}
	return fault.New(fault.Interrupted, "interrupted: what is verified stays, run the same command again to resume")
}

func (p *program) checkGet(r *api.GetRequest, words []string) error {
	links, err := p.readLinks(words)
	if err != nil {
		return err
	}
	seen := make(map[string]bool, len(links))
	for _, text := range links {
		if err := checkLink(text); err != nil {
			return err
		}
		if !seen[text] {
			seen[text] = true
			r.Links = append(r.Links, text)
		}
	}
	if r.Dir, err = filepath.Abs(r.Dir); err != nil {
		return fault.New(fault.BadInput, "--output: %w", err)
	}
	if st, err := os.Stat(r.Dir); err == nil && !st.IsDir() {
		return fault.New(fault.BadInput, "--output: %s is not a folder", r.Dir)
	}
	return nil
}

// readLinks replaces "-" by the links on standard input.
func (p *program) readLinks(words []string) ([]string, error) {
	var links []string
	for _, word := range words {
		if word != "-" {
			links = append(links, word)
			continue
		}
		lines := bufio.NewScanner(p.in)
		lines.Buffer(nil, 2*link.MaxLen)
		for lines.Scan() {
			if text := strings.TrimSpace(lines.Text()); text != "" && !strings.HasPrefix(text, "#") {
				links = append(links, text)
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fault.New(fault.BadInput, "standard input: %w", err)
		}
	}
	if len(links) == 0 {
		return nil, fault.New(fault.BadInput, "no link on standard input")
	}
	return links, nil
}

// checkLink makes sure that a link can be understood before anything is started for it.
func checkLink(text string) error {
	_, err := link.Parse(text)
	return err
}

// described names links as briefly as people would.
func described(links []string) string {
	if len(links) > 1 {
		return count(len(links), "link")
	}
	l, err := link.Parse(links[0])
	if err != nil {
		return "it"
	}
	if l.Name != "" {
		return l.Name
	}
	return l.Cid.String()
}
