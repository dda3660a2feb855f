package link

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multiaddr"

	"github.com/seed4134be55/peer/contentaddr/names"
	"github.com/seed4134be55/peer/fault"
)

const (
	v1  = "bafybeibwzifw52ttrkqlikfzext5akxu7lz4xiwjgwzmqcpdzmp3n5vnbe"
	v0  = "QmaGjPnfeXPJeXJQz4qApPaKUNnXjuLe19635Vw9R4s7XC"
	id1 = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
	id2 = "12D3KooWNvSZnPi3RrhrTwEY4LuuBeB6K6facKUCJcyWG1aoDd2p"
	tcp = "/ip4/192.168.1.2/tcp/4001/p2p/" + id1
	udp = "/ip6/fd00::2/udp/4001/quic-v1/p2p/" + id1
	hop = "/ip4/5.6.7.8/tcp/4001/p2p/" + id2 + "/p2p-circuit/p2p/" + id1
)

func mustCID(t *testing.T, s string) cid.Cid {
	t.Helper()
	c, err := cid.Decode(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParse(t *testing.T) {
	base36, err := mustCID(t, v1).StringOfBase('k')
	if err != nil {
		t.Fatal(err)
	}
	type want struct {
		cid, name, path string
		addrs           []string
	}
	for in, want := range map[string]want{
		v1:                                   {v1, "", "", nil},
		"  " + v0 + "\n":                     {v0, "", "", nil},
		v1 + "/a/b":                          {v1, "", "a/b", nil},
		v1 + "/100%/what?/#1":                {v1, "", "100%/what?/#1", nil},
		"/ipfs/" + v1:                        {v1, "", "", nil},
		"/ipfs/" + v1 + "//a//b/":            {v1, "", "a/b", nil},
		"ipfs://" + v1:                       {v1, "", "", nil},
		"IPFS://" + v0 + "/a%20b/c":          {v0, "", "a b/c", nil},
		"peer://" + v1:                       {v1, "", "", nil},
		"peer://" + v1 + "/":                 {v1, "", "", nil},
		"peer://" + v1 + "/movie%20%231.mkv": {v1, "movie #1.mkv", "", nil},
		"peer://" + v1 + "/f/sub/a.txt":      {v1, "f", "sub/a.txt", nil},
		"peer://" + v1 + "//sub/a.txt":       {v1, "", "sub/a.txt", nil},
		"peer://" + v1 + "/n?a=" + tcp:       {v1, "n", "", []string{tcp}},
		"peer://" + v1 + "?a=" + tcp + "&later=1&a=" + udp + "&a=" + hop + "#x": {v1, "", "", []string{tcp, udp, hop}},
		"https://ipfs.io/ipfs/" + v0 + "/a%2Bb.txt?download=true":               {v0, "", "a+b.txt", nil},
		"http://127.0.0.1:8080/ipfs/" + v1 + "?filename=x%20y.txt":              {v1, "x y.txt", "", nil},
		"http://127.0.0.1:8080/ipfs/" + v1 + "?filename=..%2Fx":                 {v1, "", "", nil},
		"https://" + v1 + ".ipfs.dweb.link/a/b":                                 {v1, "", "a/b", nil},
		"https://" + base36 + ".ipfs.localhost:8080":                            {v1, "", "", nil},
	} {
		l, err := Parse(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if !l.Cid.Equals(mustCID(t, want.cid)) || l.Name != want.name || l.Path != want.path {
			t.Errorf("%s: %s %q %q", in, l.Cid, l.Name, l.Path)
		}
		var addrs []string
		for _, a := range l.Addrs {
			addrs = append(addrs, a.String())
		}
		if !reflect.DeepEqual(addrs, want.addrs) {
			t.Errorf("%s: addresses %q, want %q", in, addrs, want.addrs)
		}
		roundTrip(t, l)
	}
}

func roundTrip(t *testing.T, l Link) {
	t.Helper()
	again, err := Parse(l.String())
	if err != nil || again.String() != l.String() || again.Name != l.Name || again.Path != l.Path || !again.Cid.Equals(l.Cid) || len(again.Addrs) != len(l.Addrs) {
		t.Errorf("%+v became %s and then %+v, %v", l, l, again, err)
	}
}

func TestParseRefuses(t *testing.T) {
	identity := "bafkqah" + strings.Repeat("a", 600)
	for in, part := range map[string]string{
		"":                                    "empty",
		"   ":                                 "empty",
		strings.Repeat("x", MaxLen+1):         "65537 bytes",
		"bafybeityp0":                         `"bafybeityp0"`,
		v1[:40]:                               v1[:40],
		"peer://":                             "no CID",
		"peer:/" + v1:                         "peer:",
		"/ipfs/":                              "no CID",
		"magnet://x":                          "magnet",
		"ipns://example.org":                  "IPNS",
		"ipfs://" + v1 + "/%zz":               `"%zz"`,
		"peer://" + v1 + "/..":                `".."`,
		"peer://" + v1 + "/a%2Fb":             `"a/b"`,
		"peer://" + v1 + "/a/%2e%2e/b":        `".."`,
		"peer://" + v1 + "/x%1b%5b2J":         `\x1b[2J`,
		"peer://" + v1 + "/gpj%E2%80%AEexe":   "reorders",
		v1 + "/../x":                          `".."`,
		"peer://" + v1 + "?a=nonsense":        `"nonsense"`,
		"peer://" + v1 + "?a=":                "is no address",
		"peer://" + v1 + "?a=/ip4/1.2.3.4":    "/p2p/<peer id>",
		"peer://" + v1 + "?a=/ip4/1.2.3/tcp/": "1.2.3",
		"peer://" + v1 + "?" + strings.Repeat("a="+tcp+"&", MaxAddrs+1): "more than 64",
		"https://example.org/" + v1:                                     "no gateway link",
		"https://example.org":                                           "no gateway link",
		identity:                                                        "too long",
		"bafyrwigbexamue5hxjfvvhtqavsqyyxx6l3bixg3xlw3x7vj3x3x3x3x3u": "bafyrwig", // a codec or hash that is not accepted
	} {
		l, err := Parse(in)
		if err == nil {
			t.Errorf("%s: %+v", names.Quote(in), l)
			continue
		}
		msg := err.Error()
		if fault.KindOf(err) != fault.BadInput || !strings.Contains(msg, part) {
			t.Errorf("%s: %s %q, want %q", names.Quote(in), fault.KindOf(err), msg, part)
		}
		if names.Printable(msg) != msg || len(msg) > 800 {
			t.Errorf("%s: not one safe line: %q", names.Quote(in), msg)
		}
	}
}

func TestWeakHashIsRefused(t *testing.T) {
	sha1 := cid.NewCidV1(cid.Raw, append([]byte{0x11, 20}, make([]byte, 20)...)).String()
	if _, err := Parse(sha1); fault.KindOf(err) != fault.BadInput || !strings.Contains(err.Error(), "hash function") {
		t.Errorf("sha1: %v", err)
	}
}

func TestPeers(t *testing.T) {
	l, err := Parse(fmt.Sprintf("peer://%s?a=%s&a=/ip4/5.6.7.8/tcp/1/p2p/%s&a=%s&a=%s", v1, tcp, id2, udp, hop))
	if err != nil {
		t.Fatal(err)
	}
	peers := l.Peers()
	if len(peers) != 2 || peers[0].ID.String() != id1 || len(peers[0].Addrs) != 3 || len(peers[1].Addrs) != 1 {
		t.Errorf("%v", peers)
	}
}

func TestStringOfOddNames(t *testing.T) {
	for _, name := range []string{"a b", "100%", "what?", "#1", "日本", "it's", "a&b=c", "a+b", "-", "~"} {
		l := Link{Cid: mustCID(t, v1), Name: name, Path: name + "/" + name}
		roundTrip(t, l)
		if s := l.String(); strings.ContainsAny(s, " '&#?\"$`\\") {
			t.Errorf("%s needs quotes", s)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		v1, v0 + "/a", "ipfs://" + v1 + "/%41", "/ipfs/" + v1 + "/x", "peer://" + v1 + "/n/s?a=" + tcp + "&a=" + hop,
		"https://ipfs.io/ipfs/" + v0, "https://" + v1 + ".ipfs.dweb.link/x?filename=y", "peer://x/%ff",
		"peer://" + v1 + "?a=/dns4/%25/tcp/1/p2p/" + id1,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := Parse(s)
		if err != nil {
			if fault.KindOf(err) != fault.BadInput || names.Printable(err.Error()) != err.Error() {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		roundTrip(t, l)
		l.Peers()
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	s := "peer://" + v1 + "/movie.mkv?a=" + tcp + "&a=" + udp
	for b.Loop() {
		if _, err := Parse(s); err != nil {
			b.Fatal(err)
		}
	}
}

func TestPathTypedBehindALink(t *testing.T) {
	const link = "peer://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku/photos?a=/ip4/127.0.0.1/tcp/1/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf"
	l, err := Parse(link + "/2024/a.jpg")
	if err != nil || l.Path != "2024/a.jpg" || len(l.Addrs) != 1 {
		t.Fatalf("%+v, %v", l, err)
	}
	if l, err = Parse(link + "/"); err != nil || l.Path != "" {
		t.Errorf("a slash behind it: %+v, %v", l, err)
	}
	for _, tail := range []string{"/../x", "/p2p-circuit", "/a%zz/p2p-circuit"} {
		if l, err := Parse(link + tail); fault.KindOf(err) != fault.BadInput {
			t.Errorf("%q: %+v, %v; want bad input", tail, l, err)
		}
	}
}

func TestUnlistedGoesWithTheLink(t *testing.T) {
	const id = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
	addr := multiaddr.StringCast("/ip4/127.0.0.1/tcp/1/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf")
	l, err := Parse("peer://" + id + "/a")
	if err != nil || l.Unlisted {
		t.Fatalf("%+v, %v", l, err)
	}
	l.Unlisted, l.Addrs = true, []multiaddr.Multiaddr{addr}
	again, err := Parse(l.String())
	if err != nil || !again.Unlisted || len(again.Addrs) != 1 {
		t.Errorf("%s: %+v, %v", l, again, err)
	}
}
