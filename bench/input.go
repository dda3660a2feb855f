package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

const (
	smallLeast = 4 << 10 // bytes of the smallest of the small files
	smallMost  = 16 << 10
	sparseStep = 1 << 20 // the importer's chunk: a mark in each makes every leaf another
)

// seed makes the same input each time. Random bytes: nothing on the way may gain by compressing.
var seed = [32]byte{'p', 'e', 'e', 'r'}

// file returns the large file, making it once. It is in the page cache and on the disk.
func (w *workspace) file() (string, error) {
	name := filepath.Join(w.dir, "file.bin")
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	return name, writeFile(name, io.LimitReader(rand.NewChaCha8(seed), w.fileBytes))
}

// folder returns the folder of small files, making it once.
func (w *workspace) folder() (string, error) {
	dir := filepath.Join(w.dir, "folder")
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	random := rand.NewChaCha8(seed)
	size := rand.New(random)
	buf := make([]byte, smallMost)
	for i := range w.smallFiles {
		part := buf[:smallLeast+size.IntN(smallMost-smallLeast+1)]
		_, _ = random.Read(part) // never fails
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file%05d.bin", i)), part, 0o644); err != nil {
			return "", err
		}
	}
	return dir, w.settle(filepath.Join(w.dir, "nothing"))
}

// sparse makes a file of that many bytes, which holds little but has no two chunks alike.
func (w *workspace) sparse(bytes int64) (string, error) {
	name := filepath.Join(w.dir, "sparse.bin")
	f, err := os.Create(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := f.Truncate(bytes); err != nil {
		return "", err
	}
	for off := int64(0); off+8 <= bytes; off += sparseStep {
		if _, err := f.WriteAt(binary.BigEndian.AppendUint64(nil, uint64(off)+1), off); err != nil {
			return "", err
		}
	}
	return name, f.Sync()
}

func writeFile(name string, from io.Reader) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.CopyBuffer(struct{ io.Writer }{f}, from, make([]byte, 1<<20)); err != nil {
		return err
	}
	return f.Sync()
}
