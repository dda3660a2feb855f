//go:build !linux

package store

import (
	"errors"
	"os"
)

func syncData(f *os.File) error { return f.Sync() }

// syncDir syncs a folder where that is possible: elsewhere the file system does it by itself.
func syncDir(f *os.File) error {
	_ = f.Sync()
	return nil
}

func syncFileSystem(*os.File) (bool, error) { return false, nil }

func dataRange(f *os.File, off int64) (from, to int64, err error) { return wholeRange(f, off) }

func bootID() string { return "" }

func dedupe(file, int64, file, int64, int64) error { return errors.ErrUnsupported }
