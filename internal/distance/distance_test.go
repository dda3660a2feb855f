package distance

import (
	"io"
	"net"
	"strconv"
	"testing"
	"time"
)

// echo answers every connection with what it says and returns its address.
func echo(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c) // until the other ends
			}()
		}
	}()
	return ln.Addr().String()
}

func dial(t *testing.T, p *Path) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Port())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// A word takes a round trip, and no bytes are lost.
func TestRoundTrip(t *testing.T) {
	const rtt = 60 * time.Millisecond
	c := dial(t, New(t, echo(t), Options{RTT: rtt}))
	for range 3 {
		start := time.Now()
		if _, err := c.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
			t.Fatalf("%q, %v", got, err)
		}
		if took := time.Since(start); took < rtt {
			t.Errorf("it took %v, less than %v", took, rtt)
		}
	}
}

// Nothing goes faster than the rate, and what was sent before an end arrives before it.
func TestRate(t *testing.T) {
	const rate, n = 20_000_000, 6_000_000
	p := New(t, echo(t), Options{RTT: 20 * time.Millisecond, Rate: rate})
	c := dial(t, p)
	start := time.Now()
	go func() {
		if _, err := c.Write(make([]byte, n)); err == nil {
			c.CloseWrite()
		}
	}()
	got, err := io.Copy(io.Discard, c)
	if err != nil || got != n {
		t.Fatalf("%d bytes came back, %v", got, err)
	}
	least := n * time.Second / rate
	if took := time.Since(start); took < least {
		t.Errorf("it took %v, less than %v", took, least)
	}
	if p.Carried() != 2*n {
		t.Errorf("%d bytes were carried", p.Carried())
	}
}
