// Command bench measures the figures of docs/performance.md: peer beside what bounds it, in one run on one
// machine, and prints a Markdown table.
//
//	go run ./bench [-runs 5] [-mib 1024] [-files 10000] [-dir DIR] FIGURE… | all
//
// It builds peer and bench/baseline, makes its input in a folder of its own below DIR and removes it. Runs of
// the baseline and of peer alternate, so that a machine that slows down slows both; each row gives the
// median, and least and most in parentheses. Ratios are of neighbouring runs. It speaks to peer by its
// command line only. Start reading at figures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// figure is one thing that is measured.
type figure struct {
	name    string
	about   string
	extra   bool // takes minutes: only by name, not in "all"
	measure func(context.Context, *workspace) ([]row, error)
}

var figures = []figure{
	{"share", "share a file in place, beside hashing it", false, shareFile},
	{"get", "get that file, beside one raw libp2p stream", false, getFile},
	{"sharefolder", "share a folder of small files, beside reading and hashing it", false, shareFolder},
	{"getfolder", "get that folder, beside cp -r", false, getFolder},
	{"ready", "start the daemon with nothing shared", false, ready},
	{"idle", "memory of the idle daemon after a minute (needs root: it runs in a network namespace)", false, idle},
	{"readyfull", "start the daemon with 1 TiB shared (takes minutes, and gigabytes of disk)", true, readyFull},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	runs := flags.Int("runs", 5, "how often each side runs")
	mib := flags.Int64("mib", 1024, "size of the file in MiB")
	files := flags.Int("files", 10_000, "how many small files")
	dir := flags.String("dir", "", "where to work; default the system's temporary folder")
	flags.Usage = func() { usage(flags) }
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	chosen, err := choose(flags.Args())
	if err != nil {
		return err
	}
	w, err := newWorkspace(*dir, *runs, *mib<<20, *files)
	if err != nil {
		return err
	}
	defer w.remove()
	if err := w.build(ctx); err != nil {
		return err
	}
	return report(ctx, w, chosen, out)
}

func usage(flags *flag.FlagSet) {
	fmt.Fprintln(flags.Output(), "usage: go run ./bench [FLAG…] FIGURE… | all")
	for _, f := range figures {
		fmt.Fprintf(flags.Output(), "  %-12s %s\n", f.name, f.about)
	}
	flags.PrintDefaults()
}

// choose returns the figures of these names; "all" stands for those that do not take long.
func choose(names []string) (chosen []figure, err error) {
	for _, name := range names {
		before := len(chosen)
		for _, f := range figures {
			if f.name == name || name == "all" && !f.extra {
				chosen = append(chosen, f)
			}
		}
		if len(chosen) == before {
			return nil, fmt.Errorf("no figure %q: go run ./bench -h lists them", name)
		}
	}
	if len(chosen) == 0 {
		return nil, errors.New("which figure? go run ./bench -h lists them")
	}
	return chosen, nil
}

// report measures and prints a row as soon as it is there.
func report(ctx context.Context, w *workspace, chosen []figure, out io.Writer) error {
	fmt.Fprintln(out, "| what | baseline | peer | ratio | to reach | command |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|")
	for _, f := range chosen {
		rows, err := f.measure(ctx, w)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		for _, r := range rows {
			fmt.Fprintf(out, "| %s | `%s` |\n", strings.Join(r.cells(), " | "), w.command(f.name))
		}
	}
	return nil
}
