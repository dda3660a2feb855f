package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed4134be55/peer/internal/process"
)

// small mounts a file system of so many MiB in the test's folder; it goes with the test.
func (b *bench) small(name, mib string) string {
	b.Helper()
	dir := b.path(name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+mib+"m"); err != nil {
		b.Skipf("cannot mount: %v", err)
	}
	b.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// inNamespace runs the test in a process with mounts of its own; that process goes on where false is returned.
func inNamespace(t *testing.T) (elsewhere bool) {
	t.Helper()
	const mark = "PEER_TEST_NAMESPACE"
	if os.Getenv(mark) != "" {
		return false
	}
	if os.Getuid() != 0 {
		t.Skip("only root mounts")
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		t.Skip(err)
	}
	if out, err := exec.Command(unshare, "-m", "true").CombinedOutput(); err != nil {
		t.Skipf("no namespace here: %s", out)
	}
	cmd := exec.CommandContext(t.Context(), unshare, "-m", "--propagation", "private", os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mark+"=1", "PEER_TEST_MAIN=")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out, []byte("--- SKIP")) {
		t.Skip("not there either")
	}
	return true
}

func (b *bench) random(name string, n int) (path string, content []byte) {
	b.Helper()
	seed := [32]byte{byte(n)}
	content = make([]byte, n)
	_, _ = rand.NewChaCha8(seed).Read(content) // never fails
	return b.write(name, content), content
}

// A disk that is too small: said before anything is fetched, with how much is missing.
func TestTooLargeForTheDisk(t *testing.T) {
	if inNamespace(t) {
		return
	}
	b := realBench(t)
	path, _ := b.random("file.bin", 40<<20)
	shared, _ := b.sharing("sharer", path)
	disk := b.small("disk", "20")

	getter := b.on("getter", "get", "-o", disk, shared.Link)
	e, err := getter.Event(soon, "error")
	if err != nil || e.Kind != "no_space" {
		t.Fatalf("%s, %v", e.Line, err)
	}
	t.Log(e.Message)
	if !strings.Contains(e.Message, disk) {
		t.Errorf("where is not said: %s", e.Message)
	}
	b.ends(getter, 5)
	var st unix.Statfs_t
	if err := unix.Statfs(disk, &st); err != nil || st.Blocks-st.Bfree > 16 {
		t.Errorf("%d blocks of the disk are taken, %v", st.Blocks-st.Bfree, err)
	}
}

// The disk is filled by somebody else during the transfer: no_space, what is verified stays, and once there is room
// the same words go on.
func TestDiskFillsUp(t *testing.T) {
	if inNamespace(t) {
		return
	}
	b := realBench(t)
	path, content := b.random("file.bin", 16<<20)
	p := b.on("sharer", "--limit-up", "8MB", "share", path)
	shared := b.parsed(b.line(p, `"event":"shared"`))
	disk := b.small("disk", "100") // 64 MiB of it are left to others

	getter := b.on("getter", "get", "-o", disk, shared.Link)
	at, err := getter.EventWhere(soon, "progress", func(e process.Event) bool { return e.Bytes >= 4<<20 })
	if err != nil {
		t.Fatal(err)
	}
	hog := filepath.Join(disk, "hog")
	if err := os.WriteFile(hog, make([]byte, 100<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	b.line(getter, `"event":"error"`, `"kind":"no_space"`)
	b.ends(getter, 5)

	if err := os.Remove(hog); err != nil {
		t.Fatal(err)
	}
	again := b.on("getter", "get", "-o", disk, shared.Link)
	done, err := again.Event(soon, "done")
	if err != nil {
		t.Fatal(err)
	}
	if done.Fetched > int64(len(content))-at.Bytes+1<<20 {
		t.Errorf("%d bytes were here, of %d, and %d were fetched", at.Bytes, len(content), done.Fetched)
	}
	if got, err := os.ReadFile(filepath.Join(disk, "file.bin")); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// A download that was handed to the home's daemon ends in the same way: the daemon fetches nothing more for it, and
// whoever asked for it does not ask again.
func TestDiskFillsUpUnderADaemon(t *testing.T) {
	if inNamespace(t) {
		return
	}
	b := realBench(t)
	path, _ := b.random("file.bin", 16<<20)
	p := b.on("sharer", "--limit-up", "8MB", "share", path)
	shared := b.parsed(b.line(p, `"event":"shared"`))
	disk := b.small("disk", "100")
	daemon := b.on("getter", "serve")
	b.line(daemon, `"event":"serving"`)

	getter := b.on("getter", "get", "-o", disk, shared.Link)
	if _, err := getter.EventWhere(soon, "progress", func(e process.Event) bool { return e.Bytes >= 4<<20 }); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(disk, "hog"), make([]byte, 100<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	b.line(getter, `"event":"error"`, `"kind":"no_space"`)
	b.ends(getter, 5)
	first := b.received("getter")
	for range 10 {
		if now := b.received("getter"); now != first {
			t.Fatalf("%d bytes more came after it ended", now-first)
		}
	}
}

// received returns the bytes of data that a home's daemon has received.
func (b *bench) received(home string) int64 {
	b.Helper()
	p := b.on(home, "status")
	e, err := p.Event(soon, "status")
	if err != nil {
		b.Fatal(err)
	}
	b.ends(p, 0)
	var st struct{ Received int64 }
	if err := json.Unmarshal([]byte(e.Line), &st); err != nil || st.Received == 0 {
		b.Fatalf("%s, %v", e.Line, err)
	}
	return st.Received
}
