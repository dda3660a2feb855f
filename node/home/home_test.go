package home

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed4134be55/peer/fault"
)

func open(t *testing.T, dir string) *Home {
	t.Helper()
	h, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// The key and the port are the same at the next start, and the key is its owner's alone.
func TestPersists(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "home")
	h := open(t, dir)
	key, err := h.Key()
	if err != nil {
		t.Fatal(err)
	}
	if port, err := h.Port(); port != 0 || err != nil {
		t.Errorf("port of a new home: %d, %v", port, err)
	}
	if err := h.SetPort(4321); err != nil {
		t.Fatal(err)
	}

	h = open(t, dir)
	if again, err := h.Key(); err != nil || !again.Equals(key) {
		t.Errorf("another key: %v", err)
	}
	if port, err := h.Port(); port != 4321 || err != nil {
		t.Errorf("port: %d, %v", port, err)
	}
	for _, name := range []string{".", keyFile} {
		st, err := os.Stat(h.Path(name))
		if err != nil || ownerKnown && st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", name, st.Mode(), err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// A damaged key is never replaced: it is the peer's name in every link that it printed.
func TestDamagedKey(t *testing.T) {
	h := open(t, t.TempDir())
	if err := os.WriteFile(h.Path(keyFile), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Key(); err == nil {
		t.Error("taken")
	}
	if raw, err := os.ReadFile(h.Path(keyFile)); string(raw) != "nonsense" {
		t.Errorf("replaced by %q, %v", raw, err)
	}
}

func TestPortThatIsNone(t *testing.T) {
	h := open(t, t.TempDir())
	for _, text := range []string{"", "x", "-1", "65536", "1.5"} {
		if err := os.WriteFile(h.Path(portFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if port, err := h.Port(); port != 0 || err != nil {
			t.Errorf("%q: %d, %v", text, port, err)
		}
	}
	for _, port := range []int{-1, 0, 65536} {
		if h.SetPort(port) == nil {
			t.Errorf("%d is a port", port)
		}
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	h, same := open(t, dir), open(t, dir)
	lock, err := h.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := same.Lock(); !errors.Is(err, ErrHeld) {
		t.Errorf("second lock: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if lock, err = same.Lock(); err != nil {
		t.Fatalf("lock that was given back: %v", err)
	}
	defer lock.Unlock()
	if got := h.Holder(); got == "another process" {
		t.Errorf("holder: %s", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	shared := filepath.Join(dir, "shared")
	if err := errors.Join(os.Mkdir(shared, 0o700), os.Chmod(shared, 0o777)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dir  string
		kind fault.Kind
		skip bool
	}{
		{file, fault.BadInput, false},
		{filepath.Join(file, "below"), fault.BadInput, false},
		{shared, fault.Refused, !ownerKnown},
	} {
		if _, err := Open(c.dir); !c.skip && fault.KindOf(err) != c.kind {
			t.Errorf("%s: %v", c.dir, err)
		}
	}
}

// Nobody listens yet: not found, which a caller waits for.
func TestNoSocket(t *testing.T) {
	if _, err := open(t, t.TempDir()).Socket(); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
