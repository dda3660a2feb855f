package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/node/api"
)

func versionOf(p *program) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		GroupID: groupPeer,
		Args:    operands("operand", 0, 0),
		RunE: func(*cobra.Command, []string) error {
			p.show.event(api.Event{
				Event:   api.EventVersion,
				Version: buildVersion(),
				Agent:   runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
			})
			return nil
		},
	}
}

// buildVersion returns the release's version, or what the build knows of where it came from.
func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}
