package manifest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/ipfs/go-cid"
	car "github.com/ipld/go-car/v2"

	"github.com/seed4134be55/peer/contentaddr/names"
	"github.com/seed4134be55/peer/fault"
)

// readCAR returns the blocks and the root of a file that Kubo made.
func readCAR(t *testing.T, name string) (blocks, cid.Cid) {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "testdata", "car", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := car.NewBlockReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b := blocks{}
	for {
		block, err := r.Next()
		if errors.Is(err, io.EOF) {
			return b, r.Roots[0]
		}
		if err != nil {
			t.Fatal(err)
		}
		b[block.Cid()] = block.RawData()
	}
}

// readAll reads every file of a root by its reader, by path.
func readAll(t *testing.T, b blocks, root cid.Cid, l *Layout) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for i := range l.Files {
		c, _, err := Resolve(t.Context(), root, l.FilePath(i), b.get)
		if err != nil {
			t.Fatal(err)
		}
		r, err := OpenFile(t.Context(), c, b.get)
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, r.Size())
		if _, err := r.ReadAt(t.Context(), p, 0); err != nil {
			t.Fatalf("%q: %v", l.FilePath(i), err)
		}
		files[l.FilePath(i)] = p
	}
	return files
}

func TestVectors(t *testing.T) {
	for _, test := range []struct {
		car, sum string
		size     int
	}{
		{"trickle-dagpb-leaves.car", "e90c0326131dfd981c7ea66e2613e80935cd91d0c3573e2132e0de6bf4fb92b7", 262145},
		{"rabin.car", "ed35ab9c2a754418383fe75ed95ddba742c85b1411c06af3d350013ce5854181", 262144},
	} {
		t.Run(test.car, func(t *testing.T) {
			b, root := readCAR(t, test.car)
			m := b.build(t, root)
			if received, _, err := b.pages(m, 1000); err != nil || received.Digest() != m.Digest() {
				t.Errorf("pages: %v", err)
			}
			data := readAll(t, b, root, b.layout(t, m))[""]
			if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != test.sum || len(data) != test.size {
				t.Errorf("%d bytes, %x", len(data), sum)
			}
		})
	}
}

func TestVectorOfNames(t *testing.T) {
	b, root := readCAR(t, "names.car")
	l := b.layout(t, b.build(t, root))
	if len(l.Files) < 5 {
		t.Errorf("%d files", len(l.Files))
	}
	for path := range readAll(t, b, root, l) {
		if err := (names.Rules{}).Check(filepath.Base(path)); err != nil {
			t.Error(err)
		}
	}
}

func TestVectorOfInlineAndSymlinks(t *testing.T) {
	b, root := readCAR(t, "inline-and-symlinks.car")
	l := b.layout(t, b.build(t, root))
	files := readAll(t, b, root, l)
	if string(files["tiny"]) != "tiny" || len(files["f01.txt"]) != 137 {
		t.Errorf("%q", files)
	}
	targets := map[string]string{}
	for i, s := range l.Symlinks {
		targets[l.SymlinkPath(i)] = s.Target
	}
	if targets["link"] != "f01.txt" || targets["escape"] != "../../etc/passwd" {
		t.Errorf("%q", targets)
	}
	if names.Target("link", targets["link"]) != nil || names.Target("escape", targets["escape"]) == nil {
		t.Error("the targets are judged wrong")
	}
	for path, kind := range map[string]fault.Kind{
		"nothing": fault.NotFound, "tiny/x": fault.NotFound, "link/x": fault.NotFound, "": "", "/link/": "",
	} {
		if _, _, err := Resolve(context.Background(), root, path, b.get); fault.KindOf(err) != kind {
			t.Errorf("%q: %v", path, err)
		}
	}
	if _, err := OpenFile(t.Context(), root, b.get); fault.KindOf(err) != fault.BadInput {
		t.Errorf("a folder opened as a file: %v", err)
	}
}
