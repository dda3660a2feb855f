//go:build unix

package importer

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// BenchmarkLarge imports one file of 1 GiB; "hash" hashes as much from memory, on all cores, which is
// what it is measured against.
func BenchmarkLarge(b *testing.B) {
	const size = 1 << 30
	path := filepath.Join(b.TempDir(), "large")
	write(b, bytes.Repeat(data("large", mib), size/mib), path)
	for _, p := range profiles(b) {
		b.Run(p.Name, func(b *testing.B) { benchmarkImport(b, path, size, Options{Profile: p}) })
	}
	b.Run("hash", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			onAllCores(func(i, n int) {
				chunk := make([]byte, mib)
				for range size / mib / n {
					sha256.Sum256(chunk)
				}
			})
		}
	})
}

// BenchmarkSmall imports a folder of 10,000 files of 4 to 16 KiB; "plain" reads and hashes them on all
// cores, which is what it is measured against.
func BenchmarkSmall(b *testing.B) {
	const files = 10000
	dir, size := b.TempDir(), int64(0)
	content := data("small", 16*kib)
	var paths []string
	for i := range files {
		part := content[:4*kib+i%(12*kib)]
		write(b, part, dir, fmt.Sprint(i%100), fmt.Sprint(i))
		paths = append(paths, filepath.Join(dir, fmt.Sprint(i%100), fmt.Sprint(i)))
		size += int64(len(part))
	}
	for _, p := range profiles(b) {
		b.Run(p.Name, func(b *testing.B) { benchmarkImport(b, dir, size, Options{Profile: p}) })
	}
	b.Run("plain", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			onAllCores(func(i, n int) {
				for ; i < len(paths); i += n {
					content, err := os.ReadFile(paths[i])
					if err != nil {
						b.Error(err)
					}
					sha256.Sum256(content)
				}
			})
		}
	})
}

func benchmarkImport(b *testing.B, path string, size int64, o Options) {
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Import(b.Context(), path, o, nil, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// onAllCores calls work with its number, of so many.
func onAllCores(work func(i, n int)) {
	var all sync.WaitGroup
	n := runtime.GOMAXPROCS(0)
	for i := range n {
		all.Go(func() { work(i, n) })
	}
	all.Wait()
}
