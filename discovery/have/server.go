// Package have is the batched question "which of these CIDs do you have?", /peer/have/1.0.0.
//
// One stream is one question about up to 256 CIDs and its answer, a bitmap. It finds providers
// among peers that are already known; who those are is for others to say, and it moves no content.
// A yes is a claim like any other until a block arrives. Start reading at Server and Client; the
// bytes are in message.go.
package have

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// Protocol is spoken on a stream of its own for each question.
const Protocol protocol.ID = "/peer/have/1.0.0"

const (
	serveTimeout = 5 * time.Second // for one question to arrive and its answer to leave
	maxServing   = 64              // questions answered at a time; more are refused by a reset
)

// Server answers the question on a host.
type Server struct {
	host host.Host
	has  func(cid.Cid) bool
	log  *slog.Logger
	rate *limiter
	slot chan struct{}

	mu      sync.Mutex // guards closed, and serving.Add against serving.Wait
	closed  bool
	serving sync.WaitGroup
}

// NewServer returns a server that says of a CID what has says: no for whatever a stranger is not to
// know of, such as unlisted roots. has is called concurrently and must be quick. A nil log is silence.
func NewServer(h host.Host, has func(cid.Cid) bool, log *slog.Logger) *Server {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Server{host: h, has: has, log: log, rate: newLimiter(), slot: make(chan struct{}, maxServing)}
}

// Run answers until ctx ends, and returns when the last answer is out. It is called at most once.
func (s *Server) Run(ctx context.Context) error {
	s.host.SetStreamHandler(Protocol, s.serve)
	<-ctx.Done()
	s.host.RemoveStreamHandler(Protocol)
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.serving.Wait()
	return ctx.Err()
}

// begin reports whether a question may be answered now; if so, s.end must follow.
func (s *Server) begin(p peer.ID, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !s.rate.allow(p, now) {
		return false
	}
	select {
	case s.slot <- struct{}{}:
		s.serving.Add(1)
		return true
	default:
		return false
	}
}

func (s *Server) end() {
	<-s.slot
	s.serving.Done()
}

func (s *Server) serve(stream network.Stream) {
	now := time.Now()
	asker := stream.Conn().RemotePeer()
	if !s.begin(asker, now) {
		_ = stream.Reset()
		return
	}
	defer s.end()
	if err := s.answer(stream, now); err != nil {
		s.log.Debug("have: question not answered", slog.String("peer", asker.String()), slog.Any("error", err))
		_ = stream.Reset()
		return
	}
	_ = stream.Close()
}

func (s *Server) answer(stream network.Stream, now time.Time) error {
	if err := stream.SetDeadline(now.Add(serveTimeout)); err != nil {
		return err
	}
	cids, err := readRequest(stream)
	if err != nil {
		return err
	}
	have := make([]bool, len(cids))
	for i, c := range cids {
		have[i] = s.has(c)
	}
	_, err = stream.Write(appendAnswer(nil, have))
	return err
}
