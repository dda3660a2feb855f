package lan

import (
	"time"
)

// When what is sent, in the manner of RFC 6762, §§5.2, 6 and 8.3. Nobody asks again once started:
// each peer repeats itself every beat instead, so that n peers cost n packets a beat and not n².
const (
	beat        = time.Minute
	bursts      = 3                      // questions and announcements at the start, or after a change
	burstGap    = time.Second            // after the first of them; then twice that
	answerGap   = time.Second            // between two answers on one interface, however many ask
	answerDelay = 100 * time.Millisecond // the longest before an answer, so that not all speak at once
)

// schedule decides what to send and when. It is pure: its owner passes the time.
type schedule struct {
	announceAt time.Time
	announces  int // left of the burst
	queryAt    time.Time
	queries    int               // left of the burst; after them no more are due
	answerAt   map[int]time.Time // by interface
	answered   map[int]time.Time
}

// due is what to send now.
type due struct {
	announce bool  // on every interface
	query    bool  // on every interface
	answer   []int // the interfaces to answer on
}

// restart begins a new burst: this peer has just come, or its addresses or interfaces have changed.
func (s *schedule) restart(now time.Time) {
	s.announceAt, s.announces = now, bursts
	s.queryAt, s.queries = now, bursts
	s.answerAt, s.answered = make(map[int]time.Time), make(map[int]time.Time)
}

// question notes that somebody asked on an interface. jitter is from 0 to answerDelay.
func (s *schedule) question(now time.Time, iface int, jitter time.Duration) {
	if _, pending := s.answerAt[iface]; pending {
		return
	}
	at := now.Add(jitter)
	if earliest := s.answered[iface].Add(answerGap); at.Before(earliest) {
		at = earliest
	}
	s.answerAt[iface] = at
}

// step returns what is due at now, and when to ask again.
func (s *schedule) step(now time.Time) (d due, next time.Time) {
	if !s.announceAt.After(now) {
		d.announce = true
		s.announceAt, s.announces = now.Add(gap(s.announces)), s.announces-1
	}
	next = s.announceAt
	if s.queries > 0 {
		if !s.queryAt.After(now) {
			d.query = true
			s.queryAt, s.queries = now.Add(gap(s.queries)), s.queries-1
		}
		if s.queries > 0 && s.queryAt.Before(next) {
			next = s.queryAt
		}
	}
	for iface, at := range s.answerAt {
		switch {
		case !at.After(now):
			delete(s.answerAt, iface)
			s.answered[iface] = now
			if !d.announce {
				d.answer = append(d.answer, iface)
			}
		case at.Before(next):
			next = at
		}
	}
	return d, next
}

// gap returns the time after a packet when left, this one included, are left of its burst.
func gap(left int) time.Duration {
	if left <= 1 {
		return beat
	}
	return burstGap << (bursts - left)
}
