package unixfs

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/fault"
)

// draw prints the tree below c as nested brackets of links, leaves as dots.
func (b blocks) draw(t *testing.T, c cid.Cid) string {
	if _, inner := b[c]; !inner {
		return "."
	}
	var s strings.Builder
	for _, l := range b.node(t, c).Links {
		s.WriteString(b.draw(t, l.Cid))
	}
	return "(" + s.String() + ")"
}

// TestBalancedLayout draws trees of three links a node. The shapes are Kubo's, which builds them from
// the top: a new root takes the full tree as its first child, and a lone leaf gets a chain of parents.
func TestBalancedLayout(t *testing.T) {
	for leaves, want := range map[int]string{
		1:  ".",
		2:  "(..)",
		3:  "(...)",
		4:  "((...)(.))",
		9:  "((...)(...)(...))",
		10: "(((...)(...)(...))((.)))",
		13: "(((...)(...)(...))((...)(.)))",
	} {
		for _, attr := range []Attr{{}, {Mode: 0o644}} {
			built, p := blocks{}, DefaultProfile()
			p.MaxLinks = 3
			b := p.NewFileBuilder(attr, built.emit)
			for i := range leaves {
				if err := b.Add(Link{Cid: p.LeafCID(sha256.Sum256([]byte{byte(i)})), Tsize: 10}, 8); err != nil {
					t.Fatal(err)
				}
			}
			root, err := b.Finish()
			if err != nil {
				t.Fatal(err)
			}
			if leaves == 1 && attr.kept() {
				want = "(.)" // a bare leaf has no place for attributes
			}
			if got := built.draw(t, root.Cid); got != want {
				t.Errorf("%d leaves: %s, want %s", leaves, got, want)
			}
			tsize := uint64(10 * leaves)
			for c, block := range built {
				tsize += uint64(len(block))
				if n := built.node(t, c); n.HasMode != (attr.kept() && c == root.Cid) {
					t.Errorf("%d leaves: node %s has mode %o", leaves, c, n.Mode)
				}
			}
			if n := len(built); n > 0 && built.node(t, root.Cid).FileSize != uint64(8*leaves) || root.Tsize != tsize {
				t.Errorf("%d leaves: tsize %d, want %d", leaves, root.Tsize, tsize)
			}
		}
	}
}

func TestSymlinkKeepsItsTimeOnly(t *testing.T) {
	built := blocks{}
	l, err := DefaultProfile().SymlinkNode("a/b", Attr{Mode: 0o777, ModTime: time.Unix(1, 0)}, built.emit)
	if err != nil {
		t.Fatal(err)
	}
	if n := built.node(t, l.Cid); string(n.Data) != "a/b" || n.HasMode || n.ModTime.Unix() != 1 {
		t.Errorf("%+v", n)
	}
}

func TestParseProfile(t *testing.T) {
	for name, want := range map[string]string{"": UnixFSv1, UnixFSv1: UnixFSv1, UnixFSv0: UnixFSv0} {
		if p, err := ParseProfile(name); err != nil || p.Name != want {
			t.Errorf("ParseProfile(%q) = %v, %v", name, p, err)
		}
	}
	if _, err := ParseProfile("unixfs-v2"); fault.KindOf(err) != fault.BadInput || !strings.Contains(err.Error(), UnixFSv0) {
		t.Error(err)
	}
}

// ExampleProfile_NewFileBuilder builds a file of two leaves: its inner nodes come out, its leaves
// stay with whoever has the bytes.
func ExampleProfile_NewFileBuilder() {
	p := DefaultProfile()
	b := p.NewFileBuilder(Attr{}, func(c cid.Cid, block []byte) error {
		fmt.Println("inner node of", len(block), "bytes")
		return nil
	})
	for _, chunk := range []string{"hello, ", "world"} {
		leaf := Link{Cid: p.LeafCID(sha256.Sum256([]byte(chunk))), Tsize: uint64(len(chunk))}
		if err := b.Add(leaf, uint64(len(chunk))); err != nil {
			fmt.Println(err)
		}
	}
	root, err := b.Finish()
	fmt.Println(root.Cid, err)
	// Output:
	// inner node of 98 bytes
	// bafybeiaq3zpr246be6hjycjcivul7evllye7jcxet4sue5egmuct227pju <nil>
}
