// Command swarmsim simulates whole swarms (package swarm/sim) and prints a Markdown table of how long they took beside
// what nobody can beat.
//
//	go run ./bench/swarmsim [-seeds 1,2,3] [-peers 1000] [-leaves 256] SCENARIO… | all
//
// Each scenario runs once a seed; the same seed prints the same line, but for the time that it took. Start reading at
// scenarios.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "swarmsim:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("swarmsim", flag.ContinueOnError)
	seeds := flags.String("seeds", "1,2,3", "of the runs, with commas")
	size := size{}
	flags.IntVar(&size.peers, "peers", 1000, "how many download")
	flags.IntVar(&size.leaves, "leaves", 256, "of 1 MiB that are shared")
	flags.Usage = func() { usage(flags) }
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if size.peers < 10 || size.leaves < 1 {
		return fmt.Errorf("%d peers and %d leaves: at least 10 and 1", size.peers, size.leaves)
	}
	numbers, err := parseSeeds(*seeds)
	if err != nil {
		return err
	}
	chosen, err := choose(flags.Args())
	if err != nil {
		return err
	}
	return report(chosen, numbers, size, out)
}

func usage(flags *flag.FlagSet) {
	fmt.Fprintln(flags.Output(), "usage: go run ./bench/swarmsim [FLAG…] SCENARIO… | all")
	for _, s := range scenarios {
		fmt.Fprintf(flags.Output(), "  %-12s %s\n", s.name, s.about)
	}
	flags.PrintDefaults()
}

func parseSeeds(list string) (seeds []uint64, err error) {
	for _, word := range strings.Split(list, ",") {
		n, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("seed %q: %w", word, err)
		}
		seeds = append(seeds, n)
	}
	return seeds, nil
}

// choose returns the scenarios of these names; "all" stands for all.
func choose(names []string) (chosen []scenario, err error) {
	for _, name := range names {
		before := len(chosen)
		for _, s := range scenarios {
			if s.name == name || name == "all" {
				chosen = append(chosen, s)
			}
		}
		if len(chosen) == before {
			return nil, fmt.Errorf("no scenario %q: go run ./bench/swarmsim -h lists them", name)
		}
	}
	if len(chosen) == 0 {
		return nil, errors.New("which scenario? go run ./bench/swarmsim -h lists them")
	}
	return chosen, nil
}
