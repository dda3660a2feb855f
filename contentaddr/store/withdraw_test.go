package store

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed4134be55/peer/contentaddr/importer"
	"github.com/seed4134be55/peer/fault"
)

// What happens to a shared file, and what becomes of its four leaves and the one of its neighbour.
func TestSharedFileChanges(t *testing.T) {
	const size = 3<<20 + 100
	content := random(1, size)
	write := func(t *testing.T, path string, off int64, p []byte) {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		must(t, err)
		_, err = f.WriteAt(p, off)
		must(t, err)
		must(t, f.Close())
	}
	for _, c := range []struct {
		name string
		do   func(t *testing.T, path string)
		lost int // of the leaves
	}{
		{"untouched", func(*testing.T, string) {}, 0},
		{"touched", func(t *testing.T, path string) {
			must(t, os.Chtimes(path, time.Now(), time.Now().Add(time.Hour)))
		}, 0},
		{"rewritten with the same bytes", func(t *testing.T, path string) {
			must(t, os.WriteFile(path, content, 0o666))
		}, 0},
		{"replaced by the same bytes", func(t *testing.T, path string) {
			must(t, os.WriteFile(path+".new", content, 0o666))
			must(t, os.Rename(path+".new", path))
		}, 0},
		{"one leaf changed", func(t *testing.T, path string) { write(t, path, 1<<20+7, []byte("x")) }, 1},
		{"changed, with its time put back", func(t *testing.T, path string) {
			st, err := os.Stat(path)
			must(t, err)
			write(t, path, 1<<20+7, []byte("x"))
			must(t, os.Chtimes(path, st.ModTime(), st.ModTime()))
		}, 1},
		{"grown", func(t *testing.T, path string) { write(t, path, size, []byte("more")) }, 0},
		{"truncated", func(t *testing.T, path string) { must(t, os.Truncate(path, 2<<20)) }, 2},
		{"emptied", func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) }, 4},
		{"replaced by others", func(t *testing.T, path string) {
			must(t, os.WriteFile(path+".new", random(9, size), 0o666))
			must(t, os.Rename(path+".new", path))
		}, 4},
		{"vanished", func(t *testing.T, path string) { must(t, os.Remove(path)) }, 4},
		{"now a folder", func(t *testing.T, path string) {
			must(t, os.Remove(path))
			must(t, os.Mkdir(path, 0o777))
		}, 4},
	} {
		for _, open := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				dir := tree(t, t.TempDir(), map[string][]byte{"big": content, "small": random(2, 10)})
				s, log := openLogged(t, t.TempDir())
				root := share(t, s, dir, importer.Options{})
				r, err := s.Root(t.Context(), root)
				must(t, err)
				changes, cancel := r.Changes()
				defer cancel()
				if open { // its descriptor is cached
					_, err := r.ReadLeaf(t.Context(), 0, nil)
					must(t, err)
				}
				path := filepath.Join(dir, "big")
				c.do(t, path)
				lost := 0
				for range 2 {
					lost = 0
					for i := range r.Manifest().Leaves() {
						block, err := r.ReadLeaf(t.Context(), i, nil)
						switch {
						case err == nil && sum(block) == digest(r, i):
						case err == nil:
							t.Fatalf("leaf %d is sent wrong", i)
						case errors.Is(err, ErrWithdrawn) && fault.KindOf(err) == fault.NotFound:
							lost++
						default:
							t.Fatal(err)
						}
					}
				}
				if lost != c.lost {
					t.Errorf("%d leaves are lost, not %d", lost, c.lost)
				}
				if have := r.Have(); have.Len()-have.Count() != c.lost {
					t.Errorf("have lacks %d leaves", have.Len()-have.Count())
				}
				checkTold(t, s, log, changes, path, c.lost)
			})
		}
	}
}

func digest(r Content, i int) (d [32]byte) {
	h := r.Manifest().Leaf(i).Cid.Hash()
	copy(d[:], h[len(h)-32:])
	return d
}

// checkTold checks that the loss of so many leaves was published, named and logged once.
func checkTold(t *testing.T, s *Store, log *logbook, changes <-chan Change, path string, lost int) {
	t.Helper()
	told := 0
	for len(changes) > 0 {
		if c := <-changes; c.Withdrawn {
			told += c.Count
		}
	}
	if told != lost {
		t.Errorf("%d leaves were published as withdrawn, not %d", told, lost)
	}
	infos, err := s.Roots()
	must(t, err)
	if named := strings.Contains(infos[0].Problem, path); named != (lost > 0) {
		t.Errorf("problem %q", infos[0].Problem)
	}
	want := 0
	if lost > 0 {
		want = 1
	}
	if got := log.count("a shared file changed"); got != want {
		t.Errorf("logged %d times", got)
	}
}

// A file that was touched is hashed leaf by leaf, and then trusted again, also after a restart.
func TestTouchedIsTrustedAgain(t *testing.T) {
	dir := tree(t, t.TempDir(), map[string][]byte{"f": random(1, 3<<20)})
	home := t.TempDir()
	s := openStore(t, home)
	root := share(t, s, dir, importer.Options{})
	must(t, os.Chtimes(filepath.Join(dir, "f"), time.Now(), time.Now().Add(time.Hour)))
	r, err := s.Root(t.Context(), root)
	must(t, err)
	for i := range 3 {
		if trusted(t, s) {
			t.Errorf("trusted before leaf %d was hashed", i)
		}
		_, err := r.ReadLeaf(t.Context(), i, nil)
		must(t, err)
	}
	if !trusted(t, s) {
		t.Error("not trusted after all leaves were hashed")
	}
	must(t, s.Close())
	s = openStore(t, home)
	if !trusted(t, s) {
		t.Error("not trusted after a restart")
	}
}

// trusted tells whether the only shared file is served without hashing.
func trusted(t *testing.T, s *Store) bool {
	t.Helper()
	var id uint64
	must(t, each(s.db, []byte{keyFile}, func(k, _ []byte) (bool, error) {
		var err error
		id, err = lastNum(k)
		return true, err
	}))
	h, err := s.acquire(id)
	must(t, err)
	defer s.files.release(h)
	st, err := h.v.Stat()
	must(t, err)
	return h.v.trusts(st, math.MaxUint64)
}

// What slips through the fstats is found by a complaint: here a change that leaves them alike.
func TestRecheck(t *testing.T) {
	dir := tree(t, t.TempDir(), map[string][]byte{"f": random(1, 3<<20)})
	s := openStore(t, t.TempDir())
	root := share(t, s, dir, importer.Options{})
	r, err := s.Root(t.Context(), root)
	must(t, err)
	if r.Recheck(t.Context(), 1) {
		t.Error("a leaf that is right was withdrawn")
	}
	must(t, os.WriteFile(filepath.Join(dir, "f"), random(2, 3<<20), 0o666))
	vouch(t, s, filepath.Join(dir, "f"))
	if _, err := r.ReadLeaf(t.Context(), 1, nil); err != nil {
		t.Fatalf("the test's own trick fails: %v", err)
	}
	if !r.Recheck(t.Context(), 1) {
		t.Error("a wrong leaf was not withdrawn")
	}
	waitFor(t, func() bool { return r.Have().Count() == 0 })
	if _, err := r.ReadLeaf(t.Context(), 0, nil); !errors.Is(err, ErrWithdrawn) {
		t.Errorf("leaf 0 of the same file: %v", err)
	}
}

// vouch makes s believe that a file is as it was imported.
func vouch(t *testing.T, s *Store, path string) {
	t.Helper()
	e, err := s.disk.Lstat(path)
	must(t, err)
	must(t, each(s.db, []byte{keyFile}, func(k, _ []byte) (bool, error) {
		id, err := lastNum(k)
		if err != nil {
			return false, err
		}
		s.files.forget(id)
		_, err = s.updateFile(id, func(r *fileRecord) bool {
			r.Stat = e.Stat
			return r.Path == path
		})
		return true, err
	}))
}

// waitFor waits until a goroutine of the store has made ok true.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatal("it does not come true")
		case <-time.After(time.Millisecond):
		}
	}
}

// A leaf that two files hold is served while either does.
func TestOtherCopy(t *testing.T) {
	dir := tree(t, t.TempDir(), map[string][]byte{"a": random(1, 1000), "b": random(1, 1000)})
	s := openStore(t, t.TempDir())
	r, err := s.Root(t.Context(), share(t, s, dir, importer.Options{}))
	must(t, err)
	for i, name := range []string{"a", "b"} {
		must(t, os.Remove(filepath.Join(dir, name)))
		_, err := r.ReadLeaf(t.Context(), 0, nil)
		if gone := errors.Is(err, ErrWithdrawn); gone != (i == 1) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

// What went away with its disk comes back with it, and what was changed back is right again.
func TestCheck(t *testing.T) {
	dir := tree(t, t.TempDir(), map[string][]byte{"a": random(1, 1000), "b": random(2, 1000), "c": random(3, 10)})
	s := openStore(t, t.TempDir())
	r, err := s.Root(t.Context(), share(t, s, dir, importer.Options{}))
	must(t, err)
	must(t, os.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "x")))
	must(t, os.WriteFile(filepath.Join(dir, "b"), []byte("other"), 0o666))
	must(t, s.Check(t.Context()))
	if got := r.Have().Count(); got != 1 {
		t.Errorf("%d leaves are held after Check", got)
	}
	must(t, os.Rename(filepath.Join(dir, "x"), filepath.Join(dir, "a")))
	must(t, os.WriteFile(filepath.Join(dir, "b"), random(2, 1000), 0o666))
	must(t, s.Check(t.Context()))
	if got := r.Have().Count(); got != 3 {
		t.Errorf("%d leaves are held after the files came back", got)
	}
	infos, err := s.Roots()
	must(t, err)
	if infos[0].Problem != "" {
		t.Errorf("problem %q", infos[0].Problem)
	}
}

// A root opens although some of it is gone for good, and says what it lacks.
func TestRootOpensDamaged(t *testing.T) {
	dir := tree(t, t.TempDir(), map[string][]byte{"a": random(1, 1000), "b": random(2, 1000)})
	home := t.TempDir()
	s := openStore(t, home)
	root := share(t, s, dir, importer.Options{Profile: oldProfile(t)})
	must(t, os.WriteFile(filepath.Join(dir, "b"), []byte("other"), 0o666))
	must(t, s.Check(t.Context()))
	must(t, s.Close())
	s = openStore(t, home)
	r, err := s.Root(t.Context(), root)
	must(t, err)
	if have := r.Have(); have.Len() != 2 || have.Count() != 1 {
		t.Errorf("%d of %d leaves", have.Count(), have.Len())
	}
}
