package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed4134be55/peer/contentaddr/names"
	"github.com/seed4134be55/peer/fault"
)

// knownVerb refuses words that are no verb. Without words the root command prints its help.
func (p *program) knownVerb(_ *cobra.Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	return p.unknownVerb(words[0])
}

func (p *program) unknownVerb(word string) error {
	var verbs []string
	for _, c := range p.root.Commands() {
		if !c.Hidden {
			verbs = append(verbs, c.Name())
		}
		for _, other := range c.SuggestFor {
			if strings.EqualFold(other, word) {
				return fault.New(fault.BadInput, "unknown verb %s: did you mean `peer %s`?", names.Quote(word), c.Name())
			}
		}
	}
	if near := nearest(word, verbs); near != "" {
		return fault.New(fault.BadInput, "unknown verb %s: did you mean `peer %s`?", names.Quote(word), near)
	}
	return fault.New(fault.BadInput, "unknown verb %s: `peer help` lists them all", names.Quote(word))
}

// flagError explains what pflag could not parse.
func (p *program) flagError(c *cobra.Command, err error) error {
	if word := p.firstWord(); c == p.root && word != "" {
		return p.unknownVerb(word) // its flags are as unknown as itself
	}
	var missing *pflag.NotExistError
	if !errors.As(err, &missing) {
		return fault.New(fault.BadInput, "%w (see `%s --help`)", err, c.CommandPath())
	}
	if missing.GetSpecifiedShortnames() != "" {
		return fault.New(fault.BadInput, "unknown flag -%s: see `%s --help`", missing.GetSpecifiedName(), c.CommandPath())
	}
	var flags []string
	c.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
	if near := nearest(missing.GetSpecifiedName(), flags); near != "" {
		return fault.New(fault.BadInput, "unknown flag --%s: did you mean --%s?", missing.GetSpecifiedName(), near)
	}
	return fault.New(fault.BadInput, "unknown flag --%s: see `%s --help`", missing.GetSpecifiedName(), c.CommandPath())
}

// firstWord returns the first argument that is neither a flag nor the value of one.
func (p *program) firstWord() string {
	takesValue := false
	for _, arg := range p.args {
		switch {
		case takesValue:
			takesValue = false
		case !strings.HasPrefix(arg, "-"):
			return arg
		default:
			f := p.root.PersistentFlags().Lookup(strings.TrimLeft(arg, "-"))
			takesValue = f != nil && f.NoOptDefVal == ""
		}
	}
	return ""
}

// operands checks how many words follow a verb. what is their name in its usage line; most < 0 is no limit.
func operands(what string, least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, words []string) error {
		switch {
		case len(words) < least:
			return fault.New(fault.BadInput, "%s: which %s? (%s)", c.Name(), what, c.UseLine())
		case most == 0 && len(words) > 0:
			return fault.New(fault.BadInput, "%s: takes no operand, but got %s", c.Name(), names.Quote(words[0]))
		case most >= 0 && len(words) > most:
			return fault.New(fault.BadInput, "%s: takes one %s, but got %s as well (a name with spaces needs quotes)", c.Name(), what, names.Quote(words[most]))
		}
		return nil
	}
}

// nearest returns the candidate that word is most likely a slip of, or "".
func nearest(word string, candidates []string) string {
	best, bestDistance := "", 1+(len(word)+2)/4
	for _, c := range candidates {
		d := distance(strings.ToLower(word), c)
		if len(word) >= 3 && strings.HasPrefix(c, strings.ToLower(word)) {
			d = 0
		}
		if d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance counts the insertions, deletions and replacements that turn a into b (Levenshtein), and takes
// two neighbours that changed places for one.
func distance(a, b string) int {
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
