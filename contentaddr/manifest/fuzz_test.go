package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

// FuzzReadPage feeds pages to a receiver of an honest root: it must refuse them without moving, or
// take what the honest sender would have sent.
func FuzzReadPage(f *testing.F) {
	b := blocks{}
	root, _ := small(b)
	m, err := Build(f.Context(), root, b.get, nil, DefaultLimits())
	if err != nil {
		f.Fatal(err)
	}
	for from := range m.Len() {
		page, _, err := AppendPage(nil, m, from, 100, b.block)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(from), page)
		f.Add(byte(from), page[:len(page)-1])
		f.Add(byte(from), append(page, page...))
	}
	f.Fuzz(func(t *testing.T, from byte, page []byte) {
		to := NewBuilder(root, DefaultLimits())
		for i := range min(int(from), m.Len()) {
			honest, _, err := AppendPage(nil, m, i, 1, b.block)
			if err != nil {
				t.Fatal(err)
			}
			if err := ReadPage(honest, to, nil); err != nil {
				t.Fatal(err)
			}
		}
		before := to.Manifest().Len()
		err := ReadPage(page, to, nil)
		if err != nil && fault.KindOf(err) != fault.Corrupt {
			t.Errorf("kind of %v", err)
		}
		if err == nil && to.Manifest().Len() == before {
			t.Error("a page without an entry passed")
		}
		for i := range to.Manifest().Len() {
			got, want := to.Manifest().Entry(i), m.Entry(i)
			if got.Leaf && want.Cid.Type() != cid.Raw {
				return // only the sender's word says so, and how large it is; what follows is another order
			}
			if got != want {
				t.Errorf("entry %d is %+v, want %+v", i, got, want)
			}
		}
	})
}

// program makes a DAG of whatever nodes its bytes say, each over some of those before it, so that
// a fuzzer need not guess hashes. Sizes are mostly true, or nothing would get far.
func program(b blocks, code []byte) cid.Cid {
	next := func() byte {
		if len(code) == 0 {
			return 0
		}
		v := code[0]
		code = code[1:]
		return v
	}
	made := []part{{b.raw([]byte("seed")), 4}}
	for len(code) > 0 {
		op := next()
		n := &unixfs.Node{Kind: unixfs.Kind(op & 7 % 6)}
		if op&8 != 0 {
			n.Data = bytes.Repeat([]byte{op}, int(next()))
		}
		if op&16 != 0 {
			data := bytes.Repeat([]byte{op}, int(next())*16)
			made = append(made, part{b.raw(data), uint64(len(data))})
			continue
		}
		n.FileSize, n.HasFileSize = uint64(len(n.Data)), op&32 != 0
		for i := range int(next()) % 9 {
			p := made[max(0, len(made)-1-int(next())%8)]
			n.Links = append(n.Links, unixfs.Link{Name: fmt.Sprint(i), Cid: p.cid})
			if n.Kind != unixfs.File && n.Kind != unixfs.Raw {
				n.Links[i].Name = fmt.Sprintf("%02X%d", i, i)
				continue
			}
			if op&192 == 192 {
				p.size = uint64(next()) << next()
			}
			n.BlockSizes = append(n.BlockSizes, p.size)
			n.FileSize += p.size
		}
		if n.Kind == unixfs.HAMTShard {
			n.HashType, n.Fanout = unixfs.HashMurmur3, 256
		}
		made = append(made, part{b.node(n), n.FileSize})
	}
	return made[len(made)-1].cid
}

// FuzzBuilder builds, streams, lays out and reads whatever program makes.
func FuzzBuilder(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{2 | 32, 2, 0, 0})
	f.Add([]byte{16, 9, 2 | 32, 3, 0, 1, 0, 1, 2, 0, 1})
	f.Add([]byte{10 | 32, 7, 2, 0, 0, 1, 1, 0})
	f.Add([]byte{1, 0, 1, 1, 0, 2, 1, 0})
	f.Add([]byte{12, 3, 0, 1, 2, 0, 1})
	f.Add(bytes.Repeat([]byte{2 | 32, 2, 0, 0}, 40))
	f.Add(bytes.Repeat([]byte{1, 2, 0, 0}, 40))
	f.Add([]byte{2 | 192, 1, 0, 255, 55})
	f.Fuzz(func(t *testing.T, code []byte) {
		if len(code) > 1000 {
			return
		}
		lim := DefaultLimits() // low, so that the fuzzer gets round often and meets them
		lim.Expand, lim.Occurrences, lim.FileDepth, lim.Depth = 1<<8, 1<<12, 8, 12
		b := blocks{}
		root := program(b, code)
		m, err := Build(t.Context(), root, b.get, nil, lim)
		if err != nil {
			if fault.KindOf(err) != fault.Corrupt {
				t.Errorf("Build: kind of %v", err)
			}
			return
		}
		received, kept, err := b.pages(m, 200)
		if err != nil || received.Digest() != m.Digest() {
			t.Fatalf("what was built does not stream: %v", err)
		}
		l, err := NewLayout(t.Context(), received, kept.get, lim)
		if err != nil {
			if fault.KindOf(err) != fault.Corrupt {
				t.Errorf("NewLayout: kind of %v", err)
			}
			return
		}
		checkFiles(t, b, m, l)
	})
}

// checkFiles holds the extents of the first files against each other, and a root that is a file
// against its reader.
func checkFiles(t *testing.T, b blocks, m *Manifest, l *Layout) {
	for i := range l.Files[:min(len(l.Files), 20)] {
		l.FilePath(i)
		if l.Files[i].Size < 0 || l.Files[i].Size > 1<<20 {
			continue
		}
		var offset int64
		var content []byte
		for e := range l.Extents(i) {
			if e.Offset != offset {
				t.Fatalf("an extent at %d, want %d", e.Offset, offset)
			}
			offset += e.Size
			content = append(content, e.Literal...)
			if e.Leaf >= 0 && e.Size > 0 { // a reader never opens a leaf that is said to be empty
				content = append(content, payload(b, m.Leaf(e.Leaf))...)
			}
		}
		if offset != l.Files[i].Size {
			t.Errorf("extents of %d bytes, want %d", offset, l.Files[i].Size)
		}
		if len(l.Dirs) > 0 {
			continue
		}
		r, err := OpenFile(t.Context(), m.Root(), b.get)
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, offset)
		_, err = r.ReadAt(t.Context(), p, 0)
		if int64(len(content)) != offset {
			// A dag-pb leaf does not hold what is said of it: no reading gets past that.
			if fault.KindOf(err) != fault.Corrupt {
				t.Errorf("read a leaf that lies: %v", err)
			}
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) && fault.KindOf(err) != fault.Corrupt {
			t.Fatal(err)
		}
		if err == nil && !bytes.Equal(p, content) {
			t.Error("the reader reads other bytes")
		}
	}
}

func payload(b blocks, e Entry) []byte {
	start, end, err := unixfs.Payload(e.Cid, b[e.Cid])
	if err != nil {
		return nil
	}
	return b[e.Cid][start:end]
}
