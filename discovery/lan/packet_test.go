package lan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/seed4134be55/peer/reach"
)

func addrs(n int) (all []ma.Multiaddr) {
	for i := range n {
		all = append(all, ma.StringCast(fmt.Sprintf("/ip4/10.0.%d.%d/udp/4001/quic-v1", i/250, i%250)))
	}
	return all
}

func TestPresenceRoundTrip(t *testing.T) {
	service := serviceName("main")
	for _, n := range []int{0, 1, 5, 16, 100} {
		packet, err := encodePresence(service, randomLabel(), name(1), addrs(n), presenceTTL)
		if err != nil {
			t.Fatal(err)
		}
		if len(packet) > maxPacket {
			t.Errorf("%d addresses make %d bytes", n, len(packet))
		}
		asked, heard, err := parsePacket(packet, service)
		if err != nil || asked {
			t.Fatalf("asked %v, %v", asked, err)
		}
		if n == 0 {
			if len(heard) != 0 {
				t.Errorf("heard %v from one without addresses", heard)
			}
			continue
		}
		if len(heard) != 1 || heard[0].ID != name(1) || heard[0].TTL != presenceTTL {
			t.Fatalf("heard %v", heard)
		}
		if got := len(heard[0].Addrs); got != n && (n <= 10 || got < 10) {
			t.Errorf("%d of %d addresses", got, n)
		}
		if _, other, err := parsePacket(packet, serviceName("other")); err != nil || len(other) != 0 {
			t.Errorf("another network heard %v, %v", other, err)
		}
		if _, other, err := parsePacket(packet, strings.ToUpper(service)); err != nil || len(other) != 1 {
			t.Errorf("names depend on case: %v, %v", other, err)
		}
	}
}

func TestQueryRoundTrip(t *testing.T) {
	packet, err := encodeQuery(serviceName("main"))
	if err != nil {
		t.Fatal(err)
	}
	for service, want := range map[string]bool{serviceName("main"): true, serviceName("other"): false} {
		if asked, heard, err := parsePacket(packet, service); err != nil || asked != want || len(heard) != 0 {
			t.Errorf("%s: asked %v, heard %v, %v", service, asked, heard, err)
		}
	}
}

func TestTextsOfSeveralPeersAreRefused(t *testing.T) {
	line := func(i int) string { return fmt.Sprintf("dnsaddr=/ip4/10.0.0.1/tcp/1/p2p/%s", name(i)) }
	for what, c := range map[string]struct {
		texts []string
		addrs int
	}{
		"one":          {[]string{line(1)}, 1},
		"with rubbish": {[]string{"hello", "dnsaddr=", "dnsaddr=/ip4/x", "dnsaddr=/ip4/10.0.0.1/tcp/1", line(1)}, 1},
		"two peers":    {[]string{line(1), line(2)}, -1},
		"nothing":      {nil, -1},
		"very many":    {slicesRepeat(line(1), 100), maxAddrs},
	} {
		info, ok := parseTexts(c.texts)
		if ok != (c.addrs >= 0) || ok && len(info.Addrs) != c.addrs {
			t.Errorf("%s: %v, %v", what, info, ok)
		}
	}
}

func slicesRepeat(s string, n int) []string {
	return strings.Split(strings.TrimSuffix(strings.Repeat(s+"\n", n), "\n"), "\n")
}

func TestTTLIsBounded(t *testing.T) {
	packet, err := encodePresence(serviceName("main"), "x", name(1), addrs(1), 1000*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, heard, _ := parsePacket(packet, serviceName("main")); len(heard) != 1 || heard[0].TTL != maxTTL {
		t.Errorf("heard %v", heard)
	}
}

func TestManyRecordsInAPacketAreBounded(t *testing.T) {
	service := serviceName("main")
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{Response: true})
	b.EnableCompression()
	if err := b.StartAnswers(); err != nil {
		t.Fatal(err)
	}
	h := dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("i." + service), Class: dnsmessage.ClassINET, TTL: 60}
	for i := range 50 {
		if err := b.TXTResource(h, dnsmessage.TXTResource{TXT: texts(name(i), addrs(1), 1000)}); err != nil {
			t.Fatal(err)
		}
	}
	packet, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if _, heard, err := parsePacket(packet, service); err != nil || len(heard) != maxTxts {
		t.Errorf("heard %d, %v", len(heard), err)
	}
}

func TestSuitable(t *testing.T) {
	for addr, want := range map[string]bool{
		"/ip4/10.0.0.1/tcp/1":                      true,
		"/ip4/10.0.0.1/udp/1/quic-v1":              true,
		"/ip6/fd00::1/tcp/1":                       true,
		"/ip4/127.0.0.1/tcp/1":                     false,
		"/ip4/0.0.0.0/tcp/1":                       false,
		"/ip4/224.0.0.251/udp/1":                   false,
		"/dns4/a.local/tcp/1":                      false,
		"/ip4/10.0.0.1/tcp/1/ws":                   false,
		"/ip4/10.0.0.1/udp/1/webrtc-direct":        false,
		"/ip4/10.0.0.1/udp/1/quic-v1/webtransport": false,
		"/ip4/10.0.0.1/tcp/1/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf/p2p-circuit": false,
	} {
		if got := suitable(ma.StringCast(addr)); got != want {
			t.Errorf("suitable(%s) = %v", addr, got)
		}
	}
}

func FuzzParsePacket(f *testing.F) {
	service := serviceName("main")
	query, _ := encodeQuery(service)
	presence, _ := encodePresence(service, "instance", name(1), addrs(3), presenceTTL)
	f.Add(query)
	f.Add(presence)
	f.Add([]byte{0, 0, 0x84, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0})
	m := &mdns{self: name(0), service: service, reach: reach.LAN}
	f.Fuzz(func(t *testing.T, packet []byte) {
		asked, heard, err := parsePacket(packet, service)
		if err != nil && (asked || len(heard) > 0) {
			t.Fatal("an error and an answer")
		}
		if len(heard) > maxTxts {
			t.Fatalf("%d presences", len(heard))
		}
		for _, p := range heard {
			if p.ID.Validate() != nil || len(p.Addrs) > maxAddrs || p.TTL < 0 || p.TTL > maxTTL {
				t.Fatalf("presence %v", p)
			}
			for _, a := range p.Addrs {
				_ = suitable(a) && m.reach.Allows(a)
			}
			if _, err := peer.AddrInfoToP2pAddrs(&p.AddrInfo); err != nil {
				t.Fatal(err)
			}
		}
	})
}
