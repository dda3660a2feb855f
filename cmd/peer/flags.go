package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node"
	"github.com/seed4134be55/peer/node/api"
	"github.com/seed4134be55/peer/node/compare"
	"github.com/seed4134be55/peer/node/home"
	"github.com/seed4134be55/peer/reach"
)

// global holds the flags that every verb takes.
type global struct {
	json bool
	home string
	api.Options
}

func (g *global) register(root *cobra.Command) {
	f := root.PersistentFlags()
	g.Reach = reach.Internet.String()
	f.BoolVar(&g.json, "json", false, "print one JSON object a line")
	f.StringVar(&g.home, "home", "", "`DIR` that holds this peer (default "+home.DefaultDir()+")")
	f.Var(reachFlag{&g.Reach}, api.OptReach, "how far to go: loopback, lan or internet")
	f.Var(networkFlag{&g.Network}, api.OptNetwork, "`NAME` of a private world of peers")
	f.Var(wordsFlag{&g.Modes, checkMode}, api.OptModes, "`MODES` of discovery, with commas between, or none")
	f.Var(wordsFlag{&g.Set, checkSetting}, api.OptSet, "`MODE.NAME=VALUE`, a parameter of an overlay (chord.successors=20); may be repeated")
	f.Var(rateFlag{&g.LimitUp}, api.OptLimitUp, "send at most `RATE` (10MB, 1MiB/s, 20Mbit; 0: no limit)")
	f.Var(rateFlag{&g.LimitDown}, api.OptLimitDown, "receive at most `RATE`")
	f.Var(peersFlag{&g.MaxPeers}, api.OptMaxPeers, "be connected to at most `N` peers at once to fetch and serve (default "+strconv.Itoa(api.DefaultMaxPeers)+")")
	f.BoolVar(&g.LANFirst, api.OptLANFirst, true, "what a peer of this LAN has does not come from outside it")
	f.Var(wordsFlag{&g.Bootstrap, checkBootstrap}, api.OptBootstrap, "`ADDR` of a peer to meet first, with /p2p/ID, or none; may be repeated")
	complete(root, api.OptReach, "loopback", "lan", "internet")
	complete(root, api.OptModes, append(node.Modes(), "none")...)
}

// complete has the shell offer words for a flag's value.
func complete(c *cobra.Command, flag string, words ...string) {
	// The error says that the flag does not exist; it does, a line above each call.
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// noFiles has the shell offer nothing for a verb's operands.
var noFiles = cobra.NoFileCompletions

type reachFlag struct{ word *string }

func (f reachFlag) String() string { return deref(f.word) }
func (f reachFlag) Type() string   { return "REACH" }
func (f reachFlag) Set(s string) error {
	r, err := reach.Parse(s)
	if err != nil {
		return fault.New(fault.BadInput, "want loopback, lan or internet") // s is in what pflag says
	}
	*f.word = r.String()
	return nil
}

// networkFlag takes what can stand in a protocol's name and in a DNS label with a prefix.
type networkFlag struct{ name *string }

func (f networkFlag) String() string { return deref(f.name) }
func (f networkFlag) Type() string   { return "NAME" }
func (f networkFlag) Set(s string) error {
	if len(s) > 32 || !isWord(s) {
		return fault.New(fault.BadInput, "want 1 to 32 of a-z, 0-9 and -")
	}
	if s == api.CommonNetwork {
		s = ""
	}
	*f.name = s
	return nil
}

// isWord reports whether s is not empty and of a-z, 0-9 and, inside, dashes.
func isWord(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && strings.Trim(s, "-") == s
}

// wordsFlag is a list: words with commas between, and each further time that it is given adds to it.
type wordsFlag struct {
	words *[]string
	check func(string) error
}

func (f wordsFlag) String() string {
	if f.words == nil {
		return ""
	}
	return strings.Join(*f.words, ",")
}
func (f wordsFlag) Type() string { return "WORDS" }
func (f wordsFlag) Set(s string) error {
	for _, word := range strings.Split(s, ",") {
		word = strings.TrimSpace(word)
		if err := f.check(word); err != nil {
			return err
		}
		*f.words = append(*f.words, word)
	}
	return nil
}

func checkMode(s string) error {
	if s == "none" {
		return nil
	}
	if err := node.CheckMode(s); err != nil {
		return fmt.Errorf("%w, or none", err)
	}
	return nil
}

func checkSetting(s string) error {
	_, err := compare.ParseSetting(s)
	return err
}

// modeFlag is one mode.
type modeFlag struct{ word *string }

func (f modeFlag) String() string { return deref(f.word) }
func (f modeFlag) Type() string   { return "MODE" }
func (f modeFlag) Set(s string) error {
	*f.word = s
	return node.CheckMode(s)
}

func checkBootstrap(s string) error {
	if s == "none" {
		return nil
	}
	if _, err := peer.AddrInfoFromString(s); err != nil {
		return fault.New(fault.BadInput, "want an address such as /ip4/192.0.2.1/tcp/4001/p2p/12D3Koo…: %w", err)
	}
	return nil
}

type rateFlag struct{ bytesPerSecond *int64 }

func (f rateFlag) String() string {
	if f.bytesPerSecond == nil || *f.bytesPerSecond == 0 {
		return "0"
	}
	return formatBytes(*f.bytesPerSecond) + "/s"
}
func (f rateFlag) Type() string { return "RATE" }
func (f rateFlag) Set(s string) (err error) {
	*f.bytesPerSecond, err = parseRate(s)
	return err
}

type peersFlag struct{ n *int }

func (f peersFlag) String() string {
	if f.n == nil || *f.n == 0 {
		return "" // the default, which the usage names
	}
	return strconv.Itoa(*f.n)
}
func (f peersFlag) Type() string { return "N" }
func (f peersFlag) Set(s string) error {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 1 || n > api.MaxMaxPeers {
		return fault.New(fault.BadInput, "want a number of peers from 1 to %d", api.MaxMaxPeers)
	}
	*f.n = n
	return nil
}

// timeoutFlag is a duration; a bare number is seconds.
type timeoutFlag struct{ d *time.Duration }

func (f timeoutFlag) String() string {
	if f.d == nil {
		return "0s"
	}
	return f.d.String()
}
func (f timeoutFlag) Type() string { return "TIME" }
func (f timeoutFlag) Set(s string) error {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		s += "s"
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return fault.New(fault.BadInput, "want a time such as 30s or 5m, or 0 for ever")
	}
	*f.d = d
	return nil
}

// defaultTimeout is how long a verb looks for content that nobody seems to have.
const defaultTimeout = time.Minute

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func addTimeout(c *cobra.Command, d *time.Duration) {
	*d = defaultTimeout
	c.Flags().Var(timeoutFlag{d}, "timeout", "give up after `TIME` without anybody who has it (0: never)")
}
