package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/contentaddr/importer"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/node/api"
)

// cidOf needs no home: it reads, hashes and prints.
func cidOf(p *program) *cobra.Command {
	var o importer.Options
	var profile string
	c := &cobra.Command{
		Use:        "cid PATH…",
		Short:      "Print the CID that files and folders would have; nothing is shared",
		Example:    "  peer cid --profile unixfs-v0-2015 photos",
		GroupID:    groupLook,
		SuggestFor: []string{"hash"},
		Args:       operands("PATH", 1, -1),
		RunE: func(c *cobra.Command, paths []string) error {
			var err error
			if o.Profile, err = unixfs.ParseProfile(profile); err != nil {
				return fmt.Errorf("cid: --profile: %w", err)
			}
			if _, err := localPaths(paths); err != nil {
				return fmt.Errorf("cid: %w", err)
			}
			p.show.several(len(paths) > 1)
			for _, path := range paths {
				if err := p.printCID(path, o); err != nil {
					return fmt.Errorf("cid: %w", err)
				}
			}
			return nil
		},
	}
	addImport(c, &profile, &o.NoHidden, &o.Preserve)
	return c
}

func (p *program) printCID(path string, o importer.Options) error {
	found, err := p.importPath(path, o)
	if err != nil {
		return err
	}
	p.show.event(api.Event{
		Event: api.EventCid,
		Path:  path,
		Cid:   found.Root.String(),
		Bytes: found.Bytes,
		Files: found.Files,
	})
	return nil
}

// importPath finds the CID of what is at path, and shows what it does and what it leaves out.
func (p *program) importPath(path string, o importer.Options) (importer.Result, error) {
	starting := p.startWith("hashing " + path + "…")
	defer starting.stop()
	start := time.Now()
	found, err := importer.Import(p.signals.verb, path, o, nil, func(bytes int64) {
		if seconds := time.Since(start).Seconds(); seconds > quiet.Seconds() {
			starting.stop()
			p.show.event(api.Event{Event: api.EventProgress, Name: path, Bytes: bytes, Rate: float64(bytes) / seconds})
		}
	})
	starting.stop()
	if err == nil {
		for _, s := range found.Skipped {
			p.show.event(api.Event{Event: api.EventSkipped, Path: s.Path, Message: s.Why})
		}
	}
	return found, err
}
