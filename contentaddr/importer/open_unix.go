//go:build unix

package importer

import (
	"os"

	"golang.org/x/sys/unix"
)

// open opens a file that the walk has seen to be regular. Should it have become something else since,
// a symlink is refused and a FIFO does not block.
func open(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
}
