package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// same says whether what was fetched is what was shared, byte for byte: a fast wrong answer is worth nothing.
func same(shared, fetched string) error {
	want, err := count(shared)
	if err != nil {
		return err
	}
	if got, err := count(fetched); err != nil || got != want {
		return fmt.Errorf("%s has %d files and folders, not %d: %v", fetched, got, want, err)
	}
	return filepath.WalkDir(shared, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(shared, name)
		if err != nil {
			return err
		}
		return sameFile(name, filepath.Join(fetched, rel))
	})
}

func count(root string) (n int, err error) {
	err = filepath.WalkDir(root, func(_ string, _ fs.DirEntry, err error) error {
		n++
		return err
	})
	return n, err
}

func sameFile(a, b string) error {
	fa, err := os.Open(a)
	if err != nil {
		return err
	}
	defer fa.Close()
	fb, err := os.Open(b)
	if err != nil {
		return err
	}
	defer fb.Close()
	bufA, bufB := make([]byte, 256<<10), make([]byte, 256<<10)
	for {
		n, errA := io.ReadFull(fa, bufA)
		m, _ := io.ReadFull(fb, bufB)
		if !bytes.Equal(bufA[:n], bufB[:m]) {
			return fmt.Errorf("%s differs from %s", b, a)
		}
		if errA != nil { // the end, since both were read to the same place
			if errA == io.EOF || errA == io.ErrUnexpectedEOF {
				return nil
			}
			return errA
		}
	}
}
