package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed4134be55/peer/contentaddr/importer"
	"github.com/seed4134be55/peer/fault"
)

// What is at the destination already, and what becomes of it.
func TestExistingDestination(t *testing.T) {
	files := map[string][]byte{"a": random(1, 2<<20+5), "b/c": random(2, 100), "b/d": random(3, 3000), "none/": nil}
	changed := func(t *testing.T, dest string) {
		tree(t, dest, files)
		p := append([]byte(nil), files["a"]...)
		p[0]++
		tree(t, dest, map[string][]byte{"a": p, "mine": []byte("mine"), "b/mine": []byte("mine")})
		must(t, os.Remove(filepath.Join(dest, "b", "d")))
	}
	for _, c := range []struct {
		name      string
		make      func(t *testing.T, dest string)
		overwrite bool
		adopted   int // leaves taken over, of 5
		refused   bool
	}{
		{"nothing", func(*testing.T, string) {}, false, 0, false},
		{"equal", func(t *testing.T, dest string) { tree(t, dest, files) }, false, 5, false},
		{"equal and more", func(t *testing.T, dest string) {
			tree(t, dest, files)
			tree(t, dest, map[string][]byte{"mine": []byte("mine"), "b/mine": []byte("mine")})
		}, false, 5, false},
		{"changed", changed, false, 0, true},
		{"changed, to be replaced", changed, true, 3, false},
		{"a file", func(t *testing.T, dest string) { must(t, os.WriteFile(dest, nil, 0o666)) }, true, 0, true},
		{"a symlink to a folder", func(t *testing.T, dest string) {
			must(t, os.Symlink(tree(t, t.TempDir(), files), dest))
		}, true, 0, true},
		{"a symlink inside, where a folder goes", func(t *testing.T, dest string) {
			tree(t, dest, map[string][]byte{"a": nil})
			must(t, os.Symlink(tree(t, t.TempDir(), map[string][]byte{"c": []byte("outside")}), filepath.Join(dest, "b")))
		}, true, 0, true},
		{"a symlink inside, where a file goes", func(t *testing.T, dest string) {
			must(t, os.Mkdir(dest, 0o777))
			must(t, os.Symlink(filepath.Join(tree(t, t.TempDir(), files), "a"), filepath.Join(dest, "a")))
		}, true, 0, true},
		{"a folder inside, where a file goes", func(t *testing.T, dest string) {
			tree(t, dest, map[string][]byte{"a/": nil})
		}, true, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := tree(t, filepath.Join(t.TempDir(), "src"), files)
			home := t.TempDir()
			dest := filepath.Join(home, "dest")
			c.make(t, dest)
			before := listing(t, home)
			a, b := openStore(t, t.TempDir()), openStore(t, t.TempDir())
			d, from := begin(t, a, b, DownloadSpec{Root: share(t, a, src, importer.Options{}), Dest: dest, Overwrite: c.overwrite})
			err := d.Adopt(t.Context())
			if c.refused {
				if fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), "-o DIR") {
					t.Errorf("not refused: %v", err)
				}
				if after := listing(t, home); after != before {
					t.Errorf("changed:\n%s\n%s", before, after)
				}
				return
			}
			must(t, err)
			if got := d.Have().Count(); got != c.adopted {
				t.Errorf("%d leaves taken over, not %d", got, c.adopted)
			}
			if c.adopted == 5 && listing(t, home) != before {
				t.Error("what was equal was written")
			}
			fetch(t, d, from, all)
			_, err = d.Finish(t.Context())
			must(t, err)
			servesAll(t, b, from)
			want := listing(t, src)
			for line := range strings.Lines(listing(t, dest)) {
				if mine := strings.Contains(line, "mine"); mine == strings.Contains(want, line) {
					t.Errorf("unexpected in the destination: %s", line)
				}
				want = strings.Replace(want, line, "", 1)
			}
			if want != "" {
				t.Errorf("missing in the destination: %s", want)
			}
			if mine := strings.Contains(before, "mine"); mine != strings.Contains(listing(t, dest), "b/mine") {
				t.Error("a file that the root does not name is gone")
			}
		})
	}
}

// A destination that comes into being during the download is not overwritten.
func TestLateDestination(t *testing.T) {
	src := filepath.Join(tree(t, t.TempDir(), map[string][]byte{"f": random(1, 10)}), "f")
	dest := filepath.Join(t.TempDir(), "dest")
	a, b := openStore(t, t.TempDir()), openStore(t, t.TempDir())
	d, from := begin(t, a, b, DownloadSpec{Root: share(t, a, src, importer.Options{}), Dest: dest})
	must(t, d.Adopt(t.Context()))
	fetch(t, d, from, all)
	must(t, os.WriteFile(dest, []byte("mine"), 0o666))
	if _, err := d.Finish(t.Context()); fault.KindOf(err) != fault.Refused {
		t.Errorf("finished: %v", err)
	}
	if p, _ := os.ReadFile(dest); string(p) != "mine" {
		t.Errorf("overwritten with %d bytes", len(p))
	}
}

// What stands where the .part goes, and is none, is not followed.
func TestPartInTheWay(t *testing.T) {
	outside := tree(t, t.TempDir(), map[string][]byte{"f": []byte("outside"), "d/f": []byte("outside")})
	before := listing(t, outside)
	file := filepath.Join(tree(t, t.TempDir(), map[string][]byte{"f": random(1, 10)}), "f")
	folder := tree(t, t.TempDir(), map[string][]byte{"f": random(1, 10)})
	for name, c := range map[string]struct {
		src  string
		make func(t *testing.T, part string)
	}{
		"file: symlink to a file":     {file, func(t *testing.T, part string) { must(t, os.Symlink(filepath.Join(outside, "f"), part)) }},
		"file: symlink to nothing":    {file, func(t *testing.T, part string) { must(t, os.Symlink(filepath.Join(outside, "new"), part)) }},
		"file: folder":                {file, func(t *testing.T, part string) { must(t, os.Mkdir(part, 0o777)) }},
		"folder: symlink to a folder": {folder, func(t *testing.T, part string) { must(t, os.Symlink(filepath.Join(outside, "d"), part)) }},
		"folder: file":                {folder, func(t *testing.T, part string) { must(t, os.WriteFile(part, nil, 0o666)) }},
		"folder: a symlink out of it inside": {folder, func(t *testing.T, part string) {
			must(t, os.Mkdir(part, 0o777))
			must(t, os.Symlink(filepath.Join(outside, "f"), filepath.Join(part, "f")))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := openStore(t, t.TempDir()), openStore(t, t.TempDir())
			dest := filepath.Join(t.TempDir(), "dest")
			c.make(t, dest+".part")
			root := share(t, a, c.src, importer.Options{})
			content, err := a.Root(t.Context(), root)
			must(t, err)
			d, err := b.Download(t.Context(), DownloadSpec{Root: root, Dest: dest})
			must(t, err)
			if err = giveManifest(t, d, content, a); err == nil {
				block, _ := content.ReadLeaf(t.Context(), 0, nil)
				err = d.Put(0, block)
			}
			if err == nil {
				t.Error("written all the same")
			}
			if after := listing(t, outside); after != before {
				t.Errorf("changed outside:\n%s", after)
			}
		})
	}
}

// A get of what is shared here copies it.
func TestCopyLocal(t *testing.T) {
	for name, files := range samples() {
		t.Run(name, func(t *testing.T) {
			src := tree(t, filepath.Join(t.TempDir(), "src"), files)
			s := openStore(t, t.TempDir())
			d, from := begin(t, s, s, DownloadSpec{Root: share(t, s, src, importer.Options{}), Dest: filepath.Join(t.TempDir(), "dest")})
			n, err := d.CopyLocal(t.Context())
			must(t, err)
			if n != from.Manifest().Leaves() {
				t.Errorf("copied %d of %d leaves", n, from.Manifest().Leaves())
			}
			_, err = d.Finish(t.Context())
			must(t, err)
			sameTree(t, src, d.Path())
			infos, err := s.Roots()
			if err != nil || len(infos) != 2 {
				t.Errorf("roots %v %v", infos, err)
			}
		})
	}
}

func TestDiscard(t *testing.T) {
	src := tree(t, t.TempDir(), map[string][]byte{"a": random(1, 10), "b/c": random(2, 10)})
	a, b := openStore(t, t.TempDir()), openStore(t, t.TempDir())
	dir := t.TempDir()
	d, from := begin(t, a, b, DownloadSpec{Root: share(t, a, src, importer.Options{}), Dest: filepath.Join(dir, "dest")})
	fetch(t, d, from, 1)
	must(t, d.Discard())
	if got := listing(t, dir); got != "./\n" {
		t.Errorf("left: %s", got)
	}
	waitFor(t, func() bool { return empty(t, b) })
}
