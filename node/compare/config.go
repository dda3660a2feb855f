package compare

import (
	"slices"
	"strings"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

// An Overlay is one that can be simulated.
type Overlay struct {
	Name string
	Most int // peers that fit into the memory of a large machine
	// Protocol returns the overlay for a network of so many peers, with what is set for it; a parameter that does not
	// exist or makes no sense is fault.BadInput.
	Protocol func(peers int, set []Setting) (overlay.Protocol, error)
}

// Config says what is simulated.
type Config struct {
	Overlays []Overlay // all in turn, each from the same seed
	Peers    int       // 2 to MaxPeers
	Lookups  int       // 1 to MaxLookups
	Seed     uint64
	Fail     float64       // share of the peers that dies at once, 0 to MaxFail
	Repair   time.Duration // between that and the lookups, to MaxRepair; 0: before any repair
	Churn    float64       // peers that join, and as many that leave, per second, to a tenth of Peers
	Set      []Setting
}

// Bounds of a Config.
const (
	MaxPeers   = 1_000_000
	MaxLookups = 10_000_000
	MaxFail    = 0.99
	MaxRepair  = 24 * time.Hour
)

// Choose returns those of all with the names in words, in that order, each once; all of them without words.
func Choose(all []Overlay, words []string) ([]Overlay, error) {
	if len(words) == 0 {
		return all, nil
	}
	var chosen []Overlay
	for _, w := range words {
		i := slices.IndexFunc(all, func(o Overlay) bool { return o.Name == w })
		if i < 0 {
			return nil, fault.New(fault.BadInput, "--modes %s: it cannot be simulated: choose from %s", w, names(all))
		}
		if !slices.ContainsFunc(chosen, func(o Overlay) bool { return o.Name == w }) {
			chosen = append(chosen, all[i])
		}
	}
	return chosen, nil
}

func names(overlays []Overlay) string {
	words := make([]string, len(overlays))
	for i, o := range overlays {
		words[i] = o.Name
	}
	return strings.Join(words, ", ")
}

// check returns a fault.BadInput that names the flag which makes no sense.
func (c Config) check() error {
	switch {
	case c.Peers < 2 || c.Peers > MaxPeers:
		return fault.New(fault.BadInput, "--peers %d: want 2 to %d", c.Peers, MaxPeers)
	case c.Lookups < 1 || c.Lookups > MaxLookups:
		return fault.New(fault.BadInput, "--lookups %d: want 1 to %d", c.Lookups, MaxLookups)
	case !(c.Fail >= 0 && c.Fail <= MaxFail): // so that NaN is none either
		return fault.New(fault.BadInput, "--fail %v: want a share of the peers from 0 to %v", c.Fail, MaxFail)
	case int(c.Fail*float64(c.Peers)) > c.Peers-2:
		return fault.New(fault.BadInput, "--fail %v: of %d peers fewer than two would be left", c.Fail, c.Peers)
	case c.Repair < 0 || c.Repair > MaxRepair:
		return fault.New(fault.BadInput, "--repair %v: want 0s to %v", c.Repair, MaxRepair)
	case c.Repair > 0 && c.Fail == 0:
		return fault.New(fault.BadInput, "--repair %v: nothing fails: add --fail, such as --fail 0.3", c.Repair)
	case !(c.Churn >= 0 && c.Churn <= float64(c.Peers)/10):
		return fault.New(fault.BadInput, "--churn %v: want 0 to %v joins per second, a tenth of the peers", c.Churn, float64(c.Peers)/10)
	}
	return c.checkOverlays()
}

func (c Config) checkOverlays() error {
	for _, o := range c.Overlays {
		if c.Peers > o.Most {
			return fault.New(fault.BadInput, "--peers %d: %s takes at most %d, more do not fit in memory: fewer, or leave it out by --modes",
				c.Peers, o.Name, o.Most)
		}
	}
	for _, s := range c.Set {
		if !slices.ContainsFunc(c.Overlays, func(o Overlay) bool { return o.Name == s.Mode }) {
			return fault.New(fault.BadInput, "--set %s.%s=%s: %s is not simulated: --modes chooses from %s",
				s.Mode, s.Name, s.Value, s.Mode, names(c.Overlays))
		}
	}
	return nil
}
