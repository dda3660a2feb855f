package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/seed4134be55/peer/fault"
)

// maxRequest bounds a request's body in bytes: more than any argv holds.
const maxRequest = 16 << 20

// The verbs, as they stand in a request's path.
const (
	VerbShare     = "share"
	VerbGet       = "get"
	VerbList      = "ls"
	VerbCat       = "cat"
	VerbServe     = "serve"
	VerbDoctor    = "doctor"
	VerbPeers     = "peers"
	VerbTransfers = "transfers"
	VerbStatus    = "status"
	VerbShares    = "shares"
	VerbForget    = "forget"
	VerbRoute     = "route"
	VerbPut       = "put"
	VerbValue     = "value"
)

// envelope is the body of a request. The request itself is decoded once the verb is known.
type envelope struct {
	Caller  int             `json:"caller"` // process id, to tell tasks apart
	Options Options         `json:"options"`
	Request json.RawMessage `json:"request"`
}

func (s *Server) handler() http.Handler {
	n := s.node
	mux := http.NewServeMux()
	online(s, mux, VerbShare, func(r ShareRequest) string { return list(r.Paths) }, n.Share)
	online(s, mux, VerbGet, func(r GetRequest) string { return list(r.Links) }, n.Get)
	online(s, mux, VerbList, func(r ListRequest) string { return r.Link }, n.List)
	online(s, mux, VerbRoute, func(r RouteRequest) string { return r.Key }, n.Route)
	online(s, mux, VerbPut, func(r PutRequest) string { return r.Key }, n.Put)
	online(s, mux, VerbValue, func(r ValueRequest) string { return r.Key }, n.Value)
	online(s, mux, VerbServe, nothing[ServeRequest], n.Serve)
	online(s, mux, VerbDoctor, nothing[DoctorRequest], n.Doctor)
	offline(s, mux, VerbPeers, nothing[PeersRequest], n.Peers)
	offline(s, mux, VerbTransfers, nothing[TransfersRequest], n.Transfers)
	offline(s, mux, VerbStatus, nothing[StatusRequest], n.Status)
	offline(s, mux, VerbShares, nothing[SharesRequest], n.Shares)
	offline(s, mux, VerbForget, func(r ForgetRequest) string { return r.Link }, n.Forget)
	route(s, mux, VerbCat, true, func(r CatRequest) string { return r.Link },
		func(ctx context.Context, r CatRequest, a *answer) error { return n.Cat(ctx, r, a, a.emit) })
	return mux
}

func list(words []string) string { return strings.Join(words, " ") }
func nothing[R any](R) string    { return "" }

// online adds a verb that needs the network.
func online[R any](s *Server, mux *http.ServeMux, verb string, subject func(R) string, do func(context.Context, R, func(Event)) error) {
	route(s, mux, verb, true, subject, func(ctx context.Context, r R, a *answer) error { return do(ctx, r, a.emit) })
}

// offline adds a verb that a node answers without being on the network.
func offline[R any](s *Server, mux *http.ServeMux, verb string, subject func(R) string, do func(context.Context, R, func(Event)) error) {
	route(s, mux, verb, false, subject, func(ctx context.Context, r R, a *answer) error { return do(ctx, r, a.emit) })
}

func route[R any](s *Server, mux *http.ServeMux, verb string, net bool, subject func(R) string, do func(context.Context, R, *answer) error) {
	mux.HandleFunc("POST /v1/"+verb, func(w http.ResponseWriter, q *http.Request) {
		var r R
		e, err := decode(http.MaxBytesReader(w, q.Body, maxRequest), &r)
		task := s.begin(verb, subject(r), e.Caller)
		if task == nil {
			panic(http.ErrAbortHandler)
		}
		defer s.finish(task)
		a := newAnswer(q.Context(), w)
		if err == nil && net {
			err = s.options.admit(e.Options)
		}
		if err == nil {
			if net {
				s.goOnline()
			}
			err = s.guard(func() error { return do(q.Context(), r, a) })
		}
		s.conclude(q.Context(), a, err)
	})
}

// conclude ends an answer. If the process stops, the answer breaks off without a last line: the work
// is not done and whoever takes over will do it.
func (s *Server) conclude(ctx context.Context, a *answer, err error) {
	cause := context.Cause(ctx)
	switch {
	case cause == errStopped:
		a.drop()
		panic(http.ErrAbortHandler)
	case ctx.Err() != nil && cause != context.Canceled: // the node failed
		err = fmt.Errorf("run: %w", cause)
	}
	if err != nil {
		a.end(Event{Event: EventError, Kind: string(fault.KindOf(err)), Message: err.Error()})
		return
	}
	a.end(Event{Event: EventEnd})
}

// guard turns a panic into an error of the one request that it came from: the caller must not ask the
// next process to do it again.
func (s *Server) guard(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic", "value", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("internal error: %v", p)
		}
	}()
	return do()
}

// decode reads the body of a request. A field that is not known comes from another version of the
// program and may be the one that matters (unlisted, say), so it is refused.
//
// The body is read to its end, as net/http watches for the caller's leaving only after that.
func decode(body io.Reader, request any) (e envelope, err error) {
	all, err := io.ReadAll(body)
	if err != nil {
		return e, fault.New(fault.BadInput, "request: %w", err)
	}
	if err := json.Unmarshal(all, &e); err != nil {
		return e, fault.New(fault.BadInput, "request: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(e.Request))
	d.DisallowUnknownFields()
	if err := d.Decode(request); err != nil {
		return e, fault.New(fault.Refused, "the peer that runs in this home is of another version: %w", err)
	}
	return e, nil
}
