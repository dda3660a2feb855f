package home

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/seed4134be55/peer/fault"
)

const lockFile = "lock"

// ErrHeld says that another process holds the home.
var ErrHeld = errors.New("another process holds the home")

// A Lock is the holding of a home by this process. It ends with Unlock or with the process.
type Lock struct {
	f *os.File
}

// Lock makes this process the holder of the home. The error is ErrHeld, wrapped, while another process
// holds it, or of kind Refused when this user may not.
//
// The lock file stays when nobody holds it: removing it would let two processes hold two files of the
// same name.
func (h *Home) Lock() (*Lock, error) {
	f, err := os.OpenFile(h.Path(lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, h.mayNotLock(err)
	}
	held, err := tryLock(f)
	if err != nil || held {
		f.Close()
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("home %s: lock: %w", h.dir, err)
	case held:
		return nil, fmt.Errorf("home %s: %w", h.dir, ErrHeld)
	}
	// For people only: who holds the home is decided by the lock.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	return &Lock{f}, nil
}

// Unlock ends the holding.
func (l *Lock) Unlock() error {
	return errors.Join(unlock(l.f), l.f.Close())
}

// Holder returns words for the process that holds the home, or held it last: "process 123".
func (h *Home) Holder() string {
	f, err := os.Open(h.Path(lockFile))
	if err != nil {
		return "another process"
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, 32))
	if pid := strings.TrimSpace(string(raw)); err == nil && pid != "" {
		return "process " + pid
	}
	return "another process"
}

// mayNotLock explains why the lock file could not be opened. If it belongs to another user, so does the
// process that holds it.
func (h *Home) mayNotLock(err error) error {
	st, serr := os.Lstat(h.Path(lockFile))
	if serr == nil && !mine(st) {
		return fault.New(fault.Refused, "home %s is in use by another user (%s): name another with --home or PEER_HOME (%w)", h.dir, owner(st), err)
	}
	return trouble(h.dir, err)
}
