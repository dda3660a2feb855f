// Package home is the folder that holds one peer: its identity key, its port, its lock, the place of
// its control socket, and, below it, whatever package node keeps there. The config file, which lies
// elsewhere, is read here too.
//
// It does not know what a peer does. One process at a time holds a home; see Lock.
package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"

	"github.com/seed4134be55/peer/fault"
)

// A Home is an existing folder for one peer. Its methods may be called from any goroutine, except where
// they ask for the lock to be held.
type Home struct {
	dir string
}

// DefaultDir returns the home of a user who names none: the XDG data folder's "peer".
func DefaultDir() string { return filepath.Join(xdg.DataHome, "peer") }

// Open returns the home at dir and makes the folder if it is missing. Errors are of kind BadInput (dir is
// a file) or Refused (it belongs to somebody else, or others may write to it).
func Open(dir string) (*Home, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("home %s: %w", dir, err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, trouble(abs, err)
	}
	st, err := os.Stat(abs)
	if err != nil {
		return nil, trouble(abs, err)
	}
	if !st.IsDir() {
		return nil, fault.New(fault.BadInput, "home %s is not a folder: name another with --home", abs)
	}
	if open := st.Mode().Perm() & 0o002; open != 0 && ownerKnown {
		return nil, fault.New(fault.Refused, "home %s can be written by everybody: take that away (chmod 700) or name another with --home", abs)
	}
	return &Home{dir: abs}, nil
}

// Dir returns the folder's absolute path.
func (h *Home) Dir() string { return h.dir }

// Path returns the absolute path of something in the home.
func (h *Home) Path(elem ...string) string {
	return filepath.Join(append([]string{h.dir}, elem...)...)
}

// trouble gives a failed access to the home the kind and the next step that a user can act on.
func trouble(dir string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.Refused, "home %s belongs to another user: name another with --home or PEER_HOME (%w)", dir, err)
	case isNotDir(err):
		return fault.New(fault.BadInput, "home %s is not a folder: name another with --home (%w)", dir, err)
	}
	return fmt.Errorf("home %s: %w", dir, err)
}

// write replaces the file at path, readable by its owner alone, such that after a crash it holds either
// the old or the new content.
func write(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(content)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
