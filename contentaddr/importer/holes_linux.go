package importer

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// nextData returns where f has data next, at offset or after it; math.MaxInt64 if only a hole
// follows. A file system that does not tell has data everywhere.
func nextData(f *os.File, offset int64) int64 {
	at, err := unix.Seek(int(f.Fd()), offset, unix.SEEK_DATA) // all reads are at offsets: nobody minds the seek
	switch {
	case errors.Is(err, unix.ENXIO):
		return math.MaxInt64
	case err != nil:
		return offset
	}
	return at
}
