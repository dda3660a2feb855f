package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/seed4134be55/peer/fault"
)

// Why a request has no answer. The caller may ask again, here or elsewhere.
var (
	ErrNobody = errors.New("no peer answers") // nobody listens; the request was not delivered
	ErrLost   = errors.New("the peer died")   // the answer broke off
	ErrSilent = errors.New("the peer does not answer")
)

// silence is how long an answer may show no sign of life: many heartbeats, for a busy machine.
const silence = 20 * time.Second

// maxLine bounds one line of an answer in bytes.
const maxLine = 1 << 20

// A Client asks the process that listens on Socket.
type Client struct {
	Socket string
}

// A Call is one request and where its answer goes.
type Call struct {
	Verb    string
	Options Options
	Request any         // of the type that belongs to Verb
	Emit    func(Event) // called in order, from one goroutine
	Data    io.Writer   // for VerbCat
}

// Do asks and waits for the end of the answer. It returns the error that the answer ended with, with
// its kind; ErrNobody, ErrLost or ErrSilent, wrapped; or ctx's cause.
func (c *Client) Do(ctx context.Context, call Call) error {
	request, err := json.Marshal(call.Request)
	if err != nil {
		return fmt.Errorf("%s: %w", call.Verb, err)
	}
	body, err := json.Marshal(envelope{os.Getpid(), call.Options, request})
	if err != nil {
		return fmt.Errorf("%s: %w", call.Verb, err)
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(silence, func() { cancel(ErrSilent) })
	defer watch.Stop()
	resp, err := c.post(inner, call.Verb, body)
	if err == nil {
		defer resp.Body.Close()
		err = read(resp, call, watch)
	}
	switch {
	case ctx.Err() != nil && !answered(err):
		return context.Cause(ctx)
	case context.Cause(inner) == ErrSilent && !answered(err):
		return ErrSilent
	}
	return err
}

func (c *Client) post(ctx context.Context, verb string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://peer/v1/"+verb, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	var dial net.Dialer
	transport := &http.Transport{
		DisableKeepAlives:  true,
		DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := dial.DialContext(ctx, "unix", c.Socket)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrNobody, err)
			}
			return conn, nil
		},
	}
	resp, err := transport.RoundTrip(req)
	if err != nil && !errors.Is(err, ErrNobody) {
		err = fmt.Errorf("%w: %w", ErrLost, err)
	}
	return resp, err
}

// An answerError is what an answer ended with.
type answerError struct{ error }

func (e answerError) Unwrap() error { return e.error }

// answered reports whether err, or its absence, came from the other side.
func answered(err error) bool {
	return err == nil || errors.As(err, new(answerError))
}

// read passes on the answer. watch is wound up before every wait for the other side, and stopped while
// the caller deals with what came.
func read(resp *http.Response, call Call, watch *time.Timer) error {
	if resp.StatusCode != http.StatusOK {
		return answerError{fault.New(fault.Refused, "the peer that runs in this home is of another version and does not know `%s`: stop it first", call.Verb)}
	}
	lines := bufio.NewReaderSize(resp.Body, maxLine)
	for {
		watch.Reset(silence)
		line, err := lines.ReadSlice('\n')
		watch.Stop()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrLost, err)
		}
		if len(line) == 1 {
			continue
		}
		var e Event
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("%w: %w", ErrLost, err)
		}
		switch e.Event {
		case EventEnd:
			return nil
		case EventError:
			return answerError{fault.New(fault.Kind(e.Kind), "%s", e.Message)}
		case EventData:
			if err := data(lines, call.Data, e.Bytes, watch); err != nil {
				return err
			}
		default:
			call.Emit(e)
		}
	}
}

// data copies n bytes. An error of the caller's own writer ends the answer; it is not the other side's.
func data(from io.Reader, to io.Writer, n int64, watch *time.Timer) error {
	buf := make([]byte, 64<<10)
	for n > 0 {
		watch.Reset(silence)
		k, err := from.Read(buf[:min(n, int64(len(buf)))])
		watch.Stop()
		if _, werr := to.Write(buf[:k]); werr != nil {
			return werr
		}
		n -= int64(k)
		if err != nil && n > 0 {
			return fmt.Errorf("%w: %w", ErrLost, err)
		}
	}
	return nil
}
