package manifest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

// small is a folder with a file of two leaves (one twice), a dag-pb leaf, a symlink and an empty
// folder.
func small(b blocks) (root cid.Cid, order []cid.Cid) {
	x, y := b.raw([]byte("xx")), b.raw([]byte("yyy"))
	file := b.file(nil, part{x, 2}, part{y, 3}, part{x, 2})
	prefix, suffix := unixfs.LeafFrame(4)
	old := b.put(cid.DagProtobuf, append(append(prefix, "zzzz"...), suffix...))
	symlink := b.node(&unixfs.Node{Kind: unixfs.Symlink, Data: []byte("file")})
	empty := b.folder()
	root = b.folder(link1("empty", empty), link1("file", file), link1("inline", identity(cid.Raw, []byte("i"))),
		link1("link", symlink), link1("old", old), link1("x", x))
	return root, []cid.Cid{root, empty, file, x, y, symlink, old}
}

func TestOrder(t *testing.T) {
	b := blocks{}
	root, order := small(b)
	m := b.build(t, root)
	if m.Len() != len(order) || m.Leaves() != 3 {
		t.Fatalf("%d entries, %d leaves", m.Len(), m.Leaves())
	}
	for i, want := range order {
		if got := m.Entry(i).Cid; got != want {
			t.Errorf("entry %d is %s, want %s", i, got, want)
		}
	}
	l := b.layout(t, m)
	var got []string
	for i, f := range l.Files {
		s := fmt.Sprintf("%s %d:", l.FilePath(i), f.Size)
		for e := range l.Extents(i) {
			s += fmt.Sprintf(" %d+%d=%d%s", e.Offset, e.Size, e.Leaf, e.Literal)
		}
		got = append(got, s)
	}
	want := "[file 7: 0+2=0 2+3=1 5+2=0 inline 1: 0+1=-1i old -1: 0+-1=2 x 2: 0+2=0]"
	if fmt.Sprint(got) != want {
		t.Errorf("%v, want %v", got, want)
	}
	if len(l.Symlinks) != 1 || l.SymlinkPath(0) != "link" || l.Symlinks[0].Target != "file" || l.DirPath(1) != "empty" {
		t.Errorf("%+v", l)
	}
}

// TestDigest pins the digest's format, which peers compare.
func TestDigest(t *testing.T) {
	b := blocks{}
	root, _ := small(b)
	got := fmt.Sprintf("%x", b.build(t, root).Digest())
	if want := "1d857770b6162243408fec5125dfe4dfef74123adc68bc0ec213295cb87cc3d0"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestEveryHash lists leaves of every kind of CID that is accepted.
func TestEveryHash(t *testing.T) {
	b := blocks{}
	var all []unixfs.Link
	for i, code := range []uint64{multihash.SHA2_256, multihash.SHA2_512, multihash.BLAKE2B_MIN + 31, multihash.BLAKE3} {
		for j := range 3 {
			data := fmt.Appendf(nil, "leaf %d %d", i, j)
			hash, err := multihash.Sum(data, code, -1)
			if code == multihash.BLAKE3 {
				hash, err = multihash.Sum(data, code, 32)
			}
			if err != nil {
				t.Fatal(err)
			}
			c := cid.NewCidV1(cid.Raw, hash)
			b[c] = data
			all = append(all, link1(fmt.Sprintf("%d-%d", i, j), c))
		}
	}
	m := b.build(t, b.folder(all...))
	for i, l := range all {
		at, ok := m.LeafIndex(l.Cid)
		if !ok || at != i || m.Leaf(at).Cid != l.Cid {
			t.Errorf("%s: leaf %d %v", l.Cid, at, ok)
		}
	}
}

// TestOneDigestTwoCodecs: the prefix tells two CIDs of one digest apart.
func TestOneDigestTwoCodecs(t *testing.T) {
	b, l := blocks{}, newList()
	raw, pb := b.raw([]byte("x")), b.put(cid.DagProtobuf, []byte("x"))
	l.add(raw, true, 1)
	if _, ok := l.find(pb); ok || l.is(0, pb.KeyString()) {
		t.Error("another codec is found")
	}
	l.add(pb, true, 1)
	for i, c := range []cid.Cid{raw, pb} {
		if at, ok := l.find(c); !ok || at != i || l.cid(i) != c {
			t.Errorf("%s: %d %v", c, at, ok)
		}
	}
}

// TestLies feeds each lie in the place of an honest entry, and then the honest entries.
func TestLies(t *testing.T) {
	b := blocks{}
	root, order := small(b)
	m := b.build(t, root)
	for _, test := range []struct {
		name  string
		entry int // that it stands in for
		lie   func(to *Builder) error
	}{
		{"another block", 0, func(to *Builder) error { return to.Inner(b[order[2]]) }},
		{"the parent again, as a cycle", 2, func(to *Builder) error { return to.Inner(b[order[0]]) }},
		{"a raw leaf as inner", 3, func(to *Builder) error { return to.Inner(b[order[3]]) }},
		{"a dag-pb leaf as inner", 6, func(to *Builder) error { return to.Inner(b[order[6]]) }},
		{"a leaf larger than it is", 3, func(to *Builder) error { return to.Leaf(3) }},
		{"a leaf smaller than it is", 4, func(to *Builder) error { return to.Leaf(2) }},
		{"a leaf larger than a block", 6, func(to *Builder) error { return to.Leaf(contentaddr.MaxBlock + 1) }},
		{"an empty page", 1, func(to *Builder) error { return ReadPage(nil, to, nil) }},
		{"a page too large", 1, func(to *Builder) error { return ReadPage(make([]byte, MaxPage+1), to, nil) }},
		{"half a block", 1, func(to *Builder) error { return ReadPage([]byte{kindInner, 9, 1, 2}, to, nil) }},
		{"half a size", 3, func(to *Builder) error { return ReadPage([]byte{kindLeaf, 0x80}, to, nil) }},
		{"a huge size", 3, func(to *Builder) error {
			return ReadPage([]byte{kindInner, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, to, nil)
		}},
		{"an unknown kind", 3, func(to *Builder) error { return ReadPage([]byte{7, 1}, to, nil) }},
		{"one entry too many", len(order), func(to *Builder) error { return to.Leaf(1) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			to := NewBuilder(root, DefaultLimits())
			for i := range len(order) + 1 {
				if i == test.entry {
					err := test.lie(to)
					var lie *LieError
					if !errors.As(err, &lie) || fault.KindOf(err) != fault.Corrupt {
						t.Fatalf("%v", err)
					}
				}
				if i == len(order) {
					break
				}
				page, n, err := AppendPage(nil, m, i, 1, b.block)
				if err != nil || n != 1 {
					t.Fatal(n, err)
				}
				if err := ReadPage(page, to, nil); err != nil {
					t.Fatalf("after the lie: %v", err)
				}
			}
			if _, done := to.Next(); !done || to.Manifest().Digest() != m.Digest() {
				t.Error("another manifest")
			}
		})
	}
}

func TestCheckLeaf(t *testing.T) {
	b := blocks{}
	_, order := small(b)
	file, raw, old := order[2], order[3], order[6]
	for _, test := range []struct {
		c    cid.Cid
		size int
		lie  bool
	}{
		{raw, len(b[raw]), false},
		{old, len(b[old]), false},
		{old, len(b[old]) + 1, true},
		{file, len(b[file]), true},
	} {
		err := CheckLeaf(Entry{test.c, true, uint32(test.size)}, b[test.c])
		var lie *LieError
		if errors.As(err, &lie) != test.lie || (err != nil) != test.lie {
			t.Errorf("%s %d: %v", test.c, test.size, err)
		}
	}
}

// TestKeepFails shows that b has not moved when a block could not be kept.
func TestKeepFails(t *testing.T) {
	b := blocks{}
	root, _ := small(b)
	m := b.build(t, root)
	page, _, err := AppendPage(nil, m, 0, 0, b.block)
	if err != nil {
		t.Fatal(err)
	}
	to, full := NewBuilder(root, DefaultLimits()), errors.New("disk full")
	if err := ReadPage(page, to, func(cid.Cid, []byte) error { return full }); !errors.Is(err, full) {
		t.Fatal(err)
	}
	if c, _ := to.Next(); c != root || to.Manifest().Len() != 0 {
		t.Error("it moved")
	}
	if err := ReadPage(page, to, nil); err != nil {
		t.Error(err)
	}
}

func TestAppendPage(t *testing.T) {
	b := blocks{}
	root, _ := small(b)
	m := b.build(t, root)
	prefix := []byte("before")
	for _, size := range []int{0, 1, 10, 1 << 30} {
		for from := range m.Len() + 1 {
			out, n, err := AppendPage(prefix, m, from, size, b.block)
			if err != nil || string(out[:len(prefix)]) != "before" || (n == 0) != (from == m.Len()) {
				t.Fatalf("from %d: %d entries, %v", from, n, err)
			}
			if size > 1 && size <= MaxPage && n > 1 && len(out)-len(prefix) > size {
				t.Errorf("from %d: %d bytes, at most %d", from, len(out)-len(prefix), size)
			}
		}
	}
	for _, from := range []int{-1, m.Len() + 1} {
		if _, _, err := AppendPage(nil, m, from, 0, b.block); fault.KindOf(err) != fault.BadInput {
			t.Errorf("from %d: %v", from, err)
		}
	}
	delete(b, root)
	if _, _, err := AppendPage(nil, m, 0, 0, b.block); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a missing block: %v", err)
	}
}
