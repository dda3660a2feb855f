// Command swarm measures how near swarms of real peers come to what their links allow, and prints a Markdown table.
//
//	go run ./bench/swarm [-mib 256] [-files 10000] [-rate 100] [-lan-first=true] [-dir DIR] CASE… | all
//
// Each case runs in a lab of its own, hosts in network namespaces with shaped uplinks, and measures its bound in the
// same run: one plain TCP copy over one such link. It needs root, and memory: homes and files are kept in -dir, by
// default in /dev/shm, so that the disk is not what is measured. Start reading at internal/swarmlab.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/seed4134be55/peer/internal/process"
	"github.com/seed4134be55/peer/internal/swarmlab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "swarm:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("swarm", flag.ContinueOnError)
	mib := flags.Int64("mib", 256, "size of what is shared in MiB")
	files := flags.Int("files", 10_000, "how many small files, of 100 MB together")
	rate := flags.Int("rate", 100, "what each host may send, in Mbit/s")
	lanFirst := flags.Bool("lan-first", true, "as peer's option")
	dir := flags.String("dir", "/dev/shm", "where to work")
	flags.Usage = func() { usage(flags) }
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	names, err := choose(flags.Args())
	if err != nil {
		return err
	}
	if *mib < 1 || *files < 1 || *rate < 1 {
		return fmt.Errorf("-mib %d -files %d -rate %d: each must be at least 1", *mib, *files, *rate)
	}
	work, err := os.MkdirTemp(*dir, "peer-swarm-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	cfg := swarmlab.Config{
		Peer: filepath.Join(work, "peer"), Baseline: filepath.Join(work, "baseline"), Dir: work, Files: *files, Rate: *rate,
		Options: []string{fmt.Sprintf("--lan-first=%v", *lanFirst)},
		Log:     func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) },
	}
	if err := process.Build(ctx, "", "./cmd/peer", cfg.Peer); err != nil {
		return err
	}
	if err := process.Build(ctx, "bench/baseline", ".", cfg.Baseline); err != nil {
		return err
	}
	command := fmt.Sprintf("go run ./bench/swarm -mib %d -files %d -rate %d -lan-first=%v", *mib, *files, *rate, *lanFirst)
	return report(ctx, names, func(name string) swarmlab.Config {
		cfg := cfg
		if cfg.Bytes = *mib << 20; name == "smallfiles" {
			cfg.Bytes = 100e6
		}
		return cfg
	}, command, out)
}

func usage(flags *flag.FlagSet) {
	fmt.Fprintln(flags.Output(), "usage: go run ./bench/swarm [FLAG…] CASE… | all")
	for _, c := range swarmlab.Cases {
		fmt.Fprintf(flags.Output(), "  %-12s %s\n", c.Name, c.About)
	}
	flags.PrintDefaults()
}

// choose returns the cases of these names; "all" stands for all.
func choose(words []string) (names []string, err error) {
	var all []string
	for _, c := range swarmlab.Cases {
		all = append(all, c.Name)
	}
	for _, word := range words {
		switch {
		case word == "all":
			names = append(names, all...)
		case slices.Contains(all, word):
			names = append(names, word)
		default:
			return nil, fmt.Errorf("no case %q: go run ./bench/swarm -h lists them", word)
		}
	}
	if len(names) == 0 {
		return nil, errors.New("which case? go run ./bench/swarm -h lists them")
	}
	return names, nil
}

// report runs the cases and prints their rows as soon as they are there.
func report(ctx context.Context, names []string, config func(name string) swarmlab.Config, command string, out io.Writer) error {
	fmt.Fprintln(out, "| case | what | peer | to reach | command |")
	fmt.Fprintln(out, "|---|---|---|---|---|")
	for _, name := range names {
		figures, err := swarmlab.Run(ctx, name, config(name))
		if err != nil {
			return err
		}
		for _, f := range figures {
			fmt.Fprintf(out, "| %s | %s | %.3f | %s | `%s %s` |\n", about(name), f.What, f.Got, reach(f), command, name)
		}
	}
	return nil
}

func about(name string) string {
	i := slices.IndexFunc(swarmlab.Cases, func(c swarmlab.Case) bool { return c.Name == name })
	return swarmlab.Cases[i].About
}

func reach(f swarmlab.Figure) string {
	switch {
	case f.Reach == 0:
		return ""
	case f.AtLeast:
		return fmt.Sprintf("≥ %v", f.Reach)
	}
	return fmt.Sprintf("≤ %v", f.Reach)
}
