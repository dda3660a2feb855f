package manifest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

func link1(name string, c cid.Cid) unixfs.Link { return unixfs.Link{Name: name, Cid: c} }

// twice returns n nodes, each linking the one below it twice, above one leaf of size bytes.
func (b blocks) twice(n, size int, folders bool) cid.Cid {
	c, total := b.raw(make([]byte, size)), uint64(size)
	for range n {
		if folders {
			c = b.folder(link1("a", c), link1("b", c))
			continue
		}
		c = b.file(nil, part{c, total}, part{c, total})
		total *= 2
	}
	return c
}

// repeated returns a file of levels of nodes with width links each, to leaves in turn.
func (b blocks) repeated(levels, width int, leaves ...part) cid.Cid {
	row := leaves
	var p part
	for range levels {
		parts := make([]part, width)
		total := uint64(0)
		for i := range parts {
			parts[i] = row[i%len(row)]
			total += parts[i].size
		}
		p = part{b.file(nil, parts...), total}
		row = []part{p}
	}
	return p.cid
}

// chain returns n folders, each in the one above it.
func (b blocks) chain(n int) cid.Cid {
	c := b.folder()
	for range n - 1 {
		c = b.folder(link1("a", c))
	}
	return c
}

// sized returns a file node that says it has fileSize bytes.
func (b blocks) sized(fileSize uint64, parts ...part) cid.Cid {
	n := &unixfs.Node{Kind: unixfs.File, FileSize: fileSize, HasFileSize: true}
	for _, p := range parts {
		n.Links = append(n.Links, unixfs.Link{Cid: p.cid})
		n.BlockSizes = append(n.BlockSizes, p.size)
	}
	return b.node(n)
}

func hashed(code uint64, length int) cid.Cid {
	digest, err := multihash.Encode(make([]byte, length), code)
	if err != nil {
		panic(err)
	}
	return cid.NewCidV1(cid.Raw, digest)
}

// hostile DAGs, and what the error must name.
var hostile = []struct {
	name, names string
	make        func(b blocks) cid.Cid
}{
	{"31 nodes, 2^30 leaves", "places of leaves", func(b blocks) cid.Cid { return b.twice(30, 1, false) }},
	{"31 nodes, 2^30 leaves of 1 MiB", "bytes of a file", func(b blocks) cid.Cid { return b.twice(30, 1<<20, false) }},
	{"60 nodes, 2^60 leaves", "places of leaves", func(b blocks) cid.Cid { return b.twice(60, 0, false) }},
	{"31 folders, 2^30 names", "names in folders", func(b blocks) cid.Cid { return b.twice(30, 1, true) }},
	{"100 folders, 2^100 names", "names in folders", func(b blocks) cid.Cid { return b.twice(100, 0, true) }},
	{"2^24 places of one byte", "places of leaves under 4096 bytes", func(b blocks) cid.Cid {
		return b.repeated(3, 256, part{b.raw([]byte("x")), 1})
	}},
	{"2^24 extents of two leaves", "extents", func(b blocks) cid.Cid {
		return b.repeated(3, 256, part{b.raw(make([]byte, 1<<13)), 1 << 13}, part{b.raw(make([]byte, 1<<14)), 1 << 14})
	}},
	{"2^27 places of 4 KiB", "places of leaves", func(b blocks) cid.Cid {
		return b.repeated(3, 512, part{b.raw(make([]byte, 1<<12)), 1 << 12})
	}},
	{"100,000 folders deep", "nodes on a path from the root", func(b blocks) cid.Cid { return b.chain(100_000) }},
	{"100,000 file nodes deep", "nodes on a path in a file", func(b blocks) cid.Cid {
		p := part{b.raw([]byte("x")), 1}
		for range 100_000 {
			p.cid = b.file(nil, p)
		}
		return p.cid
	}},
	{"10,000 folders deep, each listed early", "nodes on a path from the root", func(b blocks) cid.Cid {
		c := b.folder()
		var all []unixfs.Link
		for i := range 10_000 {
			c = b.folder(link1("a", c))
			all = append(all, link1(fmt.Sprintf("%05d", i), c))
		}
		return b.folder(all...)
	}},
	{"a leaf of 2^63-1 bytes", "bytes of a file", func(b blocks) cid.Cid {
		return b.sized(math.MaxInt64, part{b.raw([]byte("x")), math.MaxInt64})
	}},
	{"a size of 2^63-1 without links", "not the sum", func(b blocks) cid.Cid {
		return b.folder(link1("a", b.sized(math.MaxInt64)))
	}},
	{"a size of 2^64-1", "overflow", func(b blocks) cid.Cid {
		return b.sized(math.MaxUint64, part{b.raw([]byte("x")), math.MaxUint64})
	}},
	{"a raw leaf of 1 TiB", "bytes of a block", func(b blocks) cid.Cid {
		return b.sized(1<<40, part{b.raw([]byte("x")), 1 << 40})
	}},
	{"16 PiB of real repeats", "bytes", func(b blocks) cid.Cid {
		return b.repeated(2, 1<<16, part{b.raw(make([]byte, 1<<20)), 1 << 20})
	}},
	{"file size is not the sum", "not the sum", func(b blocks) cid.Cid {
		return b.sized(3, part{b.file(nil, part{b.raw([]byte("xy")), 2}), 2})
	}},
	{"inner node smaller than said", "the node above says", func(b blocks) cid.Cid {
		return b.file(nil, part{b.file(nil, part{b.raw([]byte("xy")), 2}), 5})
	}},
	{"raw leaf of two sizes", "says", func(b blocks) cid.Cid {
		x := b.raw([]byte("xy"))
		return b.folder(link1("a", b.file(nil, part{x, 2})), link1("b", b.file(nil, part{x, 3})))
	}},
	{"raw leaf smaller than a second node says", "says", func(b blocks) cid.Cid {
		x := b.raw([]byte("xy"))
		return b.folder(link1("a", x), link1("b", b.file(nil, part{x, 1})))
	}},
	{"inner node of two sizes", "says", func(b blocks) cid.Cid {
		x := b.file(nil, part{b.raw([]byte("xy")), 2})
		return b.folder(link1("a", b.file(nil, part{x, 2})), link1("b", b.file(nil, part{x, 3})))
	}},
	{"dag-pb leaf of two sizes", "says", func(b blocks) cid.Cid {
		x := b.node(&unixfs.Node{Kind: unixfs.File, Data: []byte("xyz"), FileSize: 3, HasFileSize: true})
		return b.folder(link1("a", b.file(nil, part{x, 3})), link1("b", b.file(nil, part{x, 2})))
	}},
	{"dag-pb leaf with more payload than bytes", "another size", func(b blocks) cid.Cid {
		x := b.node(&unixfs.Node{Kind: unixfs.File, Data: []byte("xyz"), FileSize: 3, HasFileSize: true})
		return b.file(nil, part{x, 3000})
	}},
	{"inline leaf of another size", "says", func(b blocks) cid.Cid {
		return b.file(nil, part{identity(cid.Raw, []byte("xyz")), 4})
	}},
	{"identity CID of 1 MiB", "identity CID", func(b blocks) cid.Cid {
		return b.folder(link1("a", identity(cid.Raw, make([]byte, 1<<20))))
	}},
	{"identity CID of 129 bytes as root", "identity CID", func(b blocks) cid.Cid {
		return identity(cid.Raw, make([]byte, 129))
	}},
	{"SHA-1", "hash function", func(b blocks) cid.Cid { return b.folder(link1("a", hashed(multihash.SHA1, 20))) }},
	{"SHA-1 as root", "hash function", func(b blocks) cid.Cid { return hashed(multihash.SHA1, 20) }},
	{"short SHA-256", "digest", func(b blocks) cid.Cid { return b.folder(link1("a", hashed(multihash.SHA2_256, 8))) }},
	{"foreign codec", "codec", func(b blocks) cid.Cid { return b.folder(link1("a", b.put(cid.DagCBOR, []byte{0xa0}))) }},
	{"inner block over 2 MiB", "at most 2097152", func(b blocks) cid.Cid {
		return b.put(cid.DagProtobuf, make([]byte, contentaddr.MaxBlock+1))
	}},
	{"leaf over 2 MiB", "2097152", func(b blocks) cid.Cid {
		return b.folder(link1("a", b.raw(make([]byte, contentaddr.MaxBlock+1))))
	}},
	{"not dag-pb", "dag-pb", func(b blocks) cid.Cid { return b.put(cid.DagProtobuf, []byte("hello")) }},
	{"folder in a file", "inside", func(b blocks) cid.Cid { return b.file(nil, part{b.folder(), 0}) }},
	{"listed folder in a file", "inside", func(b blocks) cid.Cid {
		f := b.folder()
		return b.folder(link1("a", f), link1("b", b.file(nil, part{f, 0})))
	}},
	{"symlink in a file", "inside", func(b blocks) cid.Cid {
		return b.file(nil, part{b.node(&unixfs.Node{Kind: unixfs.Symlink, Data: []byte("x")}), 0})
	}},
	{"metadata", "metadata", func(b blocks) cid.Cid { return b.node(&unixfs.Node{Kind: unixfs.Metadata}) }},
	{"payload in inner nodes", "payload bytes in inner nodes", func(b blocks) cid.Cid {
		var all []unixfs.Link
		empty := part{b.raw(nil), 0}
		for i := range 40 {
			data := make([]byte, 1<<20)
			data[0] = byte(i)
			all = append(all, link1(fmt.Sprintf("%02d", i), b.file(data, empty)))
		}
		return b.folder(all...)
	}},
	{"wide and deep", "bytes of links waiting", func(b blocks) cid.Cid {
		c := b.folder()
		for depth := range 40 {
			all := make([]unixfs.Link, 30_000)
			all[0] = link1("a", c)
			for i := range all[1:] {
				var data [8]byte
				data[0], data[1], data[2] = byte(depth), byte(i), byte(i>>8)
				// A CID costs its writer nothing: no such block exists.
				hash, err := multihash.Encode(append(make([]byte, 24), data[:]...), multihash.SHA2_256)
				if err != nil {
					panic(err)
				}
				all[1+i] = link1(fmt.Sprintf("b%d", i), cid.NewCidV1(cid.Raw, hash))
			}
			c = b.folder(all...)
		}
		return c
	}},
	{"an inline folder in itself", "entry", func(b blocks) cid.Cid {
		c := identity(cid.DagProtobuf, (&unixfs.Node{Kind: unixfs.Directory}).Encode())
		return b.folder(link1("", c))
	}},
}

// TestHostileDAGs builds and lays out each, and wants it refused for what it is, within a second and
// 64 MB.
func TestHostileDAGs(t *testing.T) {
	for _, test := range hostile {
		t.Run(test.name, func(t *testing.T) {
			b := blocks{}
			root := test.make(b)
			cost := measure(t)
			m, err := Build(t.Context(), root, b.get, nil, DefaultLimits())
			if err == nil {
				_, err = NewLayout(t.Context(), m, b.get, DefaultLimits())
			}
			took, more := cost()
			t.Logf("%v, %d KiB: %v", took, more>>10, err)
			if err == nil {
				t.Fatal("passed")
			}
			if fault.KindOf(err) != fault.Corrupt || !strings.Contains(err.Error(), test.names) || len(err.Error()) > 700 {
				t.Errorf("%s: %v; want it to name %q", fault.KindOf(err), err, test.names)
			}
			if took > time.Second*slowdown {
				t.Errorf("took %v", took)
			}
			if more > 64<<20 {
				t.Errorf("took %d MiB", more>>20)
			}
		})
	}
}

// slowdown allows for a machine that others load too; the bound is of one that is not.
const slowdown = 10

// measure begins to watch the clock and the live heap; what it returns ends that.
func measure(t *testing.T) func() (took time.Duration, more uint64) {
	old := debug.SetGCPercent(10) // so that the heap is what is live, and little more
	runtime.GC()
	heap := func() uint64 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	before, peak := heap(), uint64(0)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				peak = max(peak, heap())
			}
		}
	}()
	began := time.Now()
	return func() (time.Duration, uint64) {
		took := time.Since(began)
		close(stop)
		<-done
		debug.SetGCPercent(old)
		peak = max(peak, heap(), before)
		return took, peak - before
	}
}

// TestHonestExtremes are DAGs that the limits must let through.
func TestHonestExtremes(t *testing.T) {
	for name, test := range map[string]struct {
		make        func(b blocks) cid.Cid
		files, dirs int
		bytes       int64
	}{
		"1,024 folders deep": {func(b blocks) cid.Cid { return b.chain(1024) }, 0, 1024, 0},
		"1 TiB of zeros": {func(b blocks) cid.Cid {
			return b.repeated(2, 1024, part{b.raw(make([]byte, 1<<20)), 1 << 20})
		}, 1, 0, 1 << 40},
		"16 TiB of zeros": {func(b blocks) cid.Cid {
			return b.folder(link1("disk", b.repeated(2, 4096, part{b.raw(make([]byte, 1<<20)), 1 << 20})))
		}, 1, 1, 1 << 44},
		"100,000 empty files": {func(b blocks) cid.Cid {
			var all []unixfs.Link
			for i := range 100_000 {
				all = append(all, link1(fmt.Sprintf("%06d", i), b.raw(nil)))
			}
			l, err := unixfs.DefaultProfile().Folder(all, unixfs.Attr{}, b.emit)
			if err != nil {
				panic(err)
			}
			return l.Cid
		}, 100_000, 1, 0},
		"20 copies of 5,000 files": {func(b blocks) cid.Cid {
			var all, copies []unixfs.Link
			for i := range 5000 {
				all = append(all, link1(fmt.Sprintf("%06d", i), b.raw(fmt.Append(nil, i))))
			}
			one := b.folder(all...)
			for i := range 20 {
				copies = append(copies, link1(fmt.Sprintf("%02d", i), one))
			}
			return b.folder(copies...)
		}, 100_000, 21, 20 * (10 + 180 + 2700 + 16000)},
		"an inline root": {func(b blocks) cid.Cid { return identity(cid.Raw, []byte("xyz")) }, 1, 0, 3},
		"a raw root":     {func(b blocks) cid.Cid { return b.raw([]byte("xyz")) }, 1, 0, 3},
		"an inline folder of a block": {func(b blocks) cid.Cid {
			n := unixfs.Node{Kind: unixfs.Directory, Links: []unixfs.Link{link1("a", b.raw([]byte("xyz")))}}
			return b.folder(link1("in", identity(cid.DagProtobuf, n.Encode())))
		}, 1, 2, 3},
	} {
		t.Run(name, func(t *testing.T) {
			b := blocks{}
			m := b.build(t, test.make(b))
			l := b.layout(t, m)
			if len(l.Files) != test.files || len(l.Dirs) != test.dirs || l.Bytes != test.bytes {
				t.Errorf("%d files, %d folders, %d bytes", len(l.Files), len(l.Dirs), l.Bytes)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	b := blocks{}
	root := b.chain(10)
	ctx, cancel := context.WithCancel(t.Context())
	m := b.build(t, root)
	cancel()
	if _, err := Build(ctx, root, b.get, nil, DefaultLimits()); !errors.Is(err, context.Canceled) {
		t.Errorf("Build: %v", err)
	}
	if _, err := NewLayout(ctx, m, b.get, DefaultLimits()); !errors.Is(err, context.Canceled) {
		t.Errorf("NewLayout: %v", err)
	}
}
