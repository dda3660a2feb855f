package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed4134be55/peer/discovery"
	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
)

// ability is what a verb asks of a mode. All that any of overlays has, and nobody else.
type ability[T any] struct {
	as   func(discovery.Mode) (T, error)
	what string // after "can" and "cannot"
}

var (
	routes = ability[discovery.Router]{discovery.AsRouter, "show the way of a lookup"}
	values = ability[discovery.ValueStore]{discovery.AsValueStore, "store values"}
)

// choose returns the mode of that name, or the first that runs and can if word is "", and says which it took.
func choose[T any](n *Node, can ability[T], word string, emit func(api.Event)) (able T, name string, err error) {
	m, err := n.modeFor(word, can.what, func(m discovery.Mode) bool { _, err := can.as(m); return err == nil })
	if err != nil {
		return able, "", err
	}
	emit(api.Event{Event: api.EventState, Message: "asking " + m.Name() + "…"})
	able, err = can.as(m)
	return able, m.Name(), err
}

func (n *Node) modeFor(word, what string, can func(discovery.Mode) bool) (discovery.Mode, error) {
	if word == "" {
		if i := slices.IndexFunc(n.modes, can); i >= 0 {
			return n.modes[i], nil
		}
		return nil, fault.New(fault.BadInput, "none of this peer's modes (%s) can %s: start it with --modes %s",
			n.modeWords(), what, n.withMode(overlays()[0].Name))
	}
	m, err := n.modeNamed(word)
	switch {
	case err != nil:
		return nil, err
	case !can(m):
		return nil, fault.New(fault.BadInput, "--mode %s: this mode cannot %s: choose one that can, such as %s", word, what, overlays()[0].Name)
	}
	return m, nil
}

// modeNamed returns the mode of that name.
func (n *Node) modeNamed(word string) (discovery.Mode, error) {
	if i := slices.IndexFunc(n.modes, func(m discovery.Mode) bool { return m.Name() == word }); i >= 0 {
		return n.modes[i], nil
	}
	if err := CheckMode(word); err != nil {
		return nil, fmt.Errorf("--mode: %w", err)
	}
	return nil, fault.New(fault.BadInput, "--mode %s: this peer runs with --modes %s: start it with --modes %s", word, n.modeWords(), n.withMode(word))
}

// How long a verb waits for the peer that was just started for it to meet others.
const (
	meetPatience = 8 * time.Second
	meetLook     = 100 * time.Millisecond
)

// meet waits until the peer is on the network and m knows another peer, if it was started just now, and says so if m
// then knows nobody.
func (n *Node) meet(ctx context.Context, m any, name string, emit func(api.Event)) error {
	if err := n.online(ctx); err != nil {
		return err
	}
	tables, ok := m.(interface{ Census() overlay.Census })
	if !ok {
		return nil
	}
	for tables.Census().Peers == 0 {
		if time.Since(n.started) > meetPatience {
			emit(api.Event{Event: api.EventWarning, Message: name + " has met no other peer that runs it, on this LAN or by --bootstrap ADDR: this peer is alone"})
			return nil
		}
		if !sleep(ctx, meetLook) {
			return ctx.Err()
		}
	}
	return nil
}

// modeWords lists the modes that run, as on the command line.
func (n *Node) modeWords() string {
	if len(n.modes) == 0 {
		return "none"
	}
	words := make([]string, len(n.modes))
	for i, m := range n.modes {
		words[i] = m.Name()
	}
	return strings.Join(words, ",")
}

// withMode is modeWords with one more.
func (n *Node) withMode(word string) string {
	if len(n.modes) == 0 {
		return word
	}
	return n.modeWords() + "," + word
}
