package home

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed4134be55/peer/fault"
)

const (
	// maxSocketPath is the longest path in bytes that a unix socket may have on every system: sun_path
	// holds 104 on macOS and the BSDs and 108 on Linux, with a zero byte at the end.
	maxSocketPath = 103

	socketFolder = "run"    // in the home: private even if the home is not
	socketName   = "api"    // in that folder, or in the one that placeFile names
	placeFile    = "socket" // holds the socket's path while it is not in the home
)

// Listen opens the home's control socket, for this user alone. The lock must be held: what a dead process
// left is removed.
func (h *Home) Listen() (net.Listener, error) {
	path, err := h.place()
	if err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, trouble(h.dir, err)
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("home %s: control socket: %w", h.dir, err)
	}
	if err := os.Chmod(path, 0o600); err != nil { // until here its folder kept others out
		return nil, errors.Join(fmt.Errorf("home %s: control socket: %w", h.dir, err), ln.Close())
	}
	return &listener{Listener: ln, elsewhere: filepath.Dir(path) != h.Path(socketFolder), folder: filepath.Dir(path)}, nil
}

// A listener takes its folder along when it closes, if that is not in the home.
type listener struct {
	net.Listener
	elsewhere bool
	folder    string
}

func (l *listener) Close() error {
	err := l.Listener.Close() // removes the socket
	if l.elsewhere {
		_ = os.Remove(l.folder) // tidiness only: the folder is found again, or made
	}
	return err
}

// Socket returns the path of the control socket of the process that holds the home. The error wraps
// fs.ErrNotExist while there is none, and is of kind Refused when the socket belongs to another user.
func (h *Home) Socket() (string, error) {
	path := h.Path(socketFolder, socketName)
	if len(path) > maxSocketPath {
		raw, err := os.ReadFile(h.Path(placeFile))
		if err != nil {
			return "", fmt.Errorf("control socket: %w", err)
		}
		path = strings.TrimSpace(string(raw))
		if err := checkPrivate(filepath.Dir(path)); err != nil {
			return "", err
		}
	}
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrPermission) {
		return "", trouble(h.dir, err)
	}
	if err != nil {
		return "", fmt.Errorf("control socket: %w", err)
	}
	if !mine(st) {
		return "", fault.New(fault.Refused, "home %s is in use by another user (%s): name another with --home or PEER_HOME", h.dir, owner(st))
	}
	return path, nil
}

// place returns where the socket is to be, in a private folder that it makes, and records a place that
// is not in the home.
func (h *Home) place() (string, error) {
	path := h.Path(socketFolder, socketName)
	if len(path) <= maxSocketPath {
		if err := private(filepath.Dir(path)); err != nil {
			return "", err
		}
		return path, nil
	}
	path, err := h.placeElsewhere()
	if err != nil {
		return "", err
	}
	if err := write(h.Path(placeFile), []byte(path+"\n")); err != nil {
		return "", trouble(h.dir, err)
	}
	return path, nil
}

// placeElsewhere finds a short path for the socket of a home whose own is too long: a folder named by
// the home's path, where the system keeps things that do not outlive it.
func (h *Home) placeElsewhere() (string, error) {
	sum := sha256.Sum256([]byte(h.dir))
	var why error
	for _, base := range []string{os.Getenv("XDG_RUNTIME_DIR"), os.TempDir(), "/tmp"} {
		path := filepath.Join(base, fmt.Sprintf("peer-%x", sum[:8]), socketName)
		if base == "" || len(path) > maxSocketPath {
			continue
		}
		err := private(filepath.Dir(path))
		if err == nil {
			return path, nil
		}
		why = errors.Join(why, err)
	}
	return "", fmt.Errorf("home %s: no folder for a control socket, whose path may have %d bytes: %w", h.dir, maxSocketPath, why)
}

// private makes the folder dir, for this user alone, or checks that it is so.
func private(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("control socket: %w", err)
	}
	return checkPrivate(dir)
}

// checkPrivate makes sure that nobody else can have put a socket into dir. Anybody may make folders in
// the temporary folder, and give them any name.
func checkPrivate(dir string) error {
	st, err := os.Lstat(dir)
	switch {
	case err != nil:
		return fmt.Errorf("control socket: %w", err)
	case !st.IsDir() || !mine(st):
		return fault.New(fault.Refused, "%s, the place of the control socket, belongs to another user", dir)
	case ownerKnown && st.Mode().Perm()&0o077 != 0:
		return fault.New(fault.Refused, "%s, the place of the control socket, is open to other users (chmod 700 it)", dir)
	}
	return nil
}
