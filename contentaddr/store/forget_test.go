package store

import (
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/importer"
	"github.com/seed4134be55/peer/fault"
)

// empty tells whether nothing but the version and the sequence is in the database.
func empty(t *testing.T, s *Store) bool {
	t.Helper()
	left := 0
	must(t, each(s.db, nil, func(k, _ []byte) (bool, error) {
		if k[0] != keyVersion && k[0] != keySequence {
			left++
		}
		return true, nil
	}))
	return left == 0
}

// Forgetting drops what only that root used, and no file.
func TestForget(t *testing.T) {
	files := samples()["folder"]
	one := tree(t, filepath.Join(t.TempDir(), "one"), files)
	two := tree(t, filepath.Join(t.TempDir(), "two"), map[string][]byte{"x/a": files["a"], "y": random(77, 5<<20)})
	before := listing(t, one) + listing(t, two)
	s := openStore(t, t.TempDir())
	rootOne, rootTwo := share(t, s, one, importer.Options{}), share(t, s, two, importer.Options{})
	second, err := s.Root(t.Context(), rootTwo)
	must(t, err)
	info, err := s.Forget(rootOne)
	must(t, err)
	if info.Path != one {
		t.Errorf("forgot %q", info.Path)
	}
	if _, err := s.Root(t.Context(), rootOne); fault.KindOf(err) != fault.NotFound {
		t.Errorf("still held: %v", err)
	}
	waitFor(t, func() bool { return !s.Has(rootOne) })
	servesAll(t, s, second)
	_, err = s.Forget(rootTwo)
	must(t, err)
	waitFor(t, func() bool { return empty(t, s) })
	if _, err := s.Forget(rootTwo); fault.KindOf(err) != fault.NotFound {
		t.Errorf("forgotten twice: %v", err)
	}
	if after := listing(t, one) + listing(t, two); after != before {
		t.Error("files were touched")
	}
}

// Sharing again what is shared takes the place of the first share; sharing it after a change withdraws
// what changed from the first.
func TestShareAgain(t *testing.T) {
	dir := tree(t, t.TempDir(), map[string][]byte{"a": random(1, 3<<20), "b": random(2, 10)})
	s := openStore(t, t.TempDir())
	root := share(t, s, dir, importer.Options{})
	if again := share(t, s, dir, importer.Options{}); again != root {
		t.Fatalf("roots differ: %s %s", root, again)
	}
	infos, err := s.Roots()
	if err != nil || len(infos) != 1 {
		t.Fatalf("roots %v %v", infos, err)
	}
	r, err := s.Root(t.Context(), root)
	must(t, err)
	servesAll(t, s, r)
	tree(t, dir, map[string][]byte{"a": append(random(1, 2<<20), random(5, 1<<20)...)})
	other := share(t, s, dir, importer.Options{})
	if have := r.Have(); have.Count() != have.Len()-1 {
		t.Errorf("%d of %d leaves are held of the first share", have.Count(), have.Len())
	}
	r, err = s.Root(t.Context(), other)
	must(t, err)
	servesAll(t, s, r)
	must(t, forgetAll(s, root, other))
	waitFor(t, func() bool { return empty(t, s) })
}

func forgetAll(s *Store, roots ...cid.Cid) error {
	for _, c := range roots {
		if _, err := s.Forget(c); err != nil {
			return err
		}
	}
	return nil
}

// An import that is given up, or that a crash ended, leaves nothing.
func TestAbortedImport(t *testing.T) {
	dir := tree(t, t.TempDir(), samples()["folder"])
	home := t.TempDir()
	s := openStore(t, home)
	im := s.Import()
	_, err := importer.Import(t.Context(), dir, importer.Options{}, im, nil)
	must(t, err)
	im.Abort()
	waitFor(t, func() bool { return empty(t, s) })

	im = s.Import()
	_, err = importer.Import(t.Context(), dir, importer.Options{}, im, nil)
	must(t, err)
	must(t, im.write(pebble.Sync)) // and then the machine stops
	must(t, im.batch.Close())
	must(t, s.Close())
	s = openStore(t, home)
	waitFor(t, func() bool { return empty(t, s) })
}

func TestReport(t *testing.T) {
	dir := tree(t, t.TempDir(), map[string][]byte{"a": random(1, 3<<20), "b": random(2, 10), "c": nil})
	s := openStore(t, t.TempDir())
	share(t, s, dir, importer.Options{})
	rep, err := s.Report()
	must(t, err)
	if rep.Roots != 1 || rep.Files != 3 || rep.Bytes != 3<<20+10 || rep.Leaves != 5 || rep.NodeBytes == 0 || rep.Database == 0 {
		t.Errorf("%+v", rep)
	}
}

// A database of a later format is refused by name.
func TestNewerFormat(t *testing.T) {
	home := t.TempDir()
	s := openStore(t, home)
	must(t, s.db.Set([]byte{keyVersion}, []byte{formatVersion + 1}, pebble.Sync))
	must(t, s.Close())
	if _, err := Open(Config{Dir: home}); fault.KindOf(err) != fault.Refused {
		t.Errorf("opened: %v", err)
	}
}
