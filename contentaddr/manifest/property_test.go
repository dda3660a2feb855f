package manifest

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/unixfs"
)

// world is a random honest DAG and what it should read as.
type world struct {
	blocks
	r     *rand.Rand
	root  cid.Cid
	files map[string][]byte // by path
	cids  map[string]cid.Cid
	pool  [][]byte // contents already used, to be used again
}

// newWorld makes a folder of random files in random layouts: balanced, trickle-like with data in
// inner nodes, dag-pb leaves, inline leaves, repeated parts, repeated files and whole folders.
func newWorld(seed uint64) *world {
	w := &world{blocks: blocks{}, r: rand.New(rand.NewPCG(seed, 1)), files: map[string][]byte{}, cids: map[string]cid.Cid{}}
	w.root = w.folderAt("", 3).Cid
	return w
}

func (w *world) folderAt(path string, depth int) unixfs.Link {
	var entries []unixfs.Link
	for i := range 1 + w.r.IntN(6) {
		name := fmt.Sprintf("%d", i)
		below := path + "/" + name
		if path == "" {
			below = name
		}
		var l unixfs.Link
		switch {
		case depth > 0 && w.r.IntN(3) == 0:
			l = w.folderAt(below, depth-1)
		default:
			l = w.fileAt(below)
		}
		l.Name = name
		entries = append(entries, l)
	}
	profile := unixfs.DefaultProfile()
	if w.r.IntN(3) == 0 {
		profile.ShardOver = 0 // a hash trie
	}
	l, err := profile.Folder(entries, unixfs.Attr{}, w.emit)
	if err != nil {
		panic(err)
	}
	return l
}

func (w *world) fileAt(path string) unixfs.Link {
	var data []byte
	if len(w.pool) > 0 && w.r.IntN(4) == 0 {
		data = w.pool[w.r.IntN(len(w.pool))]
	} else {
		data = random(w.r, w.r.IntN(20)*w.r.IntN(200))
		if w.r.IntN(3) == 0 {
			data = bytes.Repeat(random(w.r, 64), w.r.IntN(30))
		}
		w.pool = append(w.pool, data)
	}
	w.files[path] = data
	c, _ := w.tree(data, w.r.IntN(4))
	w.cids[path] = c
	return unixfs.Link{Cid: c, Tsize: uint64(len(data))}
}

// tree stores data as a file at most height nodes above its leaves.
func (w *world) tree(data []byte, height int) (cid.Cid, uint64) {
	if height == 0 || len(data) < 2 {
		return w.leaf(data), uint64(len(data))
	}
	size := uint64(len(data))
	var inline []byte
	if w.r.IntN(5) == 0 {
		n := min(len(data), w.r.IntN(40))
		inline, data = data[:n], data[n:]
	}
	var parts []part
	for chunk := max(1, 64*w.r.IntN(12)); len(data) > 0; {
		n := min(len(data), chunk)
		c, size := w.tree(data[:n], w.r.IntN(height))
		parts = append(parts, part{c, size})
		data = data[n:]
	}
	if len(parts) == 0 {
		return w.leaf(inline), size
	}
	return w.file(inline, parts...), size
}

func (w *world) leaf(data []byte) cid.Cid {
	switch k := w.r.IntN(4); {
	case k == 0 && len(data) < 100:
		return identity(cid.Raw, data)
	case k == 1:
		prefix, suffix := unixfs.LeafFrame(len(data))
		return w.put(cid.DagProtobuf, append(append(prefix, data...), suffix...))
	}
	return w.raw(data)
}

func TestHonestDAGs(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	for range 60 {
		seed++
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			w := newWorld(seed)
			m := w.build(t, w.root)
			received, kept, err := w.pages(m, 1+w.r.IntN(2000))
			if err != nil {
				t.Fatal(err)
			}
			if received.Digest() != m.Digest() || !received.Complete() || received.Bytes() != m.Bytes() {
				t.Error("the pages make another manifest")
			}
			checkManifest(t, w, m)
			// The receiver has the inner nodes alone.
			checkLayout(t, w, kept.layout(t, received), m)
			checkReaders(t, w)
		})
	}
}

func checkManifest(t *testing.T, w *world, m *Manifest) {
	seen, leaves := map[cid.Cid]bool{}, 0
	for i := range m.Len() {
		e := m.Entry(i)
		if seen[e.Cid] {
			t.Errorf("%s twice", e.Cid)
		}
		seen[e.Cid] = true
		if int(e.Size) != len(w.blocks[e.Cid]) {
			t.Errorf("%s: size %d, want %d", e.Cid, e.Size, len(w.blocks[e.Cid]))
		}
		at, ok := m.LeafIndex(e.Cid)
		if ok != e.Leaf || ok && (at != leaves || m.Leaf(at) != e) {
			t.Errorf("entry %d is leaf %d, %v", i, at, ok)
		}
		if e.Leaf {
			leaves++
			if err := CheckLeaf(e, w.blocks[e.Cid]); err != nil {
				t.Error(err)
			}
		}
	}
	if leaves != m.Leaves() {
		t.Errorf("%d leaves, want %d", m.Leaves(), leaves)
	}
}

// payloadOf returns the file bytes in a leaf.
func (w *world) payloadOf(t *testing.T, e Entry) []byte {
	start, end, err := unixfs.Payload(e.Cid, w.blocks[e.Cid])
	if err != nil {
		t.Fatal(err)
	}
	return w.blocks[e.Cid][start:end]
}

// checkLayout writes all files twice: extent by extent, and leaf by leaf at its places.
func checkLayout(t *testing.T, w *world, l *Layout, m *Manifest) {
	if len(l.Files) != len(w.files) {
		t.Fatalf("%d files, want %d", len(l.Files), len(w.files))
	}
	placed := make([][]byte, len(l.Files))
	for i := range l.Files {
		want, ok := w.files[l.FilePath(i)]
		if !ok {
			t.Fatalf("file %q", l.FilePath(i))
		}
		if size := l.Files[i].Size; size != int64(len(want)) && size != -1 {
			t.Errorf("%s: %d bytes, want %d", l.FilePath(i), size, len(want))
		}
		var got []byte
		placed[i] = make([]byte, len(want))
		for e := range l.Extents(i) {
			if e.Offset != int64(len(got)) {
				t.Fatalf("%s: extent at %d, want %d", l.FilePath(i), e.Offset, len(got))
			}
			part := []byte(e.Literal)
			if e.Leaf >= 0 {
				part = w.payloadOf(t, m.Leaf(e.Leaf))
			} else {
				copy(placed[i][e.Offset:], part)
			}
			if e.Size >= 0 && e.Size != int64(len(part)) {
				t.Errorf("%s: extent of %d bytes, want %d", l.FilePath(i), e.Size, len(part))
			}
			for _, off := range []int64{e.Offset, e.Offset + int64(len(part)) - 1} {
				if at, ok := l.ExtentAt(i, off); len(part) > 0 && (!ok || at != e) {
					t.Errorf("%s: at %d is %+v, want %+v", l.FilePath(i), off, at, e)
				}
			}
			got = append(got, part...)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: other bytes", l.FilePath(i))
		}
		if _, ok := l.ExtentAt(i, int64(len(want))); ok && l.Files[i].Size >= 0 {
			t.Errorf("%s: an extent after its end", l.FilePath(i))
		}
	}
	for leaf := range m.Leaves() {
		data, places := w.payloadOf(t, m.Leaf(leaf)), 0
		for p := range l.Places(leaf) {
			copy(placed[p.File][p.Offset:], data)
			places++
		}
		if places == 0 {
			t.Errorf("leaf %d has no place", leaf)
		}
	}
	for i := range l.Files {
		if !bytes.Equal(placed[i], w.files[l.FilePath(i)]) {
			t.Errorf("%s: the places make other bytes", l.FilePath(i))
		}
	}
}

func checkReaders(t *testing.T, w *world) {
	for path, want := range w.files {
		c, _, err := Resolve(t.Context(), w.root, "/"+path, w.get)
		if err != nil || c != w.cids[path] {
			t.Fatalf("%s: %s %v", path, c, err)
		}
		r, err := OpenFile(t.Context(), c, w.get)
		if err != nil {
			t.Fatal(err)
		}
		if r.Size() != int64(len(want)) {
			t.Fatalf("%s: %d bytes, want %d", path, r.Size(), len(want))
		}
		for range 8 {
			off := w.r.IntN(len(want) + 2)
			p := make([]byte, w.r.IntN(len(want)+2))
			n, err := r.ReadAt(t.Context(), p, int64(off))
			rest := want[min(off, len(want)):]
			if wantN := min(len(p), len(rest)); n != wantN || !bytes.Equal(p[:n], rest[:n]) || (err == io.EOF) != (n < len(p)) || err != nil && err != io.EOF {
				t.Fatalf("%s: read of %d at %d of %d: %d, %v", path, len(p), off, len(want), n, err)
			}
		}
	}
}
