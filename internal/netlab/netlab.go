// Package netlab gives a test several hosts of its own on one machine.
//
// Hosts are Linux network namespaces round a switch in a namespace of its own. Nothing in a lab can
// reach the machine's real network, and no host has a way out. It needs root, iproute2, nftables and
// python3; Require skips where they are missing. The script beside this file does the work and can be
// run by hand as well: `internal/netlab/netlab help`. It has no latency: netem is not in every kernel.
//
// Start reading at New; Watch counts the packets that leave a host.
package netlab

import (
	"context"
	_ "embed"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed4134be55/peer/internal/process"
)

//go:embed netlab
var script []byte

// Options says what a lab looks like. Rates are in the words of tc: "100mbit"; empty is unshaped.
type Options struct {
	Hosts  int    // h1 to hN
	Rate   string // what each host sends
	Down   string // what each host receives
	NAT    int    // how many of the last hosts sit each behind a NAT router of its own: h3's is r3
	Split  int    // if not 0: the first Split hosts are one LAN, the rest another, and "router" joins them
	Uplink string // each direction through the router
	Subnet string // three numbers, default 10.77.0; 5.6.7 looks public, in here only
}

// Lab is a running lab. Its methods may be called from any goroutine.
type Lab struct {
	opts Options
	name *name
	file string // the script on disk
}

// New sets up a lab for one test and removes it, and whatever still runs in it, when the test ends. Each lab
// has a name of its own, so that tests and packages run side by side.
func New(t testing.TB, o Options) *Lab {
	t.Helper()
	Require(t)
	l, err := Up(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Up sets up a lab that the caller closes.
func Up(o Options) (*Lab, error) {
	if o.Subnet == "" {
		o.Subnet = "10.77.0"
	}
	if _, err := o.addr(o.Hosts); err != nil || o.Hosts < 1 || o.Hosts > 250 {
		return nil, fmt.Errorf("netlab: %d hosts in %s: %v", o.Hosts, o.Subnet, err)
	}
	name, err := claimName()
	if err != nil {
		return nil, err
	}
	l := &Lab{opts: o, name: name}
	if err := l.build(); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Lab) build() error {
	dir, err := os.MkdirTemp("", "netlab")
	if err != nil {
		return err
	}
	l.file = filepath.Join(dir, "netlab")
	if err := os.WriteFile(l.file, script, 0o700); err != nil {
		return err
	}
	// A test run that was killed may have left a lab of this name, with processes in it.
	if err := l.killAll(); err != nil {
		return err
	}
	_, err = l.script(l.opts.words()...)
	return err
}

// words are the arguments of the script for o.
func (o Options) words() []string {
	words := []string{"up", strconv.Itoa(o.Hosts)}
	for _, w := range []struct{ option, value string }{
		{"--rate", o.Rate}, {"--down", o.Down}, {"--uplink", o.Uplink},
		{"--nat", strconv.Itoa(o.NAT)}, {"--split", strconv.Itoa(o.Split)},
	} {
		if w.value != "" {
			words = append(words, w.option, w.value)
		}
	}
	return words
}

// addr is the address of the i-th host, from 1.
func (o Options) addr(i int) (netip.Addr, error) {
	first, err := netip.ParseAddr(o.Subnet + "." + strconv.Itoa(i))
	if err != nil || o.Split == 0 || i <= o.Split {
		return first, err
	}
	next := first.As4()
	next[2]++
	return netip.AddrFrom4(next), nil
}

// Close kills what runs in the lab and removes it.
func (l *Lab) Close() error {
	defer l.name.release()
	if l.file == "" {
		return nil
	}
	defer os.RemoveAll(filepath.Dir(l.file))
	if err := l.killAll(); err != nil {
		return err
	}
	_, err := l.script("down")
	return err
}

// Addr returns the address by which the other hosts know host. For one behind a NAT that is its router's.
// A host that the lab does not have is a mistake in the test, and a panic.
func (l *Lab) Addr(host string) netip.Addr {
	number, _ := strings.CutPrefix(host, "h")
	i, err := strconv.Atoi(number)
	if err != nil || i < 1 || i > l.opts.Hosts {
		panic(fmt.Sprintf("netlab: no host %q among %d", host, l.opts.Hosts))
	}
	a, _ := l.opts.addr(i)
	return a
}

// Command is exec.CommandContext for a host: "h1", a NAT router "r3", or "router".
func (l *Lab) Command(ctx context.Context, host, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", slices.Concat([]string{"netns", "exec", l.namespace(host), name}, args)...)
}

// Start starts a program on a host; it ends with ctx, or with the lab.
func (l *Lab) Start(ctx context.Context, host, name string, args ...string) (*process.Process, error) {
	return process.Start(l.Command(ctx, host, name, args...))
}

// Cut takes a host's link down.
func (l *Lab) Cut(host string) error { return l.order("cut", host) }

// Heal takes a host's link up again.
func (l *Lab) Heal(host string) error { return l.order("heal", host) }

// Rate changes what a host may send from now on: "10mbit".
func (l *Lab) Rate(host, rate string) error { return l.order("rate", host, rate) }

// Bytes returns what a host sent and received on its link, Ethernet headers included. For "router" they are what
// went towards the first and the second LAN.
func (l *Lab) Bytes(host string) (sent, received int64, err error) {
	out, err := l.script("bytes", host)
	if err != nil {
		return 0, 0, err
	}
	_, err = fmt.Sscan(out, &sent, &received)
	return sent, received, err
}

func (l *Lab) namespace(host string) string { return l.name.text + "-" + host }

func (l *Lab) order(words ...string) error {
	_, err := l.script(words...)
	return err
}

// script runs one command of the script and returns what it printed.
func (l *Lab) script(words ...string) (string, error) {
	cmd := exec.Command(l.file, words...)
	cmd.Env = append(os.Environ(), "NETLAB="+l.name.text, "NETLAB_SUBNET="+l.opts.Subnet)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("netlab %s: %w: %s", strings.Join(words, " "), err, out)
	}
	return string(out), nil
}
