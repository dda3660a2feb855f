package api

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/seed4134be55/peer/fault"
)

// admit compares what a verb was told with what this process runs with. The error is of kind Refused and
// names every option that differs.
func (have Options) admit(want Options) error {
	var differ []string
	for _, name := range want.Said {
		h, w := have.text(name), want.text(name)
		if h != w {
			differ = append(differ, fmt.Sprintf("--%s is %s, not %s", name, h, w))
		}
	}
	if len(differ) == 0 {
		return nil
	}
	return fault.New(fault.Refused, "a peer already runs in this home (process %d) and %s: leave that out, stop that peer, or take another --home",
		os.Getpid(), strings.Join(differ, " and "))
}

// text returns the value of the option for people, such that equal values have equal texts.
func (o Options) text(name string) string {
	switch name {
	case OptReach:
		return o.Reach
	case OptNetwork:
		return orWord(o.Network, CommonNetwork)
	case OptModes:
		return orWord(set(o.Modes), "the default")
	case OptLimitUp:
		return rate(o.LimitUp)
	case OptLimitDown:
		return rate(o.LimitDown)
	case OptMaxPeers:
		return strconv.Itoa(cmp.Or(o.MaxPeers, DefaultMaxPeers))
	case OptLANFirst:
		return onOff(o.LANFirst)
	case OptBootstrap:
		return orWord(set(o.Bootstrap), "the default")
	case OptRelay:
		return onOff(o.Relay)
	case OptSet:
		return orWord(set(o.Set), "the default")
	}
	return "not known to it" // from a newer version
}

func onOff(on bool) string { return map[bool]string{true: "on", false: "off"}[on] }

func set(words []string) string {
	words = slices.Sorted(slices.Values(words))
	return strings.Join(slices.Compact(words), ",")
}

func orWord(s, word string) string {
	if s == "" {
		return word
	}
	return s
}

func rate(bytesPerSecond int64) string {
	if bytesPerSecond == 0 {
		return "none"
	}
	return fmt.Sprintf("%d bytes/s", bytesPerSecond)
}
