package swarmlab

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// measure copies what is shared from h1 to h2 over plain TCP: its seconds are the bound of what follows.
func (w *world) measure() error {
	addr := netip.AddrPortFrom(w.lab.Addr("h1"), 4999).String()
	server, err := w.lab.Start(w.ctx, "h1", w.Baseline, "serve", addr, strconv.FormatInt(w.bytes, 10))
	if err != nil {
		return err
	}
	defer server.Kill()
	before, _, err := w.lab.Bytes("h1")
	if err != nil {
		return err
	}
	got, err := w.fetch(addr)
	if err != nil {
		return fmt.Errorf("plain copy: %w", err)
	}
	after, _, err := w.lab.Bytes("h1")
	if err != nil {
		return err
	}
	w.bound, w.wire = got, float64(after-before)/float64(w.bytes)
	w.Log("one plain copy of %d bytes: %.2f s, %.4f bytes on the link for each", w.bytes, w.bound, w.wire)
	return nil
}

// fetch runs the client of the plain copy until the server listens and returns its seconds.
func (w *world) fetch(addr string) (float64, error) {
	for until := time.Now().Add(patience); ; {
		p, err := w.lab.Start(w.ctx, "h2", w.Baseline, "fetch", addr)
		if err != nil {
			return 0, err
		}
		line, err := p.Line(patience, func(string) bool { return true })
		if err != nil {
			if time.Now().After(until) || w.ctx.Err() != nil {
				return 0, err
			}
			time.Sleep(20 * time.Millisecond) // it does not listen yet
			continue
		}
		var got struct {
			Seconds float64 `json:"seconds"`
		}
		return got.Seconds, json.Unmarshal([]byte(line), &got)
	}
}

// patience bounds each wait. It is far above what any figure allows: a hang shall end, not fail a ratio.
const patience = 10 * time.Minute
