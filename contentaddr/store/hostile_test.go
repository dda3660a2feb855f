package store

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

// A dag is made by hand.
type dag map[cid.Cid][]byte

func (g dag) put(t *testing.T, codec uint64, block []byte) cid.Cid {
	t.Helper()
	h, err := multihash.Sum(block, multihash.SHA2_256, -1)
	must(t, err)
	c := cid.NewCidV1(codec, h)
	g[c] = block
	return c
}

func (g dag) node(t *testing.T, n unixfs.Node) cid.Cid {
	t.Helper()
	return g.put(t, cid.DagProtobuf, n.Encode())
}

func (g dag) folder(t *testing.T, links ...unixfs.Link) cid.Cid {
	t.Helper()
	return g.node(t, unixfs.Node{Kind: unixfs.Directory, Links: links})
}

func (g dag) get(_ context.Context, c cid.Cid) ([]byte, error) { return g[c], nil }

// start begins a download of a hand-made DAG.
func (g dag) start(t *testing.T, s *Store, root cid.Cid, dest string) (*Download, error) {
	t.Helper()
	m, err := manifest.Build(t.Context(), root, g.get, nil, manifest.DefaultLimits())
	must(t, err)
	d, err := s.Download(t.Context(), DownloadSpec{Root: root, Dest: dest})
	must(t, err)
	for i := range m.Len() {
		if e := m.Entry(i); !e.Leaf {
			must(t, d.PutNode(e.Cid, g[e.Cid]))
		}
	}
	l, err := manifest.NewLayout(t.Context(), m, d.Node, manifest.DefaultLimits())
	if err != nil {
		return d, err
	}
	return d, d.SetManifest(t.Context(), m, l)
}

func (g dag) fetch(t *testing.T, d *Download) {
	t.Helper()
	for i := range d.Manifest().Leaves() {
		must(t, d.Put(i, g[d.Manifest().Leaf(i).Cid]))
	}
}

// Names from the network lead nowhere but into the destination.
func TestHostileNames(t *testing.T) {
	names := []string{"..", ".", "", "/etc/x", "a/b", "../x", "a\x00b", "a\nb", "\x1b[2J", "\u202egnp.exe", strings.Repeat("x", 256), "\xff"}
	for _, name := range names {
		for _, kind := range []string{"file", "folder", "symlink", "deep file"} {
			t.Run(kind, func(t *testing.T) {
				g := dag{}
				target := g.put(t, cid.Raw, []byte("payload"))
				switch kind {
				case "folder":
					target = g.folder(t, unixfs.Link{Name: "x", Cid: target, Tsize: 7})
				case "symlink":
					target = g.node(t, unixfs.Node{Kind: unixfs.Symlink, Data: []byte("x")})
				}
				root := g.folder(t, unixfs.Link{Name: name, Cid: target, Tsize: 7})
				if kind == "deep file" {
					root = g.folder(t, unixfs.Link{Name: "deep", Cid: root})
				}
				home := t.TempDir()
				d, err := g.start(t, openStore(t, t.TempDir()), root, filepath.Join(home, "dest"))
				if !refused(err) {
					t.Fatalf("%q: %v", name, err)
				}
				if strings.ContainsAny(err.Error(), "\x00\x1b\n\u202e") {
					t.Errorf("the error holds control characters: %q", err)
				}
				must(t, d.Discard())
				if got := listing(t, home); got != "./\n" {
					t.Errorf("written: %s", got)
				}
			})
		}
	}
}

// refused tells whether a DAG was refused, by its layout or by the store.
func refused(err error) bool {
	kind := fault.KindOf(err)
	return kind == fault.Refused || kind == fault.Corrupt
}

// Two things by one name, one of them a symlink that the other would go through.
func TestHostileTwins(t *testing.T) {
	g := dag{}
	leaf := g.put(t, cid.Raw, []byte("payload"))
	link := g.node(t, unixfs.Node{Kind: unixfs.Symlink, Data: []byte("/tmp")})
	folder := g.folder(t, unixfs.Link{Name: "x", Cid: leaf, Tsize: 7})
	for _, twins := range [][2]cid.Cid{{link, folder}, {folder, link}, {leaf, leaf}, {link, leaf}} {
		root := g.folder(t, unixfs.Link{Name: "a", Cid: twins[0]}, unixfs.Link{Name: "a", Cid: twins[1]})
		home := t.TempDir()
		d, err := g.start(t, openStore(t, t.TempDir()), root, filepath.Join(home, "dest"))
		if !refused(err) {
			t.Errorf("not refused: %v", err)
		}
		must(t, d.Discard())
		if got := listing(t, home); got != "./\n" {
			t.Errorf("written: %s", got)
		}
	}
}

// Symlinks are made if they stay inside; others are left out and named.
func TestSymlinks(t *testing.T) {
	targets := map[string]bool{ // target → made
		"a": true, "d/x": true, "./a": true, "d": true, "missing": true,
		"/etc/passwd": false, "..": false, "../..": false, "d/../../x": false, "d/..": false, "": false,
	}
	g := dag{}
	leaf := g.put(t, cid.Raw, []byte("payload"))
	links := []unixfs.Link{{Name: "a", Cid: leaf, Tsize: 7}, {Name: "d", Cid: g.folder(t,
		unixfs.Link{Name: "up", Cid: g.node(t, unixfs.Node{Kind: unixfs.Symlink, Data: []byte("../a")})},
		unixfs.Link{Name: "x", Cid: leaf, Tsize: 7},
	)}}
	name := func(target string) string { return "link to " + strings.ReplaceAll(target, "/", "|") }
	for target := range targets {
		links = append(links, unixfs.Link{Name: name(target), Cid: g.node(t, unixfs.Node{Kind: unixfs.Symlink, Data: []byte(target)})})
	}
	dest := filepath.Join(t.TempDir(), "dest")
	d, err := g.start(t, openStore(t, t.TempDir()), g.folder(t, links...), dest)
	must(t, err)
	g.fetch(t, d)
	_, err = d.Finish(t.Context())
	must(t, err)
	skipped := make(map[string]bool)
	for _, s := range d.Skipped() {
		skipped[filepath.Base(s.Path)] = true
	}
	for target, made := range targets {
		got, err := os.Readlink(filepath.Join(dest, name(target)))
		if (err == nil) != made || made && got != target || skipped[name(target)] == made {
			t.Errorf("symlink to %q: %q %v, skipped %v", target, got, err, skipped[name(target)])
		}
	}
	if got, err := os.ReadFile(filepath.Join(dest, "d", "up")); err != nil || string(got) != "payload" {
		t.Errorf("through d/up: %q %v", got, err)
	}
}

// Foreign DAGs: dag-pb leaves in a frame of their own, bytes in inner nodes, identity CIDs, modes.
func TestForeignLeaves(t *testing.T) {
	g := dag{}
	identity := func(p []byte) cid.Cid {
		h, err := multihash.Sum(p, multihash.IDENTITY, -1)
		must(t, err)
		return cid.NewCidV1(cid.Raw, h)
	}
	rawLeaf := g.node(t, unixfs.Node{Kind: unixfs.Raw, Data: []byte("old"), FileSize: 3, HasFileSize: true})
	bare := g.node(t, unixfs.Node{Kind: unixfs.File, Data: []byte("bare"), FileSize: 4})
	moded := g.node(t, unixfs.Node{Kind: unixfs.File, Data: []byte("run"), FileSize: 3, HasFileSize: true, Mode: 0o4750, HasMode: true})
	mixed := g.node(t, unixfs.Node{
		Kind: unixfs.File, Links: []unixfs.Link{{Cid: rawLeaf}, {Cid: identity([]byte("inline"))}, {Cid: bare}},
		BlockSizes: []uint64{3, 6, 4}, FileSize: 13, HasFileSize: true,
	})
	root := g.folder(t,
		unixfs.Link{Name: "bare", Cid: bare}, unixfs.Link{Name: "identity", Cid: identity([]byte("inline"))},
		unixfs.Link{Name: "mixed", Cid: mixed}, unixfs.Link{Name: "run", Cid: moded},
		unixfs.Link{Name: "none", Cid: g.put(t, cid.Raw, nil)},
	)
	want := map[string]string{"bare": "bare", "identity": "inline", "mixed": "oldinlinebare", "run": "run", "none": ""}
	home := t.TempDir()
	s := openStore(t, home)
	dest := filepath.Join(t.TempDir(), "dest")
	d, err := g.start(t, s, root, dest)
	must(t, err)
	g.fetch(t, d)
	servesDag(t, s, g)
	must(t, s.Close()) // the frames must outlive a restart
	s = openStore(t, home)
	d, err = g.start(t, s, root, dest)
	must(t, err)
	if have := d.Have(); !have.Full() {
		t.Errorf("%d of %d leaves after a restart", have.Count(), have.Len())
	}
	servesDag(t, s, g)
	_, err = d.Finish(t.Context())
	must(t, err)
	servesDag(t, s, g)
	for name, content := range want {
		if got, err := os.ReadFile(filepath.Join(dest, name)); err != nil || string(got) != content {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	if st, err := os.Stat(filepath.Join(dest, "run")); err != nil || st.Mode() != 0o750 {
		t.Errorf("mode %v %v", st.Mode(), err)
	}
}

func servesDag(t *testing.T, s *Store, g dag) {
	t.Helper()
	for c, want := range g {
		if block, err := s.Block(t.Context(), c, nil); err != nil || string(block) != string(want) {
			t.Errorf("block %s: %q %v", c, block, err)
		}
	}
}
