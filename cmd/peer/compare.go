package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node"
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/node/compare"
)

// compareModes needs no home: it simulates all peers in this process.
func compareModes(p *program) *cobra.Command {
	var simulate bool
	c := compare.Config{Peers: 1000, Lookups: 10_000, Seed: 1}
	cmd := &cobra.Command{
		Use:   "compare --simulate",
		Short: "Run the same lookups over several overlays, simulated, and say what each costs",
		Long: `Simulate structured overlays: all peers run in this process, in virtual time, by the code that finds content between
real ones. Random peers publish records, then random peers look up random keys. The same --seed gives the same figures
and the same trace, on any machine. No home is read and nothing is sent. docs/discovery.md says what is measured.

  --fail 0.3               three of ten peers die at once; the lookups come before any repair
  --fail 0.3 --repair 10m  and those who are left have ten minutes to repair what broke
  --churn 0.1              meanwhile a peer joins every 10 s on average, and another leaves`,
		Example: "  peer compare --simulate --peers 10000\n" +
			"  peer compare --simulate --modes chord --fail 0.3 --set chord.successors=20 --json",
		GroupID:           groupTable,
		SuggestFor:        []string{"simulate", "sim", "benchmark"},
		Args:              operands("operand", 0, 0),
		ValidArgsFunction: noFiles,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if !simulate {
				return fault.New(fault.BadInput, "compare: only in simulation so far: add --simulate")
			}
			if c.Overlays, err = compare.Choose(node.Simulated(), p.flags.Modes); err != nil {
				return fmt.Errorf("compare: %w", err)
			}
			if c.Set, err = compare.ParseSettings(p.flags.Set); err != nil {
				return fmt.Errorf("compare: %w", err)
			}
			return p.simulate(c)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&simulate, "simulate", false, "in virtual time, in this process")
	f.Var(numberFlag{&c.Peers}, "peers", "`N` peers, 2 to "+strconv.Itoa(compare.MaxPeers))
	f.Var(numberFlag{&c.Lookups}, "lookups", "`N` lookups, and as many records")
	f.Uint64Var(&c.Seed, "seed", 1, "`N` from which all that is random follows")
	f.Var(shareFlag{&c.Fail}, "fail", "that `SHARE` of the peers dies at once (0.3 or 30%)")
	f.Var(spanFlag{&c.Repair}, "repair", "`TIME` between that and the lookups (10m)")
	f.Float64Var(&c.Churn, "churn", 0, "peers that join, and as many that leave, `PER SECOND`")
	return cmd
}

// simulate shows what each overlay comes to as soon as those before it are done.
func (p *program) simulate(c compare.Config) error {
	p.show.work(c)
	at := make(map[string]string)
	var shown time.Time
	err := compare.Run(p.signals.verb, c, func(mode, what string) {
		at[mode] = what
		if now := time.Now(); now.Sub(shown) > time.Second {
			shown = now
			p.show.event(api.Event{Event: api.EventState, Message: doing(c.Overlays, at)})
		}
	}, func(r compare.Result) {
		delete(at, r.Mode)
		p.show.result(r)
	})
	switch {
	case p.signals.verb.Err() != nil:
		return context.Cause(p.signals.verb)
	case err != nil:
		return fmt.Errorf("compare: %w", err)
	}
	return nil
}

// doing says what each overlay that runs is at, in their order.
func doing(overlays []compare.Overlay, at map[string]string) string {
	var words []string
	for _, o := range overlays {
		if what, ok := at[o.Name]; ok {
			words = append(words, o.Name+": "+what)
		}
	}
	return strings.Join(words, "; ")
}

// numberFlag is a count. Whether it makes sense is for whoever takes it to say.
type numberFlag struct{ n *int }

func (f numberFlag) String() string {
	if f.n == nil {
		return "0"
	}
	return strconv.Itoa(*f.n)
}
func (f numberFlag) Type() string { return "N" }
func (f numberFlag) Set(s string) error {
	n, err := strconv.Atoi(strings.ReplaceAll(s, "_", ""))
	if err != nil {
		return fault.New(fault.BadInput, "want a number such as 1000")
	}
	*f.n = n
	return nil
}

// shareFlag is a number from 0 to 1, or in percent.
type shareFlag struct{ share *float64 }

func (f shareFlag) String() string {
	if f.share == nil {
		return "0"
	}
	return strconv.FormatFloat(*f.share, 'g', -1, 64)
}
func (f shareFlag) Type() string { return "SHARE" }
func (f shareFlag) Set(s string) error {
	digits, percent := strings.CutSuffix(s, "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil {
		return fault.New(fault.BadInput, "want a share such as 0.3 or 30%%")
	}
	if percent {
		x /= 100
	}
	*f.share = x
	return nil
}

// spanFlag is a time; a bare number is seconds.
type spanFlag struct{ d *time.Duration }

func (f spanFlag) String() string {
	if f.d == nil {
		return "0s"
	}
	return f.d.String()
}
func (f spanFlag) Type() string { return "TIME" }
func (f spanFlag) Set(s string) error {
	if err := timeoutFlag(f).Set(s); err != nil {
		return fault.New(fault.BadInput, "want a time such as 30s or 10m")
	}
	return nil
}
