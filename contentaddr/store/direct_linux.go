package store

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// directAlign is what O_DIRECT wants of offset, length and memory on every file system in use.
	directAlign = 4096
	// directMin is the smallest write that is worth a trip of its own to the disk.
	directMin = 256 << 10
)

// direct writes large aligned leaves past the page cache. A download is written once and seldom read back
// at once: caching it would cost a copy, push out what others use, and leave the work to the sync that must
// follow anyway. Its zero value is ready. Safe for concurrent use.
type direct struct {
	once sync.Once
	file *os.File // nil: the file system has no such thing
}

// writeAt writes b past the cache if that can be done here; otherwise done is false and nothing was written.
func (d *direct) writeAt(f *os.File, b []byte, off int64) (n int, done bool, err error) {
	if len(b) < directMin || len(b)%directAlign != 0 || off%directAlign != 0 || uintptr(unsafe.Pointer(&b[0]))%directAlign != 0 {
		return 0, false, nil
	}
	d.once.Do(func() { d.open(f) })
	if d.file == nil {
		return 0, false, nil
	}
	n, err = d.file.WriteAt(b, off)
	if n == 0 && errors.Is(err, unix.EINVAL) {
		return 0, false, nil // it takes the flag and not the write
	}
	return n, true, err
}

// open opens the file of f again, wherever its name leads by now.
func (d *direct) open(f *os.File) {
	err := control(f, func(fd int) (err error) {
		d.file, err = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_RDWR|unix.O_DIRECT, 0)
		return err
	})
	if err != nil {
		d.file = nil
	}
}

func (d *direct) close() {
	d.once.Do(func() {})
	if d.file != nil {
		d.file.Close()
	}
}
