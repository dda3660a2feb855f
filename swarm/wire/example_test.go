package wire

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/manifest"
)

// A step is one write of the worked example in docs/protocol.md.
type step struct {
	who   string // W or H, and the stream
	bytes []byte
	what  string
}

func TestWorkedExample(t *testing.T) {
	page, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	want := formatSteps(workedExample(t))
	if !strings.Contains(string(page), want) {
		t.Errorf("docs/protocol.md lacks the example:\n%s", want)
	}
}

func workedExample(t *testing.T) []step {
	root, err := cid.Decode("bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq")
	if err != nil {
		t.Fatal(err)
	}
	b := manifest.NewBuilder(root, manifest.DefaultLimits())
	if err := b.Leaf(5); err != nil {
		t.Fatal(err)
	}
	node := func(cid.Cid) ([]byte, error) { return nil, nil }
	entries, count, err := manifest.AppendPage(make([]byte, MaxHeader), b.Manifest(), 0, MaxPage, node)
	if err != nil {
		t.Fatal(err)
	}
	session := SessionID([]byte("0123456789abcdef"))
	hello := Hello{Version: Version, Session: session, MaxOpen: 256, MaxRequest: 32768, MaxWindow: 64 << 20,
		Extensions: []Extension{{Name: ExtensionPeers}}, Agent: "peer"}
	leaf := append(make([]byte, MaxHeader), "hello"...)
	return []step{
		{"W control", Append(nil, hello), "hello"},
		{"W data", session[:], "session id"},
		{"H control", Append(nil, hello), "hello"},
		{"W control", Append(nil, Open{Channel: 1, Root: root}), "open"},
		{"H control", Append(nil, Opened{Channel: 1, Complete: true, Entries: 1, Leaves: 1, Digest: b.Manifest().Digest(), Have: HaveAll}), "opened"},
		{"H control", Append(nil, Unchoke{Channel: 1}), "unchoke"},
		{"W control", Append(nil, GetManifest{Channel: 1, From: 0, MaxBytes: 256 << 10}), "get-manifest"},
		{"H data", entries[PutPageHeader(entries, 1, 0, uint32(count), len(entries)-MaxHeader):], "page"},
		{"W control", Append(nil, Request{Channel: 1, Leaves: []Range{{0, 1}}}), "request"},
		{"H data", leaf[PutLeafHeader(leaf, 1, 0, 5):], "leaf"},
		{"W control", Append(nil, Close{Channel: 1}), "close"},
	}
}

// formatSteps writes the steps as the page has them, 24 bytes a line.
func formatSteps(steps []step) string {
	var out bytes.Buffer
	out.WriteString("```\n")
	for _, s := range steps {
		out.WriteString(s.who + ": " + s.what + "\n")
		for rest := s.bytes; len(rest) > 0; rest = rest[min(len(rest), 24):] {
			out.WriteString("    " + hex.EncodeToString(rest[:min(len(rest), 24)]) + "\n")
		}
	}
	out.WriteString("```\n")
	return out.String()
}
