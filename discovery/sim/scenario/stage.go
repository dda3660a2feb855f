package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/discovery/sim"
	"github.com/seed4134be55/peer/fault"
)

// A stage is where a text is played.
type stage struct {
	make     Make
	sim      *sim.Sim
	said     strings.Builder
	words    bool              // what machines say is printed
	messages bool              // and every message
	names    map[string]string // of nodes, by the first digits of their ids
}

// verbs are the commands. Those before a network is made are in before.
var (
	before = map[string]func(*stage, []string) error{"network": (*stage).network, "trace": (*stage).trace}
	verbs  = map[string]func(*stage, []string) error{
		"join": (*stage).join, "leave": (*stage).leave, "crash": (*stage).crash, "fail": (*stage).fail, "run": (*stage).run,
		"partition": (*stage).partition, "heal": (*stage).heal, "meet": (*stage).meet, "freeze": (*stage).freeze,
		"thaw": (*stage).thaw, "route": (*stage).route, "publish": (*stage).publish, "find": (*stage).find,
		"show": (*stage).show, "peers": (*stage).peers,
	}
)

func (s *stage) command(words []string) error {
	do := before[words[0]]
	if do == nil {
		do = verbs[words[0]]
		switch {
		case do == nil:
			return wrong("there is no such command")
		case s.sim == nil:
			return wrong("there is no network yet")
		}
	}
	return do(s, words[1:])
}

func wrong(format string, args ...any) error { return fault.New(fault.BadInput, format, args...) }

// say prints lines, with nodes by their names.
func (s *stage) say(format string, args ...any) {
	text := shortID.ReplaceAllStringFunc(fmt.Sprintf(format, args...), func(id string) string {
		if name, ok := s.names[id]; ok {
			return name
		}
		return id
	})
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, " \n"); line != "" { // an empty one would end the block
			s.said.WriteString(line + "\n")
		}
	}
}

var shortID = regexp.MustCompile(`\b[0-9a-f]{8}\b`)

func (s *stage) network(words []string) (err error) {
	c := sim.Config{Seed: 1, Check: true, Observe: s.observe}
	var settings [][2]string
	for _, w := range words {
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			return wrong("%s: want NAME=VALUE", w)
		}
		switch name {
		case "peers":
			c.Peers, err = strconv.Atoi(value)
		case "seed":
			c.Seed, err = strconv.ParseUint(value, 10, 64)
		case "loss":
			c.Loss, err = strconv.ParseFloat(value, 64)
		case "latency":
			var d time.Duration
			d, err = time.ParseDuration(value)
			c.Latency = sim.Constant(d)
		default:
			settings = append(settings, [2]string{name, value})
		}
		if err != nil {
			return wrong("%s: %w", w, err)
		}
	}
	if c.Protocol, err = s.make(settings); err != nil {
		return err
	}
	if s.sim, err = sim.New(c); err != nil {
		return err
	}
	s.names = map[string]string{}
	s.sim.Fill()
	return s.peers(nil)
}

// name notes the names of peers that are new.
func (s *stage) name() {
	for p := range s.sim.Peers() {
		for v, n := range s.sim.Nodes(p) {
			name := fmt.Sprintf("p%d", p)
			if v > 0 {
				name += fmt.Sprintf(".%d", v)
			}
			s.names[n.ID.Short()] = name
		}
	}
}

// peers prints the nodes of who is alive, by id.
func (s *stage) peers([]string) error {
	s.name()
	var nodes []overlay.Ref
	for _, p := range s.sim.Live() {
		nodes = append(nodes, s.sim.Nodes(p)...)
	}
	slices.SortFunc(nodes, func(a, b overlay.Ref) int { return a.ID.Compare(b.ID) })
	var list []string
	for _, n := range nodes {
		list = append(list, fmt.Sprintf("%s 0x%s", s.names[n.ID.Short()], n.ID.Short()))
	}
	for row := range slices.Chunk(list, 6) {
		s.say("%s", strings.Join(row, "  "))
	}
	return nil
}

// some returns the numbers of peers by their names: of those that there have been.
func (s *stage) some(words []string) ([]int, error) {
	var peers []int
	for _, w := range words {
		number, ok := strings.CutPrefix(w, "p")
		p, err := strconv.Atoi(number)
		if !ok || err != nil || p < 0 || p >= s.sim.Peers() {
			return nil, wrong("%s: want a peer, p0 to p%d", w, s.sim.Peers()-1)
		}
		peers = append(peers, p)
	}
	return peers, nil
}

func (s *stage) observe(step sim.Step) {
	if s.messages {
		if m, ok := step.Event.(overlay.Received); ok {
			s.note("%v → %v %s", m.From, step.Node, typeName(m.Msg))
		}
	}
	for _, a := range step.Actions {
		if a.Do == overlay.DoTrace && s.words {
			s.note("%v %s%s", step.Node, a.Trace.What, about(a.Trace))
		}
	}
}

func about(t *overlay.Trace) (text string) {
	if t.Key != (overlay.Key{}) {
		text += " 0x" + t.Key.Short()
	}
	if !t.Node.IsZero() {
		text += " " + t.Node.String()
	}
	return text
}

func typeName(m overlay.Message) string {
	name := fmt.Sprintf("%T", m)
	return name[strings.LastIndexByte(name, '.')+1:]
}

// note prints a line with the time since the run began.
func (s *stage) note(format string, args ...any) {
	s.name()
	s.say("%8.3fs  %s", s.sim.Now().Sub(sim.Epoch).Seconds(), fmt.Sprintf(format, args...))
}
