package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed4134be55/peer/contentaddr/importer"
)

// What was fetched and not touched since needs no look inside; whatever somebody did to it is seen.
func TestIntact(t *testing.T) {
	for name, files := range samples() {
		t.Run(name, func(t *testing.T) {
			src := tree(t, filepath.Join(t.TempDir(), "src"), files)
			a, home := openStore(t, t.TempDir()), t.TempDir()
			root := share(t, a, src, importer.Options{})
			dest := filepath.Join(t.TempDir(), "dest")
			b := openStore(t, home)
			if _, ok := b.Intact(t.Context(), root, dest); ok {
				t.Error("intact before it is there")
			}
			d, from := begin(t, a, b, DownloadSpec{Root: root, Dest: dest})
			fetch(t, d, from, all)
			_, err := d.Finish(t.Context())
			must(t, err)
			must(t, b.Close())
			b = openStore(t, home)
			info, ok := b.Intact(t.Context(), root, dest)
			if !ok || info.Path != dest || !info.Complete {
				t.Fatalf("%+v, %t after a restart", info, ok)
			}
			if _, ok := b.Intact(t.Context(), root, src); ok {
				t.Error("intact elsewhere")
			}
			for what, harm := range map[string]func(path string) error{
				"touched":  func(p string) error { return os.Chtimes(p, time.Time{}, time.Unix(1, 0)) },
				"replaced": func(p string) error { return os.Rename(p, p+"x") },
			} {
				for file := range files {
					path := filepath.Join(dest, filepath.FromSlash(file))
					st, err := os.Stat(path)
					if err != nil || (st.IsDir() || st.Size() == 0) && what == "touched" {
						continue // its time says nothing of what is in it
					}
					must(t, harm(path))
					if _, ok := b.Intact(t.Context(), root, dest); ok {
						t.Errorf("%s %s", file, what)
					}
					break
				}
			}
		})
	}
}

// A download to where the root is held already takes the place of the one before.
func TestDownloadedAgain(t *testing.T) {
	src := tree(t, filepath.Join(t.TempDir(), "src"), samples()["folder"])
	a, b := openStore(t, t.TempDir()), openStore(t, t.TempDir())
	root := share(t, a, src, importer.Options{})
	for range 3 {
		d, from := begin(t, a, b, DownloadSpec{Root: root, Dest: filepath.Join(filepath.Dir(src), "dest")})
		must(t, d.Adopt(t.Context()))
		fetch(t, d, from, all)
		_, err := d.Finish(t.Context())
		must(t, err)
		must(t, d.Close())
		if roots, err := b.Roots(); err != nil || len(roots) != 1 {
			t.Fatalf("%d roots are held, %v", len(roots), err)
		}
		servesAll(t, b, from)
	}
}
