package store

import (
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/seed4134be55/peer/contentaddr/importer"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

func sum(p []byte) [32]byte { return sha256.Sum256(p) }

func oldProfile(t testing.TB) unixfs.Profile {
	t.Helper()
	p, err := unixfs.ParseProfile("unixfs-v0-2015")
	must(t, err)
	return p
}

// samples are trees that exercise what a layout can hold.
func samples() map[string]map[string][]byte {
	many := make(map[string][]byte)
	for i := range 300 {
		many[filepath.Join("d", string(rune('a'+i%26)), "f"+string(rune('0'+i%10))+string(rune('a'+i/10)))] = random(uint64(i), 100+i*7)
	}
	return map[string]map[string][]byte{
		"one leaf":       {"f": random(1, 1000)},
		"several leaves": {"f": random(2, 5<<20+17)},
		"folder": {
			"a": random(3, 3<<20), "b/c": random(4, 10), "b/empty": nil, "none/": nil,
			"b/copy of a": random(3, 3<<20), "zeros": make([]byte, 4<<20),
		},
		"many files": many,
		"empty":      {"none/": nil},
	}
}

func TestShareAndDownload(t *testing.T) {
	for name, files := range samples() {
		for _, o := range []importer.Options{{}, {Profile: oldProfile(t)}, {Preserve: true}} {
			t.Run(name, func(t *testing.T) {
				src := tree(t, filepath.Join(t.TempDir(), "src"), files)
				if _, single := files["f"]; single {
					src = filepath.Join(src, "f")
				}
				a, b := openStore(t, t.TempDir()), openStore(t, t.TempDir())
				root := share(t, a, src, o)
				dest := filepath.Join(t.TempDir(), "dest")
				d, from := begin(t, a, b, DownloadSpec{Root: root, Dest: dest})
				fetch(t, d, from, all)
				path, err := d.Finish(t.Context())
				must(t, err)
				if path != dest {
					t.Errorf("path %s", path)
				}
				size := 0
				for _, content := range files {
					size += len(content)
				}
				if d.Bytes() != int64(size) {
					t.Errorf("%d bytes, want %d", d.Bytes(), size)
				}
				sameTree(t, src, dest)
				if _, err := os.Lstat(dest + ".part"); err == nil {
					t.Error("the .part is still there")
				}
				must(t, d.Close())
				servesAll(t, b, from)
				if r, err := b.Root(t.Context(), root); err != nil || r.Manifest().Digest() != from.Manifest().Digest() {
					t.Errorf("the root is not held: %v", err)
				}
			})
		}
	}
}

// servesAll checks that s holds every block of a root, and can send it.
func servesAll(t *testing.T, s *Store, root Content) {
	t.Helper()
	m := root.Manifest()
	for i := range m.Len() {
		e := m.Entry(i)
		block, err := s.Block(t.Context(), e.Cid, nil)
		must(t, err)
		if size, ok := s.Size(e.Cid); !ok || size != len(block) || size != int(e.Size) {
			t.Fatalf("size of entry %d is %d %v, its block has %d, the manifest says %d", i, size, ok, len(block), e.Size)
		}
	}
}

func TestResume(t *testing.T) {
	for name, files := range samples() {
		t.Run(name, func(t *testing.T) {
			src := tree(t, filepath.Join(t.TempDir(), "src"), files)
			a, home := openStore(t, t.TempDir()), t.TempDir()
			root := share(t, a, src, importer.Options{})
			dest := filepath.Join(t.TempDir(), "dest")
			b := openStore(t, home)
			d, from := begin(t, a, b, DownloadSpec{Root: root, Dest: dest})
			n := from.Manifest().Leaves()
			fetch(t, d, from, n/2)
			must(t, b.Close())
			b = openStore(t, home)
			if infos, err := b.Roots(); err != nil || len(infos) != 1 || infos[0].Complete {
				t.Fatalf("roots %v %v", infos, err)
			}
			d, _ = begin(t, a, b, DownloadSpec{Root: root, Dest: dest})
			if got := d.Have().Count(); got != n/2 {
				t.Errorf("%d leaves are left of %d", got, n/2)
			}
			if got := fetch(t, d, from, all); got != n-n/2 {
				t.Errorf("%d leaves fetched, not %d", got, n-n/2)
			}
			_, err := d.Finish(t.Context())
			must(t, err)
			sameTree(t, src, dest)
		})
	}
}

// A leaf of the journal is not believed once somebody else has written to its file.
func TestResumeTampered(t *testing.T) {
	src := tree(t, filepath.Join(t.TempDir(), "src"), map[string][]byte{"f": random(1, 6<<20), "g": random(2, 100)})
	a, home := openStore(t, t.TempDir()), t.TempDir()
	root := share(t, a, src, importer.Options{})
	dest := filepath.Join(t.TempDir(), "dest")
	b := openStore(t, home)
	d, from := begin(t, a, b, DownloadSpec{Root: root, Dest: dest})
	fetch(t, d, from, all)
	must(t, b.Close())

	f, err := os.OpenFile(filepath.Join(dest+".part", "f"), os.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt([]byte("changed"), 3<<20+5)
	must(t, err)
	st, err := f.Stat()
	must(t, err)
	later := st.ModTime().Add(10 * beatSlack)
	must(t, f.Close())
	must(t, os.Chtimes(filepath.Join(dest+".part", "f"), later, later))

	b = openStore(t, home)
	d, _ = begin(t, a, b, DownloadSpec{Root: root, Dest: dest})
	if have := d.Have(); have.Count() != have.Len()-1 {
		t.Errorf("%d of %d leaves are believed", have.Count(), have.Len())
	}
	fetch(t, d, from, all)
	_, err = d.Finish(t.Context())
	must(t, err)
	sameTree(t, src, dest)
}

func TestPutRefuses(t *testing.T) {
	src := tree(t, t.TempDir(), map[string][]byte{"f": random(1, 3<<20)})
	a, b := openStore(t, t.TempDir()), openStore(t, t.TempDir())
	root := share(t, a, src, importer.Options{})
	d, from := begin(t, a, b, DownloadSpec{Root: root, Dest: filepath.Join(t.TempDir(), "x")})
	block, err := from.ReadLeaf(t.Context(), 1, nil)
	must(t, err)
	if err := d.Put(0, block); fault.KindOf(err) != fault.Corrupt {
		t.Errorf("the wrong block was taken: %v", err)
	}
	if _, err := d.Finish(t.Context()); err == nil {
		t.Error("finished with leaves missing")
	}
	if _, err := b.Download(t.Context(), DownloadSpec{Root: root, Dest: d.Path()}); fault.KindOf(err) != fault.Refused {
		t.Errorf("a second download of the same: %v", err)
	}
}

// Any number of shared files takes a bounded number of descriptors, also when many read at once.
func TestOpenFilesAreBounded(t *testing.T) {
	const most = 8
	dir := tree(t, t.TempDir(), samples()["many files"])
	s, err := Open(Config{Dir: t.TempDir(), Limits: Limits{OpenFiles: most}})
	must(t, err)
	defer s.Close()
	root, err := s.Root(t.Context(), share(t, s, dir, importer.Options{}))
	must(t, err)
	var work sync.WaitGroup
	for g := range 4 {
		work.Go(func() {
			for i := range root.Manifest().Leaves() {
				if _, err := root.ReadLeaf(t.Context(), (i*7+g)%root.Manifest().Leaves(), nil); err != nil {
					t.Error(err)
				}
				if n := s.files.len(); n > most {
					t.Errorf("%d files are kept open", n)
				}
			}
		})
	}
	work.Wait()
}

// Zeros are not written: a sparse file stays one.
func TestHolesStay(t *testing.T) {
	src := filepath.Join(t.TempDir(), "f")
	must(t, os.WriteFile(src, []byte("begin"), 0o666))
	must(t, os.Truncate(src, 64<<20))
	a, b := openStore(t, t.TempDir()), openStore(t, t.TempDir())
	dest := filepath.Join(t.TempDir(), "dest")
	d, from := begin(t, a, b, DownloadSpec{Root: share(t, a, src, importer.Options{}), Dest: dest})
	fetch(t, d, from, all)
	_, err := d.Finish(t.Context())
	must(t, err)
	sameTree(t, src, dest)
	for _, path := range []string{src, dest} {
		f, err := b.disk.Open(path)
		must(t, err)
		defer f.Close()
		if _, _, err := f.Data(2 << 20); err == io.EOF {
			continue
		}
		if path == src {
			t.Skip("this file system does not tell holes")
		}
		t.Error("zeros were written")
	}
}
