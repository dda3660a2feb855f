package manifest

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/seed4134be55/peer/contentaddr/unixfs"
)

// plain stores the inner nodes of a file of so many leaves of 1 MiB, which need not exist.
func plain(tb testing.TB, b blocks, leaves int) cid.Cid {
	tb.Helper()
	builder := unixfs.DefaultProfile().NewFileBuilder(unixfs.Attr{}, b.emit)
	for i := range leaves {
		var digest [32]byte
		binary.LittleEndian.PutUint64(digest[:], uint64(i))
		hash, err := multihash.Encode(digest[:], multihash.SHA2_256)
		if err != nil {
			tb.Fatal(err)
		}
		if err := builder.Add(unixfs.Link{Cid: cid.NewCidV1(cid.Raw, hash), Tsize: 1 << 20}, 1<<20); err != nil {
			tb.Fatal(err)
		}
	}
	root, err := builder.Finish()
	if err != nil {
		tb.Fatal(err)
	}
	return root.Cid
}

// live returns the bytes that what f returns keeps alive.
func live[T any](f func() T) (T, int64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	v := f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(v)
	return v, int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// TestSizeInMemory is a file of 256 GiB: the bounds hold for any size.
func TestSizeInMemory(t *testing.T) {
	b := blocks{}
	root := plain(t, b, 1<<18)
	m, bytes := live(func() *Manifest { return b.build(t, root) })
	if per := float64(bytes) / float64(m.Len()); per > 55 {
		t.Errorf("manifest: %.1f bytes an entry", per)
	}
	l, bytes := live(func() *Layout { return b.layout(t, m) })
	if bytes > 16<<10 || len(l.runs) != 1 || l.Bytes != 1<<38 {
		t.Errorf("layout: %d bytes, %d runs", bytes, len(l.runs))
	}
	runtime.KeepAlive(b)
}

func BenchmarkBuild(b *testing.B) {
	store := blocks{}
	root := plain(b, store, 100_000)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		store.build(b, root)
	}
	b.StopTimer()
	m, bytes := live(func() *Manifest { return store.build(b, root) })
	runtime.KeepAlive(store)
	report(b, m.Len(), bytes)
}

func report(b *testing.B, entries int, bytes int64) {
	b.ReportMetric(float64(entries)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(bytes)/float64(entries), "B/entry")
}

func BenchmarkPages(b *testing.B) {
	store := blocks{}
	m := store.build(b, plain(b, store, 100_000))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, _, err := store.pages(m, 1<<20); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(m.Len())*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

func BenchmarkLayout(b *testing.B) {
	for _, name := range []string{"one file", "small files"} {
		store := blocks{}
		root := plain(b, store, 100_000)
		if name == "small files" {
			root = smallFiles(b, store, 100_000)
		}
		m := store.build(b, root)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				store.layout(b, m)
			}
			b.StopTimer()
			_, bytes := live(func() *Layout { return store.layout(b, m) })
			runtime.KeepAlive(store)
			report(b, m.Len(), bytes)
		})
	}
}

func smallFiles(tb testing.TB, b blocks, files int) cid.Cid {
	tb.Helper()
	var all []unixfs.Link
	for i := range files {
		all = append(all, link1(fmt.Sprintf("file-%06d.txt", i), b.raw(fmt.Append(nil, i))))
	}
	l, err := unixfs.DefaultProfile().Folder(all, unixfs.Attr{}, b.emit)
	if err != nil {
		tb.Fatal(err)
	}
	return l.Cid
}

func BenchmarkReadAt(b *testing.B) {
	store := blocks{}
	leaf := part{store.raw(make([]byte, 1<<20)), 1 << 20}
	r, err := OpenFile(b.Context(), store.repeated(2, 16, leaf), store.get)
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{4 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%d KiB in order", size>>10), func(b *testing.B) {
			p := make([]byte, size)
			b.SetBytes(int64(size))
			for i := range b.N {
				if _, err := r.ReadAt(b.Context(), p, int64(i*size)%r.Size()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
