package store

import (
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// syncData makes the bytes of f durable, and its size, but not its times.
func syncData(f *os.File) error {
	return control(f, func(fd int) error { return unix.Fdatasync(fd) })
}

func syncDir(f *os.File) error { return f.Sync() }

// syncFileSystem syncs the whole file system that f lies on: for many small files it takes a
// fraction of what as many fdatasync calls do.
func syncFileSystem(f *os.File) (bool, error) {
	return true, control(f, unix.Syncfs)
}

func dataRange(f *os.File, off int64) (from, to int64, err error) {
	err = control(f, func(fd int) error {
		if from, err = unix.Seek(fd, off, unix.SEEK_DATA); err != nil {
			return err
		}
		to, err = unix.Seek(fd, from, unix.SEEK_HOLE)
		return err
	})
	switch {
	case errors.Is(err, unix.ENXIO):
		return 0, 0, io.EOF
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP):
		return wholeRange(f, off)
	}
	return from, to, err
}

// bootID names this run of the kernel: random(4), boot_id.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// control runs do with f's descriptor, again while a signal interrupts it.
func control(f *os.File, do func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		for {
			if failed = do(int(fd)); failed != unix.EINTR {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	return failed
}

// dedupe makes n equal bytes of two files one on disk, where the file system can (btrfs, xfs).
func dedupe(src file, from int64, dst file, to, n int64) error {
	a, ok := src.(osFile)
	b, okToo := dst.(osFile)
	if !ok || !okToo {
		return errors.ErrUnsupported
	}
	return control(a.File, func(in int) error {
		return control(b.File, func(out int) error {
			return unix.IoctlFileDedupeRange(in, &unix.FileDedupeRange{
				Src_offset: uint64(from), Src_length: uint64(n),
				Info: []unix.FileDedupeRangeInfo{{Dest_fd: int64(out), Dest_offset: uint64(to)}},
			})
		})
	})
}
