package main

import (
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/cmd/peer/daemon"
	"github.com/seed4134be55/peer/fault"
)

// A program is one run of the command line.
type program struct {
	args     []string
	environ  []string
	in       io.Reader
	out, err *os.File
	open     daemon.Open

	root    *cobra.Command
	flags   global
	signals *signals
	show    printer
}

// run does what the arguments say and returns the exit code.
func (p *program) run() int {
	p.signals = catch()
	defer p.signals.release()
	p.show = p.printer(slices.Contains(beforeDashes(p.args), "--json"))
	p.root = p.command()
	p.root.SetArgs(p.args)
	err := p.root.ExecuteContext(p.signals.verb)
	p.show.close()
	if err == nil {
		return 0
	}
	p.show.fail(err)
	return fault.KindOf(err).ExitCode()
}

// printer returns the printer for --json or for people. It is chosen before flags are parsed, as their
// errors are printed by it too.
func (p *program) printer(json bool) printer {
	if json {
		return &jsonLines{out: p.out, err: p.err}
	}
	return newPeople(p.out, p.err)
}

// beforeDashes returns the arguments that may hold flags.
func beforeDashes(args []string) []string {
	if i := slices.Index(args, "--"); i >= 0 {
		return args[:i]
	}
	return args
}

func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "peer",
		Short: "Share files between machines, and fetch them by link",
		Long: `peer shares files between machines and fetches them by link, from every machine that has them,
verified, and resumed after any interruption. No account, no server, no copy of what is shared.

  peer share movie.mkv     prints a link; serves until Ctrl-C
  peer get LINK            on any other machine`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          p.knownVerb,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetOut(p.out)
	root.SetErr(p.err)
	root.SetIn(p.in)
	root.SetFlagErrorFunc(p.flagError)
	root.SetHelpCommand(p.help())
	p.flags.register(root)
	root.AddGroup(
		&cobra.Group{ID: groupMove, Title: "Move files:"},
		&cobra.Group{ID: groupLook, Title: "Look inside, without fetching it all:"},
		&cobra.Group{ID: groupTable, Title: "Hash tables of peers (docs/discovery.md):"},
		&cobra.Group{ID: groupPeer, Title: "This peer:"},
	)
	for _, verb := range []func(*program) *cobra.Command{
		share, get, forget,
		cidOf, ls, cat,
		put, value, route, compareModes,
		serve, status, peers, shares, transfers, doctor, versionOf,
	} {
		root.AddCommand(verb(p))
	}
	return root
}

const (
	groupMove  = "move"
	groupLook  = "look"
	groupTable = "table"
	groupPeer  = "peer"
)

// help is cobra's, except that a verb that does not exist is an error.
func (p *program) help() *cobra.Command {
	return &cobra.Command{
		Use:   "help [VERB]",
		Short: "Say how a verb is used",
		RunE: func(c *cobra.Command, words []string) error {
			verb, rest, err := c.Root().Find(words)
			if err != nil || len(rest) > 0 {
				return p.unknownVerb(strings.Join(words, " "))
			}
			verb.InitDefaultHelpFlag()
			return verb.Help()
		},
	}
}
