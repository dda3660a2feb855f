package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/node/home"
)

// configurable lists the flags that the config file and the environment may hold as well.
var configurable = []string{
	"home",
	api.OptReach, api.OptNetwork, api.OptModes, api.OptSet, api.OptLimitUp, api.OptLimitDown, api.OptMaxPeers, api.OptLANFirst, api.OptBootstrap,
}

// settle fills in the global flags that were not given from the environment, then the config file, and
// notes which options were said at all.
func (p *program) settle(c *cobra.Command) error {
	settings, err := home.LoadConfig(home.ConfigFile(), p.environ, configurable)
	if err != nil {
		return err
	}
	for _, name := range configurable {
		flag := c.Flags().Lookup(name)
		setting, ok := settings[name]
		if ok && !flag.Changed {
			if err := flag.Value.Set(strings.Join(setting.Values, ",")); err != nil {
				return fault.New(fault.BadInput, "%s: %s %q: %w", setting.From, name, strings.Join(setting.Values, ","), err)
			}
		}
		if name != "home" && (ok || flag.Changed) {
			p.flags.Said = append(p.flags.Said, name)
		}
	}
	if p.flags.Relay {
		p.flags.Said = append(p.flags.Said, api.OptRelay)
	}
	return nil
}

// openHome opens the home that --home, PEER_HOME or the config file names.
func (p *program) openHome() (*home.Home, error) {
	dir := p.flags.home
	if dir == "" {
		dir = home.DefaultDir()
	}
	return home.Open(dir)
}
