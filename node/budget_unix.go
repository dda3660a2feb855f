//go:build unix

package node

import "golang.org/x/sys/unix"

// fileLimit returns the limit of this process, which Go's runtime has raised as far as it may.
func fileLimit() (limit int, known bool) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, false
	}
	return int(min(uint64(l.Cur), 1<<20)), true
}
