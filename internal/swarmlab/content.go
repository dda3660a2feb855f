package swarmlab

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// content makes the same bytes each time. They are random: nothing on the way may gain by compressing.
func content() *rand.ChaCha8 { return rand.NewChaCha8([32]byte{'s', 'w', 'a', 'r', 'm'}) }

// file makes the one file that is shared.
func (w *world) file() error {
	w.path, w.bytes = filepath.Join(w.dir, "file.bin"), w.Bytes
	f, err := os.Create(w.path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(f, io.LimitReader(content(), w.Bytes))
	return err
}

// folder makes the small files that are shared, all of one size.
func (w *world) folder() error {
	w.path = filepath.Join(w.dir, "folder")
	if err := os.Mkdir(w.path, 0o755); err != nil {
		return err
	}
	from, part := content(), make([]byte, w.Bytes/int64(w.Files))
	w.bytes = int64(len(part) * w.Files)
	for i := range w.Files {
		_, _ = from.Read(part) // never fails
		if err := os.WriteFile(filepath.Join(w.path, fmt.Sprintf("file%05d", i)), part, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// same says whether got holds what want does.
func same(want, got string) error {
	return filepath.WalkDir(want, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(want, name)
		if err != nil {
			return err
		}
		return sameFile(name, filepath.Join(got, rel))
	})
}

func sameFile(want, got string) error {
	a, err := os.Open(want)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := os.Open(got)
	if err != nil {
		return err
	}
	defer b.Close()
	one, two := make([]byte, 1<<20), make([]byte, 1<<20)
	for {
		n, errA := io.ReadFull(a, one)
		m, errB := io.ReadFull(b, two)
		switch {
		case !bytes.Equal(one[:n], two[:m]):
			return fmt.Errorf("%s is not what was shared", got)
		case errA == nil && errB == nil:
		case errA == io.EOF || errA == io.ErrUnexpectedEOF:
			return nil
		default:
			return errA
		}
	}
}
