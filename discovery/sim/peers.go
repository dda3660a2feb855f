package sim

import (
	"cmp"
	"slices"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// A node is one of a peer's virtual nodes: peer i has the nodes from i*virtual on, which crash and leave together.
type node struct {
	machine overlay.Machine // nil: it is dead
	timers  []timer
	stamps  uint32
}

// add makes a peer whose machines have not started, and returns its number.
func (s *Sim) add() int {
	p := len(s.place)
	id := s.peerID(p)
	for v := range s.virtual {
		n := len(s.nodes)
		ref := overlay.Ref{ID: overlay.PeerKey(id, uint8(v)), Handle: overlay.Handle(n + 1)}
		s.refs = append(s.refs, ref)
		s.nodes = append(s.nodes, node{machine: s.cfg.Protocol.New(ref, s.random(streamNode, uint64(n)))})
	}
	s.place = append(s.place, int32(len(s.live)))
	s.live = append(s.live, uint32(p))
	if s.side != nil {
		s.sides = append(s.sides, int32(s.side(p)))
	}
	s.book.added(p, id)
	return p
}

// ordered returns the nodes from first on and their machines by id.
func (s *Sim) ordered(first int) ([]overlay.Ref, []overlay.Machine) {
	refs := slices.Clone(s.refs[first:])
	slices.SortFunc(refs, func(a, b overlay.Ref) int { return cmp.Or(a.ID.Compare(b.ID), cmp.Compare(a.Handle, b.Handle)) })
	machines := make([]overlay.Machine, len(refs))
	for i, r := range refs {
		machines[i] = s.nodes[index(r)].machine
	}
	return refs, machines
}

func (s *Sim) peerOf(n uint32) int { return int(n) / s.virtual }

// distance is the round trip time between the peers of two nodes.
func (s *Sim) distance(a, b overlay.Ref) time.Duration {
	p, q := s.peerOf(index(a)), s.peerOf(index(b))
	if p == q {
		return 0
	}
	return s.cfg.Latency.RoundTrip(p, q)
}

// Join adds a peer that joins through a random live one, or is the first, and returns its number. Numbers are given in
// order from 0 and never again.
func (s *Sim) Join() int {
	if len(s.live) == 0 {
		return s.JoinThrough()
	}
	return s.JoinThrough(s.Random())
}

// JoinThrough adds a peer that knows others, alive or not: those that it may join through.
func (s *Sim) JoinThrough(known ...int) int {
	var refs []overlay.Ref
	for _, k := range known {
		refs = append(refs, s.Ref(k))
	}
	p := s.add()
	for v := range s.virtual {
		s.step(uint32(p*s.virtual+v), overlay.Start{Known: refs}, delivery{what: eventStart})
		refs = append(refs, s.refs[p*s.virtual+v])
	}
	return p
}

// Grow lets n peers join, one and then a while until the next.
func (s *Sim) Grow(n int, every time.Duration) {
	for range n {
		s.Join()
		s.Run(every)
	}
}

// Meet tells a peer's nodes of another, as mDNS would.
func (s *Sim) Meet(peer, other int) {
	for _, n := range s.numbers(peer) {
		if s.nodes[n].machine != nil {
			s.step(n, overlay.Met{Node: s.Ref(other)}, delivery{what: eventMet, from: uint32(other * s.virtual)})
		}
	}
}

// Leave has a peer say goodbye and go. What it says is sent; of what it asks it hears no answer.
func (s *Sim) Leave(peer int) {
	for _, n := range s.numbers(peer) {
		if s.nodes[n].machine != nil {
			s.step(n, overlay.Stop{}, delivery{what: eventStop})
		}
	}
	s.Crash(peer)
}

// Crash ends a peer without a word. Its operations fail.
func (s *Sim) Crash(peer int) {
	at := s.place[peer]
	if at < 0 {
		return
	}
	last := s.live[len(s.live)-1]
	s.live[at], s.place[last] = last, at
	s.live, s.place[peer] = s.live[:len(s.live)-1], -1
	for _, n := range s.numbers(peer) {
		s.nodes[n] = node{}
	}
	var gone []overlay.OpID
	for id, c := range s.calls {
		if s.peerOf(c.node) == peer {
			gone = append(gone, id)
		}
	}
	slices.Sort(gone)
	for _, id := range gone {
		s.done(id, &overlay.Result{Err: errGone})
	}
}

// CrashShare crashes that share of the live peers at once, and returns their numbers in order.
func (s *Sim) CrashShare(share float64) []int {
	victims := s.Live()
	n := int(share*float64(len(victims)) + 0.5)
	s.fate.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
	victims = victims[:n]
	slices.Sort(victims)
	for _, v := range victims {
		s.Crash(v)
	}
	return victims
}

// Alive reports whether a peer has neither left nor crashed.
func (s *Sim) Alive(peer int) bool { return s.place[peer] >= 0 }

// Peers returns how many peers there have been: numbers are below it.
func (s *Sim) Peers() int { return len(s.place) }

// Live returns the numbers of the live peers, in order.
func (s *Sim) Live() []int {
	live := make([]int, 0, len(s.live))
	for p, at := range s.place {
		if at >= 0 {
			live = append(live, p)
		}
	}
	return live
}

// Random returns the number of a random live peer. There must be one.
func (s *Sim) Random() int { return int(s.live[s.fate.IntN(len(s.live))]) }

// Ref returns the first node of a peer, dead or alive.
func (s *Sim) Ref(peer int) overlay.Ref { return s.refs[peer*s.virtual] }

// PeerOf returns the number of the peer whose node it is.
func (s *Sim) PeerOf(r overlay.Ref) int { return s.peerOf(index(r)) }

// Nodes returns all nodes of a peer.
func (s *Sim) Nodes(peer int) []overlay.Ref { return s.refs[peer*s.virtual:][:s.virtual] }

// Machine returns the machine of a peer's first node, to look at; nil once the peer is dead.
func (s *Sim) Machine(peer int) overlay.Machine { return s.nodes[peer*s.virtual].machine }

// MachineOf returns the machine of a node, to look at; nil once its peer is dead.
func (s *Sim) MachineOf(r overlay.Ref) overlay.Machine { return s.nodes[index(r)].machine }

func (s *Sim) numbers(peer int) []uint32 {
	ns := make([]uint32, s.virtual)
	for v := range ns {
		ns[v] = uint32(peer*s.virtual + v)
	}
	return ns
}

// Partition cuts the network: a message reaches only peers on the same side. side is asked once for each peer.
func (s *Sim) Partition(side func(peer int) int) {
	s.side, s.sides = side, make([]int32, len(s.place))
	for p := range s.sides {
		s.sides[p] = int32(side(p))
	}
}

// Heal makes the network whole again.
func (s *Sim) Heal() { s.side, s.sides = nil, nil }

func (s *Sim) parted(a, b uint32) bool {
	return s.side != nil && s.sides[s.peerOf(a)] != s.sides[s.peerOf(b)]
}
