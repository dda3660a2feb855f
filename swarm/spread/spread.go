// Package spread decides whom a holder sends each leaf first.
//
// Several wanters that choose on their own ask the only holder of a root for many leaves twice before it has sent
// all of them once, and its uplink is what everybody waits for. So the holder says which leaves to ask for: each leaf
// to one wanter, who passes it on. BitTorrent's super-seeding (BEP 16) has the same aim and lets a peer wait until
// what it got has been seen elsewhere; here the uplink never waits. The next first copy goes to the wanter with the
// fewest that nobody else has been seen with: who passes on much gets much, and who passes on nothing soon gets no
// more.
//
// It is pure: no clock, no randomness but the one given, no streams. It is not safe for concurrent use.
//
// Start reading at Suggest.
package spread

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/seed4134be55/peer/contentaddr/bitfield"
)

const (
	// pieceBytes is up to how many bytes neighbours are suggested together.
	pieceBytes = 1 << 20
	// ahead is how many bytes of first copies a wanter may keep to itself beyond what most do: what is on its way
	// to the others. One that has not passed on as much yet may keep untried and what it passed on.
	ahead, untried = 2 << 20, 1 << 20
	// busy is how many bytes, suggested and not sent, keep the uplink busy.
	busy = 3 << 20
	// lateAfter is how long the last leaves may take, at least, before others than those they were suggested to may
	// ask for them; latePaces is the same in what a leaf took so far.
	lateAfter, latePaces = 2 * time.Second, 4
	// takeAfter is how long a wanter may leave unasked what it was suggested.
	takeAfter = 2 * time.Second
	// endsWithin is how long it is waited at the end, at least, for what is under way, whatever moves meanwhile.
	endsWithin = 10 * time.Second
	// believed is how many wanters must say that they have a leaf which we sent to nobody before it counts as sent: one
	// that lies is not enough. Who can get it elsewhere declines it.
	believed = 2
	// keepAfter is how long nothing may be sent or passed on, in the end, before what one alone has counts as unsent;
	// keepPaces is the same in what a leaf took so far.
	keepAfter, keepPaces = 500 * time.Millisecond, 4
	// passWithin and passPaces are how long it may take until the first of what a wanter was sent is seen with another.
	passWithin, passPaces = 2 * time.Second, 16
)

// A ClientID names a wanter. It is the caller's choice.
type ClientID int

// A Suggestion is what to tell a wanter.
type Suggestion struct {
	Client ClientID
	Leaves []int // to ask for, beyond those suggested before
	Only   bool  // the holder answers no other requests by index for now
}

// A Spread knows which leaves of a root have left this holder, and to whom.
type Spread struct {
	size   func(i int) uint32
	rand   *rand.Rand
	unsent *bitfield.Bitfield // nobody is known to have them or to be about to get them from us
	lost   map[int]bool       // we have them no more
	owners []*client          // of each leaf, whose first copy it is; nil: nobody's
	copies []int32            // of each leaf, how many wanters have it
	by     map[ClientID]*client
	order  []*client // as they came: maps have no order, and runs must repeat
	only   bool
	begun  bool          // wanters were once to ask only for what they were suggested
	moved  time.Time     // when a first copy last was sent or seen to be passed on, or suggestions began
	passed bool          // one was since Suggest was last called
	last   time.Time     // when a first copy last was sent
	pace   time.Duration // between two such times, smoothed
	ends   time.Time     // until when what is under way is waited for; zero: there is something left to suggest first
}

// client is one wanter.
type client struct {
	id      ClientID
	near    bool // on our LAN
	has     *bitfield.Bitfield
	first   *bitfield.Bitfield // their first copies are its, and nobody else is known to have them
	sent    *bitfield.Bitfield // of these, those that it was sent; others it was suggested, or has asked for
	takes   *bitfield.Bitfield // it has not refused them and does not have them
	asked   *bitfield.Bitfield // of first, those that it asked for
	pending int                // bytes of first copies that it may ask for and has not been sent
	alone   int                // bytes of those it was sent and nobody else is known to have
	passed  int                // bytes that it was sent and others have now
	kept    int                // bytes that it was sent and did not pass on in time
	since   time.Time          // when it was sent its first one; zero: it was sent none
	only    bool               // what it was told
	found   []int              // to suggest
	told    []told             // what it was suggested, oldest first, of which those that it asked for are forgotten
	idle    bool               // it let the time pass, and has neither asked for anything since nor got it
}

// told is a leaf that a wanter was told of.
type told struct {
	leaf int
	at   time.Time
}

// New returns a Spread of a root with that many leaves, none of which has been sent. size returns the bytes of one.
func New(leaves int, size func(i int) uint32, r *rand.Rand) *Spread {
	return &Spread{
		size: size, rand: r, unsent: bitfield.Full(leaves), lost: make(map[int]bool), by: make(map[ClientID]*client),
		owners: make([]*client, leaves), copies: make([]int32, leaves),
	}
}

// Cost returns the bytes of memory that a wanter takes.
func (s *Spread) Cost() int { return 5*s.unsent.Len()/8 + 256 }

// Join adds a wanter.
func (s *Spread) Join(id ClientID) {
	if s.by[id] == nil {
		n := s.unsent.Len()
		c := &client{
			id: id, has: bitfield.New(n), first: bitfield.New(n), sent: bitfield.New(n), takes: bitfield.Full(n),
			asked: bitfield.New(n),
		}
		s.by[id] = c
		s.order = append(s.order, c)
	}
}

// Near says that a wanter is on our LAN, to which others are not, or that there is no difference. First copies go to those
// that are, as long as they pass them on: to the others they then go from any of them, and none comes back over the
// router.
func (s *Spread) Near(id ClientID) {
	if c := s.by[id]; c != nil {
		c.near = true
	}
}

// Leave forgets a wanter. What it alone had, or was to get, counts as not sent.
func (s *Spread) Leave(id ClientID) {
	c := s.by[id]
	if c == nil {
		return
	}
	delete(s.by, id)
	s.order = slices.DeleteFunc(s.order, func(o *client) bool { return o == c })
	for i := range c.has.All() {
		s.copies[i]--
	}
	for i := range c.first.All() {
		s.owners[i] = nil
		s.free(i)
	}
	for i := range c.has.All() {
		if s.copies[i] == 0 {
			s.free(i)
		}
	}
}

// owner returns the wanter whose first copy leaf i is, or nil.
func (s *Spread) owner(i int) *client { return s.owners[i] }

// disown takes the first copy of leaf i from c.
func (s *Spread) disown(c *client, i int) {
	c.first.Clear(i)
	c.asked.Clear(i)
	s.owners[i] = nil
	if c.sent.Clear(i) {
		c.alone -= int(s.size(i))
	} else {
		c.pending -= int(s.size(i))
	}
}

// free makes leaf i one that may be suggested, unless wanters have it or one gets it.
func (s *Spread) free(i int) {
	if s.owner(i) == nil && !s.lost[i] && s.copies[i] < believed {
		s.unsent.Set(i)
	}
}

// heldBeside tells whether a wanter other than c has leaf i.
func (s *Spread) heldBeside(c *client, i int) bool {
	return s.copies[i] > 1 || s.copies[i] == 1 && !c.has.Has(i)
}

// Has says that a wanter has these leaves, from wherever. Those that do not exist are ignored.
func (s *Spread) Has(id ClientID, first, count int) {
	c := s.by[id]
	if c == nil || first >= s.unsent.Len() {
		return
	}
	for i := first; i < first+min(count, s.unsent.Len()-first); i++ {
		if c.has.Set(i) {
			s.copies[i]++
			c.idle = false
			s.seen(c, i)
		}
	}
}

// seen notes that c has leaf i.
func (s *Spread) seen(c *client, i int) {
	if c.takes.Clear(i); s.copies[i] >= believed {
		s.unsent.Clear(i)
	}
	o := s.owner(i)
	switch {
	case o == nil:
	case o == c && !o.sent.Has(i): // it came from elsewhere
		s.disown(o, i)
	case o.sent.Has(i) && o.has.Has(i) && s.heldBeside(o, i): // it has been passed on, which takes having it
		s.disown(o, i)
		s.passed = true
		o.passed += int(s.size(i))
	}
}

// Asked says that a wanter asks for leaf i, and tells whether it is to be sent: no, if there are leaves to be sent
// first and this one is another's, or nobody's yet and the wanter, which has not heard that it is to wait for
// suggestions, has enough to come.
func (s *Spread) Asked(id ClientID, i int) bool {
	c := s.by[id]
	if c == nil {
		return true
	}
	c.idle = false
	if s.unsent.Has(i) {
		if len(s.order) > 1 && (s.only || !s.begun) && c.pending >= pieceBytes {
			return false
		}
		s.give(c, i)
	}
	if c.first.Has(i) {
		c.asked.Set(i)
		return true
	}
	return !s.only
}

// give makes the first copy of leaf i c's.
func (s *Spread) give(c *client, i int) {
	s.unsent.Clear(i)
	c.first.Set(i)
	s.owners[i] = c
	c.pending += int(s.size(i))
}

// Sent says that leaf i has been sent to a wanter at now.
func (s *Spread) Sent(now time.Time, id ClientID, i int) {
	c := s.by[id]
	if c == nil || !c.first.Has(i) || c.sent.Has(i) {
		return
	}
	if s.only && !s.last.IsZero() {
		s.pace += (now.Sub(s.last) - s.pace) / 8
	}
	s.moved, s.last = now, now
	if c.since.IsZero() {
		c.since = now
	}
	c.sent.Set(i)
	c.pending -= int(s.size(i))
	c.alone += int(s.size(i))
}

// Cancelled says that a wanter takes its request for leaf i back, or will not ask for it although it was suggested.
// It is not suggested that leaf again.
func (s *Spread) Cancelled(id ClientID, i int) {
	if c := s.by[id]; c != nil && i < s.unsent.Len() {
		c.takes.Clear(i)
		s.Rejected(id, i)
	}
}

// Rejected says that a wanter was refused leaf i, for now.
func (s *Spread) Rejected(id ClientID, i int) {
	if c := s.by[id]; c != nil && c.first.Has(i) && !c.sent.Has(i) {
		s.disown(c, i)
		s.free(i)
	}
}

// Passes tells whether a wanter is known to pass on what it is sent first, of which something is left.
func (s *Spread) Passes(id ClientID) bool {
	c := s.by[id]
	return s.only && c != nil && c.passed > 0
}

// Lost says that leaf i can be sent to nobody any more.
func (s *Spread) Lost(i int) {
	s.unsent.Clear(i)
	s.lost[i] = true
	if o := s.owner(i); o != nil {
		s.disown(o, i)
	}
}
