package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
)

func TestParseRate(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "500000": 500_000, "10MB": 10_000_000, "10 mb/s": 10_000_000, "1MiB/s": 1 << 20, "1.5MiB": 3 << 19,
		"10mb": 10_000_000, "20Mbit": 2_500_000, "20Mbit/s": 2_500_000, "100k": 100_000, "64KiB": 64 << 10, "1g": 1e9,
	} {
		if got, err := parseRate(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "fast", "-1", "10 furlongs", "10Mb", "1Gb/s", "NaN", "Inf", "1e300", "0.1", "MB", "10MB/s/s", "١"} {
		if got, err := parseRate(text); fault.KindOf(err) != fault.BadInput {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

// Any rate that is taken is within bounds, whatever the words.
func FuzzParseRate(f *testing.F) {
	for _, s := range []string{"10MB", "1.5MiB/s", "0x10", "1e18g", "-0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := parseRate(s); err == nil && got < 0 {
			t.Errorf("%q: %d", s, got)
		}
	})
}

func TestFormat(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.00 KiB", 10239: "10.0 KiB", 102400: "100 KiB", 1 << 20: "1.00 MiB", 1<<20 - 1: "1.00 MiB",
		40 << 30: "40.0 GiB", 1<<63 - 1: "8.00 EiB",
	} {
		if got := formatBytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	for s, want := range map[float64]string{
		0: "0.0 s", 9.94: "9.9 s", 59.4: "59 s", 59.9: "1m00s", 3599.9: "1h00m", 200: "3m20s", 86400 * 3: "3 days", -1: "a long time", 1e18: "a long time",
	} {
		if got := formatSeconds(s); got != want {
			t.Errorf("%v: %s, want %s", s, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	verbs := []string{"share", "shares", "get", "cat", "cid", "status", "serve", "peers"}
	for word, want := range map[string]string{
		"shre": "share", "gte": "get", "GET": "get", "stat": "status", "peer": "peers", "sevre": "serve", "kitten": "", "x": "", "": "",
	} {
		if got := nearest(word, verbs); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

// Where nothing can be taken back, a state is said once and progress now and then.
func TestLines(t *testing.T) {
	var out []string
	now := time.Unix(0, 0)
	l := newLines(func(format string, args ...any) { out = append(out, printable(format, args)) })
	l.now = func() time.Time { return now }
	for range 10 {
		l.state(api.Event{Message: "looking"})
		l.progress(api.Event{Cid: "bafy", Name: "a\x1b", Bytes: 1 << 20, Total: 4 << 20, Rate: 1 << 20, Sources: 2})
		now = now.Add(time.Second)
	}
	progress := `a\x1b: 25 % of 4.00 MiB, 1.00 MiB/s, 2 sources, 3.0 s left`
	if got := strings.Join(out, "\n"); got != strings.Join([]string{"looking", progress, progress, progress, progress}, "\n") {
		t.Errorf("%s", got)
	}
}

// Nothing that came from elsewhere reaches the terminal as more than text, and a line stays a line.
func TestPeopleArePrintable(t *testing.T) {
	const evil = "a\x1b[2J\u202eb\nc\r\u009b"
	show := func(name string, do func(p *people)) {
		var out bytes.Buffer
		p := &people{out: &out, err: &out}
		p.moving = newLines(p.note)
		do(p)
		if bytes.ContainsAny(out.Bytes(), "\x1b\r\u202e\u009b") || !strings.Contains(out.String(), `a\x1b[2J`) {
			t.Errorf("%s: %q", name, &out)
		}
	}
	for name, e := range eventsOf(evil) {
		show(name, func(p *people) { p.event(e) })
	}
	show("an error", func(p *people) { p.fail(fault.New(fault.Failed, "%s", evil)) })
}

func eventsOf(s string) map[string]api.Event {
	all := make(map[string]api.Event)
	for _, name := range []string{
		api.EventShared, api.EventCid, api.EventProgress, api.EventDone, api.EventEntry, api.EventForgot, api.EventServing, api.EventStatus,
		api.EventPeer, api.EventShare, api.EventTransfer, api.EventCheck, api.EventSkipped, api.EventWarning, api.EventState, api.EventVersion, api.EventWaiting,
		api.EventHop, api.EventOwner, api.EventStored, api.EventValue,
	} {
		all[name] = api.Event{
			Event: name, Cid: s, Link: s, Name: s, Path: s, Type: api.TypeSymlink, Target: s, Audience: s, Peer: s, Addrs: []string{s}, Agent: s,
			Version: s, Home: s, Reach: s, Network: s, Modes: []string{s}, State: s, Message: s, Hint: s, Mode: s, Key: s, Distance: s, Value: s, Swarm: []api.SwarmPeer{{Peer: s, From: s}},
		}
	}
	return all
}

func TestShorter(t *testing.T) {
	const a = "/ip4/10.0.0.1/tcp/1/p2p/" + fakeID
	full := linkA + "?a=" + a + "&a=" + a
	got := shorter(full)
	if len(got) != 3 || got[0] != full || got[1] != linkA+"?a="+a || got[2] != linkA {
		t.Errorf("%q", got)
	}
	if w, h := sizeOf(drawQR(linkA)); w < 30 || h != (w+1)/2 {
		t.Errorf("%d × %d", w, h)
	}
}
