package node

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/importer"
	"github.com/seed4134be55/peer/contentaddr/link"
	"github.com/seed4134be55/peer/contentaddr/names"
	"github.com/seed4134be55/peer/contentaddr/store"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
	"github.com/seed4134be55/peer/node/api"
)

// twice returns n nodes, each linking the one below it twice, above one leaf.
func (g dag) twice(n int, folders bool) cid.Cid {
	c, total := g.raw([]byte("x")), uint64(1)
	for range n {
		if folders {
			c = g.folder(named("a", c), named("b", c))
		} else {
			c = g.file(0, part{c, total}, part{c, total})
		}
		total *= 2
	}
	return c
}

// nested returns n nodes, each in the one above it.
func (g dag) nested(n int, folders bool) cid.Cid {
	c := g.raw([]byte("x"))
	for range n {
		if folders {
			c = g.folder(named("a", c))
		} else {
			c = g.file(0, part{c, 1})
		}
	}
	return c
}

// slowdown allows for a machine that others load too; the bound of a second is of one that is not.
const slowdown = 10

// DAGs that are hostile, served by a holder that does nothing wrong but to have them.
func TestHostileDAGs(t *testing.T) {
	for name, c := range map[string]struct {
		make  func(g dag) cid.Cid
		names string // what the error must name
		kind  fault.Kind
	}{
		"31 blocks, 2^30 leaves": {func(g dag) cid.Cid { return g.twice(30, false) }, "places of leaves", fault.Corrupt},
		"31 blocks, 2^30 names":  {func(g dag) cid.Cid { return g.twice(30, true) }, "names in folders", fault.Corrupt},
		"100,000 folders deep":   {func(g dag) cid.Cid { return g.nested(100_000, true) }, "nodes on a path from the root", fault.Corrupt},
		"100,000 nodes deep":     {func(g dag) cid.Cid { return g.nested(100_000, false) }, "nodes on a path in a file", fault.Corrupt},
		"a size of 2^63-1": {func(g dag) cid.Cid {
			return g.file(0, part{g.raw([]byte("x")), math.MaxInt64})
		}, "bytes of a", fault.Corrupt},
		"a size of 2^63-1 without links": {func(g dag) cid.Cid {
			return g.folder(named("a", g.file(math.MaxInt64)))
		}, "not the sum", fault.Corrupt},
		"a size of 2^64-1": {func(g dag) cid.Cid {
			return g.file(0, part{g.raw([]byte("x")), math.MaxUint64})
		}, "overflow", fault.Corrupt},
		"a size that is not the sum": {func(g dag) cid.Cid {
			return g.file(3, part{g.file(0, part{g.raw([]byte("xy")), 2}), 2})
		}, "not the sum", fault.Corrupt},
		"a node smaller than said": {func(g dag) cid.Cid {
			return g.file(0, part{g.file(0, part{g.raw([]byte("xy")), 2}), 5})
		}, "the node above says", fault.Corrupt},
		"a leaf of two sizes": {func(g dag) cid.Cid {
			x := g.raw([]byte("xy"))
			return g.folder(named("a", g.file(0, part{x, 2})), named("b", g.file(0, part{x, 3})))
		}, "says", fault.Corrupt},
		"a leaf of 1 TiB": {func(g dag) cid.Cid {
			return g.file(0, part{g.raw([]byte("x")), 1 << 40})
		}, "bytes of a block", fault.Corrupt},
		"an identity CID of 1 MiB": {func(g dag) cid.Cid {
			return g.folder(named("a", g.put(cid.Raw, multihash.IDENTITY, make([]byte, 1<<20))))
		}, "identity CID", fault.Corrupt},
		"SHA-1": {func(g dag) cid.Cid {
			return g.folder(named("a", g.put(cid.Raw, multihash.SHA1, []byte("x"))))
		}, "hash function", fault.Corrupt},
		"MD5": {func(g dag) cid.Cid {
			return g.folder(named("a", g.put(cid.Raw, multihash.MD5, []byte("x"))))
		}, "hash function", fault.Corrupt},
		"SHA-1 as root": {func(g dag) cid.Cid { return g.put(cid.Raw, multihash.SHA1, []byte("x")) }, "hash function", fault.BadInput},
		"MD5 as root":   {func(g dag) cid.Cid { return g.put(cid.Raw, multihash.MD5, []byte("x")) }, "hash function", fault.BadInput},
		"not dag-pb":    {func(g dag) cid.Cid { return g.put(cid.DagProtobuf, multihash.SHA2_256, []byte("hello")) }, "dag-pb", fault.Corrupt},
		"a folder in a file": {func(g dag) cid.Cid {
			return g.file(0, part{g.folder(), 0})
		}, "inside", fault.Corrupt},
		// No page can hold the block, so it is the source that seems to lie.
		"a node over 2 MiB": {func(g dag) cid.Cid {
			return g.put(cid.DagProtobuf, multihash.SHA2_256, make([]byte, contentaddr.MaxBlock+1))
		}, "", fault.NotFound},
		"a leaf over 2 MiB": {func(g dag) cid.Cid {
			return g.folder(named("a", g.raw(make([]byte, contentaddr.MaxBlock+1))))
		}, "2097152", fault.NotFound},
		"a leaf over 2 MiB that its folder owns to": {func(g dag) cid.Cid {
			l := named("a", g.raw(make([]byte, contentaddr.MaxBlock+1)))
			l.Tsize = contentaddr.MaxBlock + 1
			return g.folder(l)
		}, "2097152", fault.Corrupt},
	} {
		t.Run(name, func(t *testing.T) {
			g := dag{}
			v := g.serve(t, c.make(g))
			n, _ := start(t, api.Options{})
			dir := t.TempDir()
			done := measure()
			_, err := get(t, n, api.GetRequest{Links: []string{v.link("dest")}, Dir: dir, Timeout: time.Second})
			took, more := done()
			t.Logf("%v, %d KiB: %.300s", took, more>>10, fmt.Sprint(err))
			if fault.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.names) || len(err.Error()) > 1000 {
				t.Errorf("%v: %v; want %v that names %q", fault.KindOf(err), err, c.kind, c.names)
			}
			if c.kind != fault.NotFound && took > time.Second*slowdown {
				t.Errorf("it took %v", took)
			}
			if more > 64<<20 {
				t.Errorf("%d MiB more memory", more>>20)
			}
			for path := range tree(t, dir) {
				if path != dir && !strings.HasPrefix(path, filepath.Join(dir, "dest.part")) {
					t.Errorf("%s was written", path)
				}
			}
			servesNothing(t, n, v)
		})
	}
}

// servesNothing fails if n says that it has v's root, or sends a leaf of it.
func servesNothing(t *testing.T, n *Node, v *holder) {
	t.Helper()
	if _, err := (library{n.store}).Open(t.Context(), v.root, "", nil); err == nil {
		t.Error("the root is served")
	}
	for _, c := range v.leaves {
		if n.store.Has(c) {
			t.Errorf("leaf %s is served", c)
		}
	}
}

// Names that lead out of the destination, or onto the terminal. What is refused is refused whole; of what is
// not, nothing outside the destination changes.
func TestHostileNames(t *testing.T) {
	leaf := []byte("payload")
	hostile := map[string]func(g dag, outside string) cid.Cid{
		"symlink, then a file through it": func(g dag, outside string) cid.Cid {
			return g.folder(named("a", g.symlink(outside)), named("a/x", g.raw(leaf)))
		},
		"symlink, then a folder of its name": func(g dag, outside string) cid.Cid {
			return g.folder(named("a", g.symlink(outside)), named("a", g.folder(named("x", g.raw(leaf)))))
		},
		"a folder, then a symlink of its name": func(g dag, outside string) cid.Cid {
			return g.folder(named("a", g.folder(named("x", g.raw(leaf)))), named("a", g.symlink(outside)))
		},
		"symlink of a name that folds": func(g dag, outside string) cid.Cid {
			return g.folder(named("A", g.symlink(outside)), named("a", g.folder(named("x", g.raw(leaf)))))
		},
		"two files of one name": func(g dag, outside string) cid.Cid {
			return g.folder(named("a", g.raw(leaf)), named("a", g.raw([]byte("another"))))
		},
		"symlink that is absolute": func(g dag, outside string) cid.Cid { return g.folder(named("a", g.symlink(outside+"/secret"))) },
		"symlink that climbs":      func(g dag, _ string) cid.Cid { return g.folder(named("a", g.symlink("../../outside/secret"))) },
		"symlink that climbs from below": func(g dag, _ string) cid.Cid {
			return g.folder(named("d", g.folder(named("a", g.symlink("../../../outside/secret")))))
		},
		"symlink to a symlink": func(g dag, _ string) cid.Cid {
			return g.folder(named("a", g.symlink(".")), named("b", g.symlink("a/../../outside")))
		},
		"symlink with an escape sequence": func(g dag, _ string) cid.Cid { return g.folder(named("a", g.symlink("\x1b[2J/etc"))) },
		"symlink as root":                 func(g dag, outside string) cid.Cid { return g.symlink(outside) },
	}
	for _, name := range []string{
		"..", ".", "", "/", "/abs", "../x", "../../outside/secret", "a/../../x", "d/x", "a\x00b", "a\\b", `..\..\x`, `C:\x`, "C:x", "nul", "COM1.txt",
		"a\nb", "a\rb", "\x1b[2J\x1b]0;x\x07", "\u202egnp.exe", "\u2066x", "a\u0085b", "x.", "x ", "\xff\xfe", strings.Repeat("x", 300),
	} {
		hostile[fmt.Sprintf("file %q", name)] = func(g dag, _ string) cid.Cid { return g.folder(named(name, g.raw(leaf))) }
		hostile[fmt.Sprintf("folder %q", name)] = func(g dag, _ string) cid.Cid {
			return g.folder(named("deep", g.folder(named(name, g.folder(named("x", g.raw(leaf)))))))
		}
		hostile[fmt.Sprintf("symlink %q", name)] = func(g dag, outside string) cid.Cid { return g.folder(named(name, g.symlink("x"))) }
	}
	n, _ := start(t, api.Options{})
	for name, build := range hostile {
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			dir, outside := filepath.Join(base, "down"), filepath.Join(base, "outside")
			must(t, os.MkdirAll(outside, 0o777))
			must(t, os.Mkdir(dir, 0o777))
			must(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("as it was"), 0o666))
			before := tree(t, base)
			g := dag{}
			v := g.serve(t, build(g, outside))
			events, err := get(t, n, api.GetRequest{Links: []string{v.link("dest")}, Dir: dir, Timeout: 5 * time.Second})
			if kind := fault.KindOf(err); err != nil && kind != fault.Refused && kind != fault.Corrupt {
				t.Errorf("%v: %v", kind, err)
			}
			t.Logf("%v", err)
			after := tree(t, base)
			maps.DeleteFunc(after, func(path, what string) bool {
				inside := path == filepath.Join(dir, "dest") || strings.HasPrefix(path, filepath.Join(dir, "dest")+"/")
				if inside && strings.HasPrefix(what, "L") {
					if real, err := filepath.EvalSymlinks(path); err == nil && !strings.HasPrefix(real, dir) {
						t.Errorf("symlink %q leads to %q", path, real)
					}
				}
				return inside
			})
			if !maps.Equal(before, after) {
				t.Errorf("there was %q, and is now %q", before, after)
			}
			if err != nil {
				events = append(events, api.Event{Event: "error", Message: err.Error()})
			}
			for _, e := range events {
				for _, text := range []string{e.Message, e.Hint, e.Name, e.Path, e.Target, e.Link} {
					if names.Printable(text) != text {
						t.Errorf("event %s: %q", e.Event, text)
					}
				}
			}
		})
	}
}

// numbered returns a file of so many leaves of size bytes, and its content.
func (g dag) numbered(leaves, size int) (root cid.Cid, content []byte) {
	var parts []part
	for i := range leaves {
		var block []byte
		for at := 0; len(block) < size; at++ {
			sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)<<32|uint64(at)))
			block = append(block, sum[:]...)
		}
		parts = append(parts, part{g.raw(block[:size]), uint64(size)})
		content = append(content, block[:size]...)
	}
	return g.file(0, parts...), content
}

// One of four sources sends wrong bytes for a tenth of its leaves. The file is right, and so is what another peer
// fetches at the same time from the one that is being lied to.
func TestLiarAmongFour(t *testing.T) {
	for range 2 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			var lock sync.Mutex // it lies to both, who tell each other of it
			g := dag{}
			root, content := g.numbered(170, 64<<10)
			l := link.Link{Cid: root, Name: "file"}
			var liar *holder
			for i := range 4 {
				v := g.serve(t, root)
				l.Addrs = append(l.Addrs, addrs(v.host)...)
				if i == 0 {
					liar = v
					v.spoil = func(_ int, block []byte) []byte {
						lock.Lock()
						defer lock.Unlock()
						if random.IntN(10) > 0 {
							return block
						}
						return append([]byte{block[0] ^ 1}, block[1:]...)
					}
				}
			}
			middle, log := start(t, api.Options{})
			last, lastLog := start(t, api.Options{})
			dir := t.TempDir()
			fetched := make(chan error, 1)
			go func() {
				from := link.Link{Cid: root, Name: "copy", Addrs: middle.dialable()}
				_, err := get(t, last, api.GetRequest{Links: []string{from.String()}, Dir: dir})
				fetched <- err
			}()
			_, err := get(t, middle, api.GetRequest{Links: []string{l.String()}, Dir: dir})
			must(t, err)
			must(t, <-fetched)
			for _, name := range []string{"file", "copy"} {
				got, err := os.ReadFile(filepath.Join(dir, name))
				must(t, err)
				if !bytes.Equal(got, content) {
					t.Errorf("%s is wrong", name)
				}
			}
			// Nor did the one lied to pass a lie on.
			for _, line := range strings.Split(log.String()+lastLog.String(), "\n") {
				if strings.Contains(line, "source cut off") && !strings.Contains(line, liar.host.ID().String()) {
					t.Errorf("an honest source was cut off: %s", line)
				}
			}
		})
	}
}

// A shared file changes while it is being fetched, beside a second source. The receiver has it right, the source
// is no liar for it, and its owner hears which file it was.
func TestSharedFileChangesUnderADownload(t *testing.T) {
	content := make([]byte, 20<<20)
	for i := range content {
		content[i] = byte(i>>20) ^ byte(i*7) ^ byte(i>>8)
	}
	for name, change := range map[string]func(t *testing.T, path string){
		"truncated": func(t *testing.T, path string) { must(t, os.Truncate(path, 1<<20)) },
		"rewritten": func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			must(t, err)
			_, err = f.Write(make([]byte, len(content)))
			must(t, err)
			must(t, f.Close())
		},
		"replaced": func(t *testing.T, path string) {
			must(t, os.WriteFile(path+".new", make([]byte, len(content)), 0o666))
			must(t, os.Rename(path+".new", path))
		},
		"deleted": func(t *testing.T, path string) { must(t, os.Remove(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			l := link.Link{Name: "dest"}
			var owner *Node
			var path string
			for range 2 {
				n, _ := start(t, api.Options{})
				path = filepath.Join(t.TempDir(), "shared file")
				must(t, os.WriteFile(path, content, 0o666))
				l.Cid = share(t, n, path)
				l.Addrs = append(l.Addrs, n.dialable()...)
				owner = n
			}
			getter, log := start(t, api.Options{LimitDown: 6 << 20})
			dir := t.TempDir()
			changed := false
			err := getter.Get(t.Context(), api.GetRequest{Links: []string{l.String()}, Dir: dir, Timeout: 20 * time.Second}, func(e api.Event) {
				if e.Event == api.EventProgress && e.Bytes > 0 && !changed {
					changed = true
					change(t, path)
				}
			})
			must(t, err)
			got, err := os.ReadFile(filepath.Join(dir, "dest"))
			must(t, err)
			if !changed || !bytes.Equal(got, content) {
				t.Errorf("changed in between: %v; right: %v", changed, bytes.Equal(got, content))
			}
			if log.has("source cut off") {
				t.Errorf("a source was cut off:\n%s", log)
			}
			if problem := problemOf(t, owner); !strings.Contains(problem, path) {
				t.Errorf("the owner hears %q", problem)
			}
		})
	}
}

// share makes n share a path and returns the root.
func share(t *testing.T, n *Node, path string) cid.Cid {
	t.Helper()
	profile, err := unixfs.ParseProfile("")
	must(t, err)
	info := store.RootInfo{Name: filepath.Base(path), Path: path, Kind: store.Share, Complete: true, Added: time.Now()}
	result, err := n.importPath(t.Context(), path, importer.Options{Profile: profile}, info, func(api.Event) {})
	must(t, err)
	return result.Root
}

// problemOf returns what n's owner is told of its only share.
func problemOf(t *testing.T, n *Node) (problem string) {
	t.Helper()
	must(t, n.Shares(t.Context(), api.SharesRequest{}, func(e api.Event) { problem = e.Message }))
	return problem
}
