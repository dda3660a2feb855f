package store

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed4134be55/peer/contentaddr/importer"
)

// xfs mounts a small file system that can share extents.
func xfs(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot mount a file system that shares extents")
	}
	if _, err := exec.LookPath("mkfs.xfs"); err != nil {
		t.Skip("no mkfs.xfs (package xfsprogs)")
	}
	dir := t.TempDir()
	image, at := filepath.Join(dir, "image"), filepath.Join(dir, "mnt")
	must(t, os.WriteFile(image, nil, 0o600))
	must(t, os.Truncate(image, 400<<20))
	must(t, os.Mkdir(at, 0o700))
	for _, words := range [][]string{{"mkfs.xfs", "-q", image}, {"mount", "-o", "loop", image, at}} {
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Skipf("%v: %v: %s", words, err, out)
		}
	}
	t.Cleanup(func() { must(t, exec.Command("umount", at).Run()) })
	return at
}

// A copy of what is shared here takes no room of its own where the file system can help it.
func TestCopySharesExtents(t *testing.T) {
	at := xfs(t)
	src := tree(t, filepath.Join(at, "src"), map[string][]byte{"f": random(1, 40<<20)})
	s := openStore(t, t.TempDir())
	root := share(t, s, filepath.Join(src, "f"), importer.Options{})
	used := func() uint64 {
		unix.Sync()
		var st unix.Statfs_t
		must(t, unix.Statfs(at, &st))
		return (st.Blocks - st.Bfree) * uint64(st.Bsize)
	}
	before := used()
	d, _ := begin(t, s, s, DownloadSpec{Root: root, Dest: filepath.Join(at, "copy")})
	n, err := d.CopyLocal(t.Context())
	must(t, err)
	if n != 40 {
		t.Fatalf("%d leaves copied, want 40", n)
	}
	_, err = d.Finish(t.Context())
	must(t, err)
	if more := used() - before; more > 4<<20 {
		t.Errorf("the copy of 40 MiB takes %d bytes", more)
	}
}
