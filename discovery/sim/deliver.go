package sim

import (
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// How long it takes to notice that there is nobody, where the machine does not say.
const (
	probeDeadline = 5 * time.Second // of a probe
	sendDeadline  = 5 * time.Second // of a message that expects no answer: what dialling in vain takes
)

// A letter is a message on its way.
type letter struct {
	msg      overlay.Message // nil: a probe or its answer
	from, to uint32
	cause    overlay.OpID
	question overlay.ReplyTo // that it asks or answers
	size     uint32
	what     letterKind
}

type letterKind uint8

const (
	isMessage letterKind = iota
	isQuestion
	isAnswer
	isProbe
	isEcho
	isReturned // a message that found nobody, on its way back to tell so
)

// An ask is a question that was asked and not answered yet.
type ask struct {
	tag      overlay.Tag
	sent     overlay.Time
	cause    overlay.OpID
	from, to uint32
	probe    bool
	answered bool // the answer is on its way, or lost
}

// send puts a letter on its way. Between the nodes of one peer it takes no time and no bytes.
func (s *Sim) send(l letter) {
	if int(l.to) >= len(s.nodes) {
		panic("a message to nobody: a machine took a Ref from nowhere")
	}
	if !s.measure(&l) {
		return
	}
	a, b := s.peerOf(l.from), s.peerOf(l.to)
	after := time.Duration(0)
	if a != b {
		s.stats.count(&l)
		if s.cfg.Loss > 0 && s.network.Float64() < s.cfg.Loss {
			return
		}
		after = s.cfg.Latency.OneWay(a, b, s.network)
	}
	s.post(l, after)
}

func (s *Sim) post(l letter, after time.Duration) {
	at, _ := s.letters.add(l)
	s.queue.push(event{at: s.now.Add(after), what: letterArrives, a: at})
}

// measure notes a letter's size. It reports whether the letter could be sent: a message that is too long cannot, and in
// Check mode none that is not understood. What arrives is then what was decoded.
func (s *Sim) measure(l *letter) bool {
	if l.msg == nil {
		return true
	}
	n := overlay.Size(l.msg, &s.book)
	l.size = uint32(n)
	if n > overlay.MaxMessage {
		s.reject(errTooLong)
		return false
	}
	if !s.cfg.Check {
		return true
	}
	msg, err := s.transcribe(l.msg, n)
	if err != nil {
		s.reject(err)
		s.ignore(s.peerOf(l.from), s.peerOf(l.to))
		return false
	}
	l.msg = msg
	return true
}

func (s *Sim) ask(l letter, tag overlay.Tag, deadline time.Duration) {
	at, gen := s.asks.add(ask{tag: tag, sent: s.now, cause: l.cause, from: l.from, to: l.to, probe: l.what == isProbe})
	l.question = replyTo(at, gen)
	s.queue.push(event{at: s.now.Add(deadline), what: deadlinePasses, a: at, b: gen})
	s.send(l)
}

// replyTo is the number of a question: never 0, and not used again for long.
func replyTo(at, generation uint32) overlay.ReplyTo {
	return overlay.ReplyTo(uint64(generation)<<32 | uint64(at) + 1)
}

// waiting returns a question that still waits for its answer, or nil.
func (s *Sim) waiting(r overlay.ReplyTo) *ask { return s.asks.get(uint32(r)-1, uint32(r>>32)) }

// reply sends an answer, unless the question is not this node's, was answered or waits no more.
func (s *Sim) reply(n uint32, to overlay.ReplyTo, msg overlay.Message) {
	q := s.waiting(to)
	if q == nil || q.to != n || q.answered || q.probe {
		return
	}
	q.answered = true
	s.send(letter{msg: msg, from: n, to: q.from, cause: q.cause, question: to, what: isAnswer})
}

// deliver hands a letter to its node.
func (s *Sim) deliver(l letter) {
	if s.nodes[l.to].machine == nil || s.parted(l.from, l.to) || s.ignores(l.from, l.to) {
		s.undeliverable(l)
		return
	}
	d := delivery{from: l.from, size: int(l.size), cause: l.cause}
	if l.msg != nil {
		d.kind = l.msg.Kind()
	}
	switch l.what {
	case isProbe:
		s.send(letter{from: l.to, to: l.from, cause: l.cause, question: l.question, what: isEcho})
	case isAnswer, isEcho:
		s.answered(l, d)
	case isReturned:
		d.what = eventUnreachable
		s.step(l.to, overlay.Unreachable{Node: s.refs[l.from]}, d)
	default:
		d.what = eventReceived
		s.step(l.to, overlay.Received{From: s.refs[l.from], Msg: l.msg, Reply: l.question}, d)
	}
}

func (s *Sim) answered(l letter, d delivery) {
	q := s.waiting(l.question)
	if q == nil {
		return // too late
	}
	tag, took := q.tag, s.now.Sub(q.sent)
	s.asks.drop(uint32(l.question) - 1)
	from := s.refs[l.from]
	if l.what == isEcho {
		d.what = eventRoundTrip
		s.step(l.to, overlay.RoundTrip{Node: from, Took: took}, d)
		return
	}
	d.what = eventAnswered
	s.step(l.to, overlay.Answered{From: from, Tag: tag, Msg: l.msg, Took: took}, d)
}

// undeliverable has the sender of a message without an answer notice. Questions have their deadline.
func (s *Sim) undeliverable(l letter) {
	if l.what == isMessage {
		s.post(letter{from: l.to, to: l.from, cause: l.cause, what: isReturned}, sendDeadline)
	}
}

// deadline gives up a question that was not answered.
func (s *Sim) deadline(at, generation uint32) {
	if s.asks.get(at, generation) == nil {
		return
	}
	q := s.asks.drop(at)
	if s.nodes[q.from].machine != nil {
		d := delivery{what: eventUnreachable, from: q.to, cause: q.cause}
		s.step(q.from, overlay.Unreachable{Node: s.refs[q.to], Tag: q.tag}, d)
	}
}
