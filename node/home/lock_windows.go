package home

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// ownerKnown is false: a file's permissions come from its folder, and homes lie in the user's profile.
const ownerKnown = false

// lockedByte is far behind the content, as a locked byte cannot be read by others.
const lockedByte = 1 << 30

func tryLock(f *os.File) (held bool, err error) {
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, &windows.Overlapped{Offset: lockedByte})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return true, nil
	}
	return false, err
}

func unlock(f *os.File) error {
	return windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, &windows.Overlapped{Offset: lockedByte})
}

func isNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

func mine(fs.FileInfo) bool { return true }

func owner(fs.FileInfo) string { return "unknown" }
