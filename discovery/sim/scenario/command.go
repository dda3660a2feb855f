package scenario

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

func (s *stage) trace(words []string) error {
	i := -1
	if len(words) == 1 {
		i = slices.Index([]string{"off", "on", "messages"}, words[0])
	}
	if i < 0 {
		return wrong("want on, messages or off")
	}
	s.words, s.messages = i > 0, i > 1
	return nil
}

func (s *stage) join(words []string) error {
	n := 1
	var through []int
	for _, w := range words {
		names, ok := strings.CutPrefix(w, "through=")
		var err error
		if ok {
			through, err = s.some(strings.Split(names, ","))
		} else if n, err = strconv.Atoi(w); err != nil || n < 1 {
			err = wrong("%s: want a number", w)
		}
		if err != nil {
			return err
		}
	}
	first := s.sim.Peers()
	for range n {
		if len(through) > 0 {
			s.sim.JoinThrough(through...)
		} else {
			s.sim.Join()
		}
	}
	s.name()
	for p := first; p < s.sim.Peers(); p++ {
		s.say("p%d 0x%s", p, s.sim.Ref(p).ID.Short())
	}
	return nil
}

func (s *stage) leave(words []string) error { return s.each(words, s.sim.Leave) }
func (s *stage) crash(words []string) error { return s.each(words, s.sim.Crash) }

func (s *stage) each(words []string, do func(int)) error {
	peers, err := s.some(words)
	for _, p := range peers {
		do(p)
	}
	return err
}

func (s *stage) fail(words []string) error {
	share, err := strconv.ParseFloat(strings.Join(words, " "), 64)
	if err != nil || !(share >= 0 && share <= 1) {
		return wrong("want a share, such as 0.3")
	}
	var gone []string
	for _, p := range s.sim.CrashShare(share) {
		gone = append(gone, s.sim.Ref(p).String())
	}
	s.say("crashed: %s", strings.Join(gone, " "))
	return nil
}

func (s *stage) run(words []string) error {
	d, err := time.ParseDuration(strings.Join(words, " "))
	if err != nil || d < 0 {
		return wrong("want a time, such as 30s")
	}
	s.sim.Run(d)
	return nil
}

func (s *stage) partition(words []string) error {
	off, err := s.some(words)
	if err != nil {
		return err
	}
	s.sim.Partition(func(peer int) int {
		if slices.Contains(off, peer) {
			return 1
		}
		return 0
	})
	return nil
}

func (s *stage) heal([]string) error { s.sim.Heal(); return nil }

func (s *stage) meet(words []string) error {
	peers, err := s.some(words)
	if err == nil && len(peers) != 2 {
		err = wrong("want two peers")
	}
	if err == nil {
		s.sim.Meet(peers[0], peers[1])
	}
	return err
}

func (s *stage) freeze([]string) error { s.sim.Freeze(true); return nil }
func (s *stage) thaw([]string) error   { s.sim.Freeze(false); return nil }

func (s *stage) show(words []string) error {
	peers, err := s.some(words)
	if len(words) == 0 {
		peers = s.sim.Live()
	}
	for _, p := range peers {
		for _, n := range s.sim.Nodes(p) {
			if m := s.sim.MachineOf(n); m != nil {
				s.say("%v: %s", n, strings.TrimSpace(m.String()))
			} else {
				s.say("%v: is dead", n)
			}
		}
	}
	return err
}

func (s *stage) route(words []string) error {
	return s.operate(words, 2, overlay.Route)
}

func (s *stage) find(words []string) error { return s.operate(words, 2, overlay.Find) }

func (s *stage) publish(words []string) error { return s.operate(words, 3, overlay.Publish) }

// operate runs an operation and prints its way and how it ended.
func (s *stage) operate(words []string, want int, kind overlay.OpKind) error {
	if len(words) != want {
		return wrong("want %d words", want)
	}
	at, err := s.some(words[:1])
	if err != nil {
		return err
	}
	op := overlay.Op{Kind: kind}
	if op.Key, err = key(words[1]); err != nil {
		return err
	}
	if kind == overlay.Publish {
		op.Record = s.sim.Record(at[0], op.Key, overlay.Value, time.Hour, []byte(words[2]))
	}
	s.tell(at[0], s.sim.Do(at[0], op))
	return nil
}

func (s *stage) tell(at int, r *overlay.Result) {
	way := []string{s.sim.Ref(at).String()}
	for _, h := range r.Path {
		way = append(way, h.Node.String())
	}
	s.say("%s, %d hops, %d timeouts", strings.Join(way, " → "), r.Hops(), r.Timeouts)
	var owners []string
	for _, o := range r.Owners {
		owners = append(owners, o.String())
	}
	if len(owners) > 0 {
		s.say("responsible: %s", strings.Join(owners, " "))
	}
	for _, rec := range r.Records {
		s.say("found %q", rec.Payload)
	}
	if r.Err != nil {
		s.say("error: %v", r.Err)
	}
}

// key is the key of a word, or the one whose first digits it names.
func key(word string) (k overlay.Key, err error) {
	digits, ok := strings.CutPrefix(word, "0x")
	if !ok {
		return overlay.KeyOf(word), nil
	}
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) > len(k) {
		return k, wrong("%s: want an even number of hexadecimal digits, up to %d", word, 2*len(k))
	}
	copy(k[:], b)
	return k, nil
}
