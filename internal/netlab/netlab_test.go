package netlab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed4134be55/peer/internal/process"
)

const soon = 20 * time.Second

// TestMain lets the test binary be the program that runs on a host: NETLAB_ROLE says which.
func TestMain(m *testing.M) {
	role, ok := roles[os.Getenv("NETLAB_ROLE")]
	if !ok {
		os.Exit(m.Run())
	}
	if err := role(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var roles = map[string]func(args []string) error{
	"listen": listen,
	"dial":   dial,
	"send":   send,
}

// listen prints who connects and answers each with "hello".
func listen([]string) error {
	l, err := net.Listen("tcp", ":4001")
	if err != nil {
		return err
	}
	fmt.Println("listening")
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
		fmt.Println(host)
		_, _ = io.WriteString(c, "hello")
		c.Close()
	}
}

// dial prints what the listener at args[0] says.
func dial(args []string) error {
	c, err := net.DialTimeout("tcp", net.JoinHostPort(args[0], "4001"), time.Second)
	if err != nil {
		return err
	}
	said, err := io.ReadAll(c)
	fmt.Println(string(said))
	return err
}

// send sends one datagram to each address.
func send(args []string) error {
	for _, a := range args {
		c, err := net.Dial("udp", a)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(c, "x"); err != nil {
			return err
		}
	}
	return nil
}

func start(t *testing.T, l *Lab, host, role string, args ...string) *process.Process {
	t.Helper()
	cmd := l.Command(t.Context(), host, os.Args[0], args...)
	// The race detector would keep each of these programs for a second at its end.
	cmd.Env = append(os.Environ(), "NETLAB_ROLE="+role, "GORACE=atexit_sleep_ms=0")
	p, err := process.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// exchange has from connect to the listener on to and returns the error; the listener must see it come from want.
func exchange(t *testing.T, l *Lab, from, to string, listener *process.Process, want string) error {
	t.Helper()
	if err := start(t, l, from, "dial", l.Addr(to).String()).Wait(soon); err != nil {
		return err
	}
	seen, err := listener.Line(soon, func(string) bool { return true })
	if err == nil && !strings.HasSuffix(seen, want) {
		t.Errorf("%s to %s: seen from %s, want %s", from, to, seen, want)
	}
	return err
}

func listenOn(t *testing.T, l *Lab, host string) *process.Process {
	t.Helper()
	p := start(t, l, host, "listen")
	if _, err := p.Line(soon, func(s string) bool { return s == "listening" }); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestHostsMeet(t *testing.T) {
	t.Parallel()
	l := New(t, Options{Hosts: 2})
	h1 := listenOn(t, l, "h1")
	if err := exchange(t, l, "h2", "h1", h1, "10.77.0.2"); err != nil {
		t.Fatal(err)
	}
	sent, received, err := l.Bytes("h1")
	if err != nil || sent < 5 || received < 5 {
		t.Errorf("h1 sent %d and received %d bytes, %v", sent, received, err)
	}
	if err := l.Cut("h1"); err != nil {
		t.Fatal(err)
	}
	if err := exchange(t, l, "h2", "h1", h1, "10.77.0.2"); err == nil {
		t.Error("a cut link carried a connection")
	}
	if err := l.Heal("h1"); err != nil {
		t.Fatal(err)
	}
	if err := exchange(t, l, "h2", "h1", h1, "10.77.0.2"); err != nil {
		t.Errorf("healed: %v", err)
	}
}

func TestNAT(t *testing.T) {
	t.Parallel()
	l := New(t, Options{Hosts: 3, NAT: 1, Subnet: "5.6.7"})
	h1 := listenOn(t, l, "h1")
	if err := exchange(t, l, "h3", "h1", h1, "5.6.7.3"); err != nil {
		t.Errorf("outwards: %v", err)
	}
	h3 := listenOn(t, l, "h3")
	if err := exchange(t, l, "h1", "h3", h3, ""); err == nil {
		t.Error("a connection came in through the NAT")
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	l := New(t, Options{Hosts: 2, Split: 1, Uplink: "50mbit"})
	h2 := listenOn(t, l, "h2")
	if err := exchange(t, l, "h1", "h2", h2, "10.77.0.1"); err != nil {
		t.Fatal(err)
	}
	if got := l.Addr("h2").String(); got != "10.77.1.2" {
		t.Errorf("h2 is at %s", got)
	}
	if a, b, err := l.Bytes("router"); err != nil || a == 0 || b == 0 {
		t.Errorf("the router passed %d and %d bytes, %v", a, b, err)
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	l := New(t, Options{Hosts: 2, Rate: "100mbit", Down: "100mbit"})
	if err := l.Rate("h1", "20mbit"); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{"h1": "rate 20Mbit", "h2": "rate 100Mbit"} {
		out, err := l.Command(t.Context(), host, "tc", "qdisc", "show", "dev", "eth0").Output()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %q, want %q; %v", host, out, want, err)
		}
	}
	if err := l.Rate("h1", "quick"); err == nil {
		t.Error("a rate of quick was taken")
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	l := New(t, Options{Hosts: 2})
	for _, c := range []struct {
		to   string
		want Counts
	}{
		{"127.0.0.1:9", Counts{}},
		{"10.77.0.1:9", Counts{}}, // the host's own address: no packet leaves
		{"10.77.0.2:9", Counts{Outside: 1}},
		{"224.0.0.251:5353", Counts{Outside: 1, Multicast: 1}},
		{"[ff02::fb%eth0]:5353", Counts{Outside: 1, Multicast: 1}},
		{"192.168.7.7:9", Counts{Outside: 1}},
		{"8.8.8.8:53", Counts{Outside: 1, Public: 1}},
		{"[2001:4860:4860::8888]:53", Counts{Outside: 1, Public: 1}},
	} {
		w, err := l.Watch("h1")
		if err != nil {
			t.Fatal(err)
		}
		if err := start(t, l, "h1", "send", c.to).Wait(soon); err != nil {
			t.Errorf("%s: %v", c.to, err)
		}
		if got, err := w.Counts(); err != nil || got != c.want {
			t.Errorf("%s: %+v, want %+v; %v", c.to, got, c.want, err)
		}
	}
}

func TestCloseEndsWhatRuns(t *testing.T) {
	t.Parallel()
	Require(t)
	l, err := Up(Options{Hosts: 1})
	if err != nil {
		t.Fatal(err)
	}
	p, err := l.Start(context.Background(), "h1", "sleep", "600")
	if err != nil {
		t.Fatal(err)
	}
	name := l.name.text
	// The program is in the namespace once `ip netns exec` has become it.
	if err := l.Command(t.Context(), "h1", "true").Run(); err != nil {
		t.Fatal(err)
	}
	for entered := false; !entered; {
		comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", p.Pid()))
		if err != nil {
			t.Fatal(err)
		}
		entered = strings.TrimSpace(string(comm)) == "sleep"
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := p.Wait(soon); !errors.As(err, &exit) {
		t.Errorf("sleep was not killed: %v", err)
	}
	again := &Lab{name: l.name}
	if left, err := again.namespaces(); err != nil || len(left) > 0 {
		t.Errorf("%s left %v, %v", name, left, err)
	}
}

func TestBadOptions(t *testing.T) {
	for _, o := range []Options{{}, {Hosts: 300}, {Hosts: 2, Subnet: "10.77"}} {
		if l, err := Up(o); err == nil {
			_ = l.Close()
			t.Errorf("%+v was taken", o)
		}
	}
}
