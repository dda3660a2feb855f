package node

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed4134be55/peer/contentaddr/store"
	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/discovery/chord"
	kademlia "github.com/seed4134be55/peer/discovery/kademlia/machine"
	"github.com/seed4134be55/peer/discovery/kelips"
	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/overlay/live"
	"github.com/seed4134be55/peer/discovery/pastry"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/compare"
)

// overlays are the structured overlays whose machines find content between real peers. Each is a mode by its name.
func overlays() []compare.Overlay {
	return []compare.Overlay{
		{Name: "chord", Most: compare.MaxPeers, Protocol: func(peers int, set []compare.Setting) (overlay.Protocol, error) {
			return protocol(chord.Config{Size: peers}, (*chord.Config).Set, chord.Protocol, set)
		}},
		{Name: "pastry", Most: 200_000, Protocol: func(peers int, set []compare.Setting) (overlay.Protocol, error) {
			return protocol(pastry.Config{Size: peers}, (*pastry.Config).Set, pastry.Protocol, set)
		}},
		{Name: "kelips", Most: 100_000, Protocol: func(peers int, set []compare.Setting) (overlay.Protocol, error) {
			return protocol(kelips.Config{Size: peers}, (*kelips.Config).Set, kelips.Protocol, set)
		}},
	}
}

// Simulated returns what peer compare can simulate: overlays, and Kademlia as a machine of its own, since between real
// peers it is another library's.
func Simulated() []compare.Overlay {
	return append(overlays(), compare.Overlay{Name: "kademlia", Most: 200_000, Protocol: func(peers int, set []compare.Setting) (overlay.Protocol, error) {
		return protocol(kademlia.Config{}, (*kademlia.Config).Set, kademlia.Protocol, set)
	}})
}

// protocol returns the overlay of c with what is set.
func protocol[C any](c C, set func(c *C, name, value string) error, of func(C) (overlay.Protocol, error), settings []compare.Setting) (overlay.Protocol, error) {
	for _, s := range settings {
		if err := set(&c, s.Name, s.Value); err != nil {
			return overlay.Protocol{}, err
		}
	}
	return of(c)
}

// Modes returns the names of all ways of finding content, in the order in which they are worth trying.
func Modes() []string {
	modes := slices.Clone(defaultModes)
	for _, o := range overlays() {
		modes = append(modes, o.Name)
	}
	return modes
}

// CheckMode refuses a word that is no mode's name.
func CheckMode(word string) error {
	if slices.Contains(Modes(), word) {
		return nil
	}
	return fault.New(fault.BadInput, "mode %q does not exist: choose from %s", word, strings.Join(Modes(), ", "))
}

// openOverlay builds the mode of an overlay.
func (n *Node) openOverlay(word string) (discovery.Mode, error) {
	i := slices.IndexFunc(overlays(), func(o compare.Overlay) bool { return o.Name == word })
	if i < 0 {
		return nil, CheckMode(word)
	}
	settings, err := compare.ParseSettings(n.cfg.Options.Set)
	if err != nil {
		return nil, err
	}
	p, err := overlays()[i].Protocol(0, compare.SettingsOf(word, settings))
	if err != nil {
		return nil, fmt.Errorf("--set: %w", err)
	}
	return live.New(live.Config{
		Host: n.host, Network: n.cfg.Options.Network, Reach: n.reach, Protocol: p, Bootstrap: n.bootstrap,
		Shares: n.listed(func(i store.RootInfo) bool { return !i.Unlisted }), Log: n.cfg.Log,
	})
}

// checkSettings refuses what is set for an overlay that does not run, as it would change nothing.
func (n *Node) checkSettings() error {
	all, err := compare.ParseSettings(n.cfg.Options.Set)
	for _, s := range all {
		isOverlay := slices.ContainsFunc(overlays(), func(o compare.Overlay) bool { return o.Name == s.Mode })
		if !isOverlay || !slices.Contains(n.wantedModes(), s.Mode) {
			return fault.New(fault.BadInput, "--set %s.%s=%s: no overlay of that name runs here (--modes %s)",
				s.Mode, s.Name, s.Value, strings.Join(n.wantedModes(), ","))
		}
	}
	return err
}

// wantedModes returns what the user wants to run.
func (n *Node) wantedModes() []string {
	if len(n.cfg.Options.Modes) == 0 {
		return defaultModes
	}
	return n.cfg.Options.Modes
}
