package store

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/importer"
	"github.com/seed4134be55/peer/contentaddr/manifest"
)

// A logbook keeps what a store logs.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// count returns how many lines hold s.
func (l *logbook) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, s) {
			n++
		}
	}
	return n
}

func openStore(t testing.TB, dir string) *Store {
	t.Helper()
	s, _ := openLogged(t, dir)
	return s
}

func openLogged(t testing.TB, dir string) (*Store, *logbook) {
	t.Helper()
	log := new(logbook)
	s, err := Open(Config{Dir: dir, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, log
}

// random returns n bytes that a seed determines.
func random(seed uint64, n int) []byte {
	p := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	r.Read(p)
	return p
}

// tree writes files below dir; a name that ends with a slash is a folder.
func tree(t testing.TB, dir string, files map[string][]byte) string {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(path, 0o777))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(path), 0o777))
		must(t, os.WriteFile(path, content, 0o666))
	}
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// share imports path into s.
func share(t testing.TB, s *Store, path string, o importer.Options) cid.Cid {
	t.Helper()
	im := s.Import()
	res, err := importer.Import(t.Context(), path, o, im, nil)
	must(t, err)
	must(t, im.Commit(t.Context(), RootInfo{Cid: res.Root, Name: filepath.Base(path), Path: path, Bytes: res.Bytes, Files: res.Files}))
	return res.Root
}

// giveManifest gives d the manifest and the inner nodes that from has.
func giveManifest(t testing.TB, d *Download, from Content, s *Store) error {
	t.Helper()
	ctx := context.Background()
	m := from.Manifest()
	for i := range m.Len() {
		if e := m.Entry(i); !e.Leaf {
			block, err := s.Block(ctx, e.Cid, nil)
			must(t, err)
			must(t, d.PutNode(e.Cid, block))
		}
	}
	l, err := manifest.NewLayout(ctx, m, d.Node, manifest.DefaultLimits())
	must(t, err)
	return d.SetManifest(ctx, m, l)
}

// begin starts or resumes a download of a root that from holds.
func begin(t testing.TB, from, to *Store, spec DownloadSpec) (*Download, Content) {
	t.Helper()
	content, err := from.Root(t.Context(), spec.Root)
	must(t, err)
	d, err := to.Download(t.Context(), spec)
	must(t, err)
	must(t, giveManifest(t, d, content, from))
	return d, content
}

// fetch puts the leaves that d lacks, at most n of them, and returns how many it put.
func fetch(t testing.TB, d *Download, from Content, n int) int {
	t.Helper()
	have := d.Have()
	done := 0
	var buf []byte
	for i := range from.Manifest().Leaves() {
		if have.Has(i) || done == n {
			continue
		}
		block, err := from.ReadLeaf(t.Context(), i, buf)
		must(t, err)
		must(t, d.Put(i, block))
		buf = block
		done++
	}
	return done
}

const all = 1 << 30

// sameTree compares two files or folders.
func sameTree(t testing.TB, want, got string) {
	t.Helper()
	if a, b := listing(t, want), listing(t, got); a != b {
		t.Errorf("%s is not %s:\n%s\n%s", got, want, b, a)
	}
}

func listing(t testing.TB, root string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		switch {
		case e.IsDir():
			fmt.Fprintf(&out, "%s/\n", rel)
		case e.Type() == fs.ModeSymlink:
			target, _ := os.Readlink(path)
			fmt.Fprintf(&out, "%s -> %s\n", rel, target)
		default:
			p, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, "%s %d %x\n", rel, len(p), sum(p))
		}
		return nil
	})
	must(t, err)
	return out.String()
}
