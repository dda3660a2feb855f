package swarmlab

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/seed4134be55/peer/internal/netlab"
)

// A Case is one situation that a swarm may be in.
type Case struct {
	Name, About string
	run         func(context.Context, Config) ([]Figure, error)
}

// A Figure is one thing that a case measured.
type Figure struct {
	What    string
	Got     float64
	Reach   float64 // the figure to reach at full size; 0: none
	AtLeast bool    // Got is to be at least that, else at most
}

// Reached tells whether the figure is what it is to be.
func (f Figure) Reached() bool {
	return f.Reach == 0 || f.AtLeast && f.Got >= f.Reach || !f.AtLeast && f.Got <= f.Reach
}

// Config says with what a case is run.
type Config struct {
	Peer, Baseline string   // programs: cmd/peer and bench/baseline
	Dir            string   // for homes and files; in memory, or the disk is measured
	Bytes          int64    // what is shared
	Files          int      // the same as how many small files, where a case is about those
	Rate           int      // of every host's uplink, in Mbit/s
	Options        []string // of every peer: "--lan-first=false"
	Share          []string // of share: a profile with smaller leaves
	Log            func(format string, args ...any)
}

// Cases are all there are.
var Cases = []Case{
	{"crowd8", "1 seed, 8 downloaders at once", crowd(8, goals{1.12, 1.06, 1.08, 1, 0.5})},
	{"crowd16", "1 seed, 16 downloaders at once", crowd(16, goals{slowest: 1.15})},
	{"slowseed", "the seed sends a fifth of what each of 8 downloaders may", slowSeed},
	{"seedstops", "the seed is killed once each byte has left it", seedStops},
	{"late", "4 start when the first 4 have half", late},
	{"sources", "1 downloader, 4 sources that send 1, 1/2, 1/5 and 1/10", sources},
	{"smallfiles", "small files, 1 to 8", smallFiles},
	{"freeriders", "1 to 8 of whom 2 never upload", freeRiders},
	{"router", "two LANs behind one router, 4 downloaders in each", router},
	{"churn", "8 of 16 are killed half way, 4 of them come back", churn},
}

// Run runs the case of that name.
func Run(ctx context.Context, name string, cfg Config) ([]Figure, error) {
	for _, c := range Cases {
		if c.Name == name {
			figures, err := c.run(ctx, cfg)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return figures, nil
		}
	}
	return nil, fmt.Errorf("no case %q", name)
}

// A world is the lab of one case and what runs in it.
type world struct {
	Config
	ctx   context.Context
	lab   *netlab.Lab
	dir   string
	path  string // what is shared
	bytes int64  // of it
	bound float64
	wire  float64 // bytes on a link for each byte of a plain copy
}

// in runs do in a new lab, after the bound was measured between its first two hosts.
func in(ctx context.Context, cfg Config, o netlab.Options, do func(*world) ([]Figure, error)) (figures []Figure, err error) {
	w := &world{Config: cfg, ctx: ctx}
	if w.dir, err = os.MkdirTemp(cfg.Dir, "swarm-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(w.dir)
	o.Rate = w.mbit(1)
	if o.Split > 0 {
		o.Uplink = w.mbit(0.5)
	}
	if w.lab, err = netlab.Up(o); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.lab.Close()) }()
	return do(w)
}

// mbit is that many times the rate of an uplink, in the words of tc.
func (w *world) mbit(times float64) string {
	return fmt.Sprintf("%.0fkbit", 1000*times*float64(w.Rate))
}

// host is the name of the i-th, from 1.
func host(i int) string { return fmt.Sprintf("h%d", i) }
