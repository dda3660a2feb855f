package importer

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed4134be55/peer/contentaddr/unixfs"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

// data is generate.py's: SHA-256 in counter mode.
func data(seed string, n int) []byte {
	out := make([]byte, 0, n+sha256.Size)
	for i := 0; len(out) < n; i++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s:%d", seed, i))
		out = append(out, sum[:]...)
	}
	return out[:n]
}

// write writes one file, and the folders above it.
func write(t testing.TB, content []byte, path ...string) {
	t.Helper()
	p := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// hollow writes a file that is one hole.
func hollow(t testing.TB, size int64, path ...string) {
	t.Helper()
	write(t, nil, path...)
	if err := os.Truncate(filepath.Join(path...), size); err != nil {
		t.Fatal(err)
	}
}

// inputs makes the inputs of cids.json: each name has a function that writes it below dir.
var inputs = map[string]func(t *testing.T, dir string){
	"dirs/small": func(t *testing.T, dir string) {
		for i := range 12 {
			write(t, data(fmt.Sprintf("s%d", i), 100+i*37), dir, fmt.Sprintf("f%02d.txt", i))
		}
	},
	"dirs/nested": func(t *testing.T, dir string) {
		write(t, data("deep", 3*mib+1), dir, "a/b/c/deep.bin")
		write(t, []byte("# hello\n"), dir, "a/readme.md")
		write(t, []byte("top"), dir, "top")
	},
	"dirs/names": func(t *testing.T, dir string) {
		for _, n := range []string{"Ünïcødé.txt", "space in name", "emoji-🐟.bin", "日本語", "quote'\"name", "a+b&c=d.txt", "%41"} {
			write(t, data(n, 64), dir, n)
		}
	},
	"dirs/hamt": func(t *testing.T, dir string) {
		for i := range 12000 {
			write(t, fmt.Appendf(nil, "entry %d\n", i), dir, fmt.Sprintf("entry-%05d", i))
		}
	},
	"dirs/odd": func(t *testing.T, dir string) {
		write(t, []byte("hidden\n"), dir, ".hidden")
		write(t, []byte("plain\n"), dir, "plain")
		if err := os.MkdirAll(filepath.Join(dir, "sub/empty"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../plain", filepath.Join(dir, "sub/link")); err != nil {
			t.Fatal(err)
		}
	},
	"dirs/void":  func(t *testing.T, dir string) { _ = os.MkdirAll(dir, 0o755) },
	"dirs/e5242": digits(5242),
	"dirs/e5243": digits(5243),
	"dirs/e6553": digits(6553),
	"dirs/e6554": digits(6554),

	"files/empty":    bytesOf(0),
	"files/one":      bytesOf(1),
	"files/k256":     bytesOf(256 * kib),
	"files/k256p1":   bytesOf(256*kib + 1),
	"files/m1m1":     bytesOf(mib - 1),
	"files/m1":       bytesOf(mib),
	"files/m1p1":     bytesOf(mib + 1),
	"files/m2":       bytesOf(2 * mib),
	"files/k44544":   bytesOf(174 * 256 * kib),
	"files/k44544p1": bytesOf(174*256*kib + 1),
	"files/m100":     bytesOf(100*mib + 12345),

	"files/z1024m":   zeros(1024 * mib),
	"files/z1024mp1": zeros(1024*mib + 1),
	"files/z1025m":   zeros(1025 * mib),
}

// large are those that -short leaves out.
var large = []string{"files/z1024m", "files/z1024mp1", "files/z1025m"}

func bytesOf(n int) func(*testing.T, string) {
	return func(t *testing.T, path string) { write(t, data(filepath.Base(path), n), path) }
}

func zeros(n int64) func(*testing.T, string) {
	return func(t *testing.T, path string) { hollow(t, n, path) }
}

// digits fills a folder with n files of one byte, and goes on where it was filled before.
func digits(n int) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		there, _ := os.ReadDir(dir)
		for i := len(there); i < n; i++ {
			write(t, fmt.Append(nil, i%10), dir, fmt.Sprintf("e%05d", i))
		}
	}
}

// TestVectors imports every input under both profiles and compares with the CIDs that Kubo gave it.
func TestVectors(t *testing.T) {
	b, err := os.ReadFile("../testdata/cids.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors map[string]map[string]string
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) != len(inputs) {
		t.Errorf("%d vectors, %d inputs", len(vectors), len(inputs))
	}
	growing := filepath.Join(t.TempDir(), "e") // one folder for all of dirs/e…: making files is what takes long
	for _, name := range slices.Sorted(maps.Keys(vectors)) {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && slices.Contains(large, name) {
				t.Skip("1 GiB")
			}
			path := filepath.Join(t.TempDir(), filepath.Base(name))
			if strings.HasPrefix(name, "dirs/e") {
				path = growing
			}
			inputs[name](t, path)
			for profile, want := range vectors[name] {
				p, err := unixfs.ParseProfile(profile)
				if err != nil {
					t.Fatal(err)
				}
				got, err := Import(t.Context(), path, Options{Profile: p}, nil, nil)
				if err != nil || got.Root.String() != want {
					t.Errorf("%s: %s, %v; want %s", profile, got.Root, err, want)
				}
			}
		})
	}
}
