package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed4134be55/peer/contentaddr/importer"
	"github.com/seed4134be55/peer/fault"
)

// After a restart, what was verified of a download is served before anybody goes on with it: leaf by leaf what was
// put, hashed, and nothing else. Nothing is kept open for it.
func TestPausedIsServed(t *testing.T) {
	for name, files := range samples() {
		t.Run(name, func(t *testing.T) {
			src := tree(t, filepath.Join(t.TempDir(), "src"), files)
			a, home := openStore(t, t.TempDir()), t.TempDir()
			root := share(t, a, src, importer.Options{})
			b := openStore(t, home)
			d, from := begin(t, a, b, DownloadSpec{Root: root, Dest: filepath.Join(t.TempDir(), "dest")})
			n := from.Manifest().Leaves()
			fetch(t, d, from, n/2)
			must(t, b.Close())
			b = openStore(t, home)

			half, err := b.Root(t.Context(), root)
			if n/2 == 0 {
				if fault.KindOf(err) != fault.NotFound {
					t.Fatalf("nothing is here, and it opens: %v", err)
				}
				return
			}
			must(t, err)
			if half.Manifest().Digest() != from.Manifest().Digest() {
				t.Error("it numbers leaves in another way")
			}
			if got := half.Have().Count(); got != n/2 {
				t.Errorf("%d leaves of %d", got, n/2)
			}
			for i := range n {
				block, err := half.ReadLeaf(t.Context(), i, nil)
				if half.Have().Has(i) {
					want, wantErr := from.ReadLeaf(t.Context(), i, nil)
					must(t, errors.Join(err, wantErr))
					if string(block) != string(want) {
						t.Fatalf("leaf %d is another", i)
					}
				} else if fault.KindOf(err) != fault.NotFound {
					t.Errorf("leaf %d is not here: %v", i, err)
				}
			}
			if open := b.files.len() + b.parts.len(); open != 0 {
				t.Errorf("%d files are open", open)
			}
			roots, err := b.Roots()
			must(t, err)
			if roots[0].Held <= 0 || roots[0].Held >= roots[0].Bytes {
				t.Errorf("%d of %d bytes are held", roots[0].Held, roots[0].Bytes)
			}
		})
	}
}

// A leaf that somebody wrote over is withdrawn when it is read; when the download goes on and is finished, whoever had
// it open before reads from where it has got to.
func TestPausedChangesUnderneath(t *testing.T) {
	src := filepath.Join(tree(t, t.TempDir(), map[string][]byte{"f": random(1, 6<<20)}), "f")
	a, home := openStore(t, t.TempDir()), t.TempDir()
	root := share(t, a, src, importer.Options{})
	dest := filepath.Join(t.TempDir(), "dest")
	b := openStore(t, home)
	d, from := begin(t, a, b, DownloadSpec{Root: root, Dest: dest})
	fetch(t, d, from, 4)
	must(t, b.Close())
	b = openStore(t, home)
	half, err := b.Root(t.Context(), root)
	must(t, err)
	changes, cancel := half.Changes()
	defer cancel()

	f, err := os.OpenFile(dest+".part", os.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt([]byte("changed"), 1<<20)
	must(t, errors.Join(err, f.Close()))
	if _, err := half.ReadLeaf(t.Context(), 1, nil); !errors.Is(err, ErrWithdrawn) {
		t.Errorf("a leaf that was written over: %v", err)
	}
	if c := <-changes; !c.Withdrawn || c.First != 1 {
		t.Errorf("told %+v", c)
	}

	d, _ = begin(t, a, b, DownloadSpec{Root: root, Dest: dest})
	if now, err := b.Root(t.Context(), root); err != nil || now != Content(d) {
		t.Errorf("while it goes on, %T is opened, %v", now, err)
	}
	fetch(t, d, from, all)
	_, err = d.Finish(t.Context())
	must(t, err)
	must(t, d.Close())
	if _, err := half.ReadLeaf(t.Context(), 2, nil); err != nil {
		t.Errorf("once it is finished: %v", err)
	}
	whole, err := b.Root(t.Context(), root)
	must(t, err)
	if !whole.Have().Full() {
		t.Error("once it is finished, it is not opened whole")
	}
}
