package store

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/seed4134be55/peer/contentaddr/importer"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
)

// BenchmarkPut measures hashing and writing leaves of 1 MiB, on all cores.
func BenchmarkPut(b *testing.B) {
	const leaves, size = 256, 1 << 20
	src := filepath.Join(b.TempDir(), "f")
	must(b, os.WriteFile(src, random(1, leaves*size), 0o666))
	a := openStore(b, b.TempDir())
	root := share(b, a, src, importer.Options{})
	content, err := a.Root(b.Context(), root)
	must(b, err)
	blocks := make([][]byte, leaves)
	for i := range blocks {
		blocks[i], err = content.ReadLeaf(b.Context(), i, nil)
		must(b, err)
	}
	b.SetBytes(leaves * size)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		s := openStore(b, b.TempDir())
		d, _ := begin(b, a, s, DownloadSpec{Root: root, Dest: filepath.Join(b.TempDir(), "dest")})
		b.StartTimer()
		putAll(b, d, blocks)
		_, err := d.Finish(b.Context())
		must(b, err)
		b.StopTimer()
		must(b, d.Discard())
		must(b, s.Close())
		b.StartTimer()
	}
}

// putAll puts blocks from as many goroutines as there are cores.
func putAll(b *testing.B, d *Download, blocks [][]byte) {
	var next atomic.Int64
	var work sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(blocks); i = int(next.Add(1)) - 1 {
				if err := d.Put(i, blocks[i]); err != nil {
					b.Error(err)
				}
			}
		})
	}
	work.Wait()
}

// BenchmarkSmallFiles measures 10,000 files of 4 to 16 KiB in 100 folders: taking them, and reading
// them as a seed does.
func BenchmarkSmallFiles(b *testing.B) {
	const files = 10_000
	src := filepath.Join(b.TempDir(), "src")
	for i := range files {
		dir := filepath.Join(src, fmt.Sprintf("d%02d", i%100))
		if i < 100 {
			must(b, os.MkdirAll(dir, 0o777))
		}
		must(b, os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%d", i)), random(uint64(i), 4<<10+i%(12<<10)), 0o666))
	}
	a := openStore(b, b.TempDir())
	var root cid.Cid
	b.Run("share", func(b *testing.B) {
		for b.Loop() {
			root = share(b, a, src, importer.Options{})
		}
		b.ReportMetric(float64(files*b.N)/b.Elapsed().Seconds(), "files/s")
	})
	content, err := a.Root(b.Context(), root)
	must(b, err)
	blocks := make([][]byte, content.Manifest().Leaves())
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			for i := range blocks {
				blocks[i], err = content.ReadLeaf(b.Context(), i, blocks[i])
				must(b, err)
			}
		}
		b.ReportMetric(float64(files*b.N)/b.Elapsed().Seconds(), "files/s")
	})
	for _, step := range []string{"put", "put and finish"} {
		b.Run(step, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := openStore(b, b.TempDir())
				d, _ := begin(b, a, s, DownloadSpec{Root: root, Dest: filepath.Join(b.TempDir(), "dest")})
				b.StartTimer()
				putAll(b, d, blocks)
				if step != "put" {
					_, err := d.Finish(b.Context())
					must(b, err)
				}
				b.StopTimer()
				must(b, d.Discard())
				must(b, s.Close())
				b.StartTimer()
			}
			b.ReportMetric(float64(files*b.N)/b.Elapsed().Seconds(), "files/s")
		})
	}
}

// BenchmarkOpen measures what it takes to be ready with 1 TB shared: a million recipes.
func BenchmarkOpen(b *testing.B) {
	home := b.TempDir()
	root := shareTerabyte(b, home)
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			s, err := Open(Config{Dir: home})
			must(b, err)
			_, err = s.Roots()
			must(b, err)
			b.StopTimer()
			must(b, s.Close())
			b.StartTimer()
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms")
	})
	b.Run("root", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			s := openStore(b, home)
			b.StartTimer()
			content, err := s.Root(b.Context(), root)
			must(b, err)
			if n := content.Manifest().Leaves(); n != terabyte {
				b.Fatalf("%d leaves", n)
			}
			b.StopTimer()
			must(b, s.Close())
			b.StartTimer()
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms")
	})
}

const (
	files    = 8
	terabyte = 1 << 20 // leaves of 1 MiB
)

// shareTerabyte makes the records of a share of eight files of 128 GiB each, without the files.
func shareTerabyte(b *testing.B, home string) cid.Cid {
	s := openStore(b, home)
	im := s.Import()
	profile := unixfs.DefaultProfile()
	var links []unixfs.Link
	for f := range files {
		path := fmt.Sprintf("/nowhere/%d", f)
		file := &importer.File{Path: path}
		build := profile.NewFileBuilder(unixfs.Attr{}, im.Node)
		for i := range terabyte / files {
			leaf := hashed(b, binary.BigEndian.AppendUint64(nil, uint64(f*terabyte+i)))
			must(b, im.Leaves(file, []importer.Leaf{{Cid: leaf, Offset: int64(i) << 20, Size: 1 << 20}}))
			must(b, build.Add(unixfs.Link{Cid: leaf, Tsize: 1 << 20}, 1<<20))
		}
		link, err := build.Finish()
		must(b, err)
		file.Root = link.Cid
		must(b, im.File(file))
		link.Name = fmt.Sprint(f)
		links = append(links, link)
	}
	folder := unixfs.Node{Kind: unixfs.Directory, Links: links}
	block := folder.Encode()
	root := cid.NewCidV1(cid.DagProtobuf, hashed(b, block).Hash())
	must(b, im.Node(root, block))
	must(b, im.Commit(b.Context(), RootInfo{Cid: root, Path: "/nowhere"}))
	must(b, s.Close())
	return root
}

// hashed returns the raw CID of a block.
func hashed(b testing.TB, block []byte) cid.Cid {
	h, err := multihash.Sum(block, multihash.SHA2_256, -1)
	must(b, err)
	return cid.NewCidV1(cid.Raw, h)
}
