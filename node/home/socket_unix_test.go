//go:build unix

package home

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed4134be55/peer/fault"
)

// The socket is for its owner, can be reached, and replaces what a killed process left, wherever it lies.
func TestSocket(t *testing.T) {
	for name, below := range map[string]string{"short": "home", "long": strings.Repeat("long/", 40)} {
		t.Run(name, func(t *testing.T) {
			runtime := t.TempDir()
			t.Setenv("XDG_RUNTIME_DIR", runtime)
			h := open(t, filepath.Join(t.TempDir(), below))
			stale, err := h.Listen()
			if err != nil {
				t.Fatal(err)
			}
			stale.(*listener).Listener.(*net.UnixListener).SetUnlinkOnClose(false)
			defer stale.Close()

			ln, err := h.Listen()
			if err != nil {
				t.Fatal(err)
			}
			path, err := h.Socket()
			if err != nil {
				t.Fatal(err)
			}
			for p, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
				if st, err := os.Stat(p); err != nil || st.Mode().Perm() != want {
					t.Errorf("%s: %v, %v", p, st.Mode(), err)
				}
			}
			go func() {
				if c, err := ln.Accept(); err == nil {
					c.Close()
				}
			}()
			c, err := net.Dial("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
			if err := ln.Close(); err != nil {
				t.Fatal(err)
			}
			if left, err := os.ReadDir(runtime); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// In the temporary folder anybody may have made the folder that the socket would lie in.
func TestSocketElsewhereIsChecked(t *testing.T) {
	runtime := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", runtime)
	t.Setenv("TMPDIR", runtime)
	h := open(t, filepath.Join(t.TempDir(), strings.Repeat("long/", 40)))
	ln, err := h.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	path, err := h.Socket()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(path)
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Socket(); fault.KindOf(err) != fault.Refused {
		t.Errorf("open folder: %v", err)
	}
	if err := os.Chmod(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		t.Skip("the rest needs root: a file of somebody else")
	}
	if err := os.Chown(folder, 1, -1); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Socket(); fault.KindOf(err) != fault.Refused {
		t.Errorf("folder of another user: %v", err)
	}
	if ln, err := h.Listen(); err == nil { // in /tmp then
		if strings.HasPrefix(ln.Addr().String(), runtime) {
			t.Errorf("listens in the folder of another user: %s", ln.Addr())
		}
		ln.Close()
	}
	if err := os.Chown(folder, 0, -1); err != nil {
		t.Fatal(err)
	}
}

// A socket of another user is that user's peer.
func TestSocketOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	h := open(t, t.TempDir())
	ln, err := h.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if err := os.Chown(h.Path(socketFolder, socketName), 1, -1); err != nil {
		t.Fatal(err)
	}
	_, err = h.Socket()
	if fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), "in use by another user") {
		t.Error(err)
	}
}
