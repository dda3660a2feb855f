//go:build unix

package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr"
	"github.com/seed4134be55/peer/contentaddr/unixfs"
	"github.com/seed4134be55/peer/fault"
)

// A recorder is a sink that rebuilds every block and holds the importer to the Sink's contract.
type recorder struct {
	t      *testing.T
	blocks map[cid.Cid][]byte
	open   *File
	at     int64 // end of the last leaf of the open file
	files  []File
}

func newRecorder(t *testing.T) *recorder {
	return &recorder{t: t, blocks: make(map[cid.Cid][]byte)}
}

func (r *recorder) add(c cid.Cid, block []byte) {
	if err := contentaddr.Verify(c, block); err != nil {
		r.t.Error(err)
	}
	r.blocks[c] = block
}

func (r *recorder) Node(c cid.Cid, block []byte) error {
	n, err := unixfs.Parse(c, block)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, l := range n.Links {
		if r.blocks[l.Cid] == nil {
			r.t.Errorf("node %s comes before its child %s", c, l.Cid)
		}
	}
	r.add(c, block)
	return nil
}

func (r *recorder) Leaves(f *File, leaves []Leaf) error {
	if r.open != f {
		if r.open != nil {
			r.t.Errorf("%s begins within %s", f.Path, r.open.Path)
		}
		r.open, r.at = f, 0
	}
	if len(leaves) == 0 || len(leaves) > 1024 {
		r.t.Errorf("%d leaves in one call", len(leaves))
	}
	for _, l := range leaves {
		if l.Offset != r.at {
			r.t.Errorf("%s: leaf at %d after %d bytes", f.Path, l.Offset, r.at)
		}
		r.at += int64(l.Size)
		r.add(l.Cid, r.blockOf(f, l))
	}
	return nil
}

// blockOf rebuilds a leaf's block from the file, as a store does.
func (r *recorder) blockOf(f *File, l Leaf) []byte {
	file, err := os.Open(f.Path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer file.Close()
	payload, err := io.ReadAll(io.NewSectionReader(file, l.Offset, int64(l.Size)))
	if err != nil {
		r.t.Fatal(err)
	}
	if !l.Framed {
		return payload
	}
	prefix, suffix := unixfs.LeafFrame(l.Size)
	return slices.Concat(prefix, payload, suffix)
}

func (r *recorder) File(f *File) error {
	info, err := os.Stat(f.Path)
	if err != nil {
		r.t.Fatal(err)
	}
	if r.open != f || r.at != info.Size() || f.Stat != StatOf(info) || r.blocks[f.Root] == nil {
		r.t.Errorf("%s ends after %d bytes with stat %+v and root %s", f.Path, r.at, f.Stat, f.Root)
	}
	r.open = nil
	r.files = append(r.files, *f)
	return nil
}

// get makes a recorder a store to read from.
func (r *recorder) get(_ context.Context, c cid.Cid) ([]byte, error) {
	if b, ok := r.blocks[c]; ok {
		return b, nil
	}
	return nil, fault.New(fault.NotFound, "no block %s", c)
}

func (r *recorder) node(c cid.Cid) *unixfs.Node {
	r.t.Helper()
	block, err := r.get(r.t.Context(), c)
	if err != nil {
		r.t.Fatal(err)
	}
	n, err := unixfs.Parse(c, block)
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// tree lists what is under c: paths with the sizes of files and the targets of symlinks.
func (r *recorder) tree(path string, c cid.Cid) (lines []string) {
	n := r.node(c)
	switch {
	case n.Kind == unixfs.Symlink:
		return []string{fmt.Sprintf("%s -> %s", path, n.Data)}
	case !n.IsFolder():
		return []string{fmt.Sprintf("%s %d", path, n.FileSize)}
	}
	lines = []string{path + "/"}
	err := unixfs.Entries(r.t.Context(), n, r.get, func(name string, l unixfs.Link) error {
		lines = append(lines, r.tree(path+"/"+name, l.Cid)...)
		return nil
	})
	if err != nil {
		r.t.Error(err)
	}
	return lines
}

func profiles(t testing.TB) []unixfs.Profile {
	v0, err := unixfs.ParseProfile(unixfs.UnixFSv0)
	if err != nil {
		t.Fatal(err)
	}
	return []unixfs.Profile{unixfs.DefaultProfile(), v0}
}

// mixed makes a folder with files of all sizes that matter to the importer, holes, and a deep tree.
func mixed(t testing.TB) string {
	dir := t.TempDir()
	for _, size := range []int{0, 1, 5000, 256 * kib, mib, mib + 1, 3*mib + 7} {
		write(t, data("mixed", size), dir, "files", fmt.Sprint(size))
	}
	write(t, data("large", smallSize+3*mib+1), dir, "large")
	for i := range 300 {
		write(t, fmt.Append(nil, i), dir, "many", fmt.Sprint(i%7), fmt.Sprint(i))
	}
	hollow(t, smallSize+1, dir, "hole")
	island(t, filepath.Join(dir, "island"), 3*smallSize+5, smallSize+12345)
	return dir
}

// island makes a file of a hole with a few bytes of data at an offset.
func island(t testing.TB, path string, size, at int64) {
	t.Helper()
	hollow(t, size, path)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("island"), at); err != nil {
		t.Fatal(err)
	}
}

// TestImportTellsTheSinkEverything holds the calls to Sink's contract and every block to its CID, and
// finds the same DAG with any number of workers.
func TestImportTellsTheSinkEverything(t *testing.T) {
	dir := mixed(t)
	for _, p := range profiles(t) {
		for _, preserve := range []bool{false, true} {
			var first Result
			for _, workers := range []int{1, 2, 7} {
				r := newRecorder(t)
				var told int64
				got, err := Import(t.Context(), dir, Options{Profile: p, Preserve: preserve, Workers: workers}, r,
					func(bytes int64) { told = max(told, bytes) })
				if err != nil {
					t.Fatal(err)
				}
				if workers == 1 {
					first = got
				}
				if !reflect.DeepEqual(got, first) {
					t.Errorf("%d workers: %+v, one: %+v", workers, got, first)
				}
				if got.Files != len(r.files) || got.Files != 310 || got.Folders != 10 || told != got.Bytes || r.open != nil {
					t.Errorf("%+v; %d files and %d bytes were told", got, len(r.files), told)
				}
				lines := r.tree("", got.Root)
				if !slices.Contains(lines, fmt.Sprintf("/large %d", smallSize+3*mib+1)) || len(lines) != 320 {
					t.Errorf("the tree has %d lines: %q", len(lines), lines[:min(20, len(lines))])
				}
			}
		}
	}
}

func TestWhatIsLeftOut(t *testing.T) {
	dir := t.TempDir()
	write(t, []byte("x"), dir, "plain")
	write(t, []byte("x"), dir, ".hidden")
	write(t, []byte("x"), dir, ".folder/plain")
	write(t, []byte("x"), dir, "bad\xff")
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere/at/all", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	skipped := []Skip{
		{filepath.Join(dir, "bad\xff"), "its name is not valid UTF-8"},
		{filepath.Join(dir, "fifo"), "a FIFO"},
		{filepath.Join(dir, "socket"), "a socket"},
	}
	for noHidden, want := range map[bool]string{
		false: "/ /.folder/ /.folder/plain 1 /.hidden 1 /empty/ /link -> nowhere/at/all /plain 1",
		true:  "/ /empty/ /link -> nowhere/at/all /plain 1",
	} {
		r := newRecorder(t)
		got, err := Import(t.Context(), dir, Options{NoHidden: noHidden}, r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tree := strings.Join(r.tree("", got.Root), " "); tree != want {
			t.Errorf("NoHidden %v: %s\nwant %s", noHidden, tree, want)
		}
		if !reflect.DeepEqual(got.Skipped, skipped) || got.Symlinks != 1 {
			t.Errorf("skipped %+v, want %+v", got.Skipped, skipped)
		}
	}
}

func TestRootMayBeASymlinkOrHidden(t *testing.T) {
	dir := t.TempDir()
	write(t, []byte("x"), dir, ".real")
	link := filepath.Join(dir, "link")
	if err := os.Symlink(".real", link); err != nil {
		t.Fatal(err)
	}
	r := newRecorder(t)
	if _, err := Import(t.Context(), link, Options{NoHidden: true}, r, nil); err != nil {
		t.Fatal(err)
	}
	if len(r.files) != 1 || filepath.Base(r.files[0].Path) != ".real" {
		t.Errorf("files: %+v", r.files)
	}
}

func TestBadRoots(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{filepath.Join(dir, "none"): "no such file", fifo: "a FIFO"} {
		_, err := Import(t.Context(), path, Options{}, nil, nil)
		if fault.KindOf(err) != fault.BadInput || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestPreserve keeps what chmod and touch say, at the root of each file and folder, and counts what
// would be lost without.
func TestPreserve(t *testing.T) {
	dir := t.TempDir()
	when := time.Date(2020, 2, 3, 4, 5, 6, 7, time.UTC)
	files := map[string]os.FileMode{"run": 0o755, "secret": 0o600, "setuid": 0o644 | os.ModeSetuid, "sub": 0o1777&0o777 | os.ModeSticky}
	modes := map[string]uint32{"run": 0o755, "secret": 0o600, "setuid": 0o4644, "sub": 0o1777}
	write(t, []byte("x"), dir, "run")
	write(t, data("", 2*mib), dir, "secret")
	write(t, nil, dir, "setuid")
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, mode := range files {
		path := filepath.Join(dir, name)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range profiles(t) {
		for _, preserve := range []bool{true, false} {
			r := newRecorder(t)
			got, err := Import(t.Context(), dir, Options{Profile: p, Preserve: preserve}, r, nil)
			if err != nil || got.Executables != 1 {
				t.Fatal(got, err)
			}
			for name, mode := range modes {
				l, err := unixfs.Lookup(t.Context(), r.node(got.Root), name, r.get)
				if err != nil {
					t.Fatal(err)
				}
				n := r.node(l.Cid)
				if n.HasMode != preserve || n.HasModTime != preserve || preserve && (n.Mode != mode || !n.ModTime.Equal(when)) {
					t.Errorf("%s, preserve %v: %s has mode %o and time %v", p.Name, preserve, name, n.Mode, n.ModTime)
				}
			}
		}
	}
}

// TestFilesThatChange: whoever writes to a file while it is imported makes the import fail, with the
// name of the file, and no file or folder is left open.
func TestFilesThatChange(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"grows":   func(path string) error { return os.Truncate(path, 2*smallSize+1) },
		"shrinks": func(path string) error { return os.Truncate(path, 5) },
		"is written": func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteAt([]byte("x"), 1)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "busy")
			hollow(t, 2*smallSize, path)
			r, changed := newRecorder(t), false
			open := openFiles(t)
			_, err := Import(t.Context(), path, Options{Workers: 1}, r, func(int64) {
				if !changed {
					if err := change(path); err != nil {
						t.Error(err)
					}
				}
				changed = true
			})
			if fault.KindOf(err) != fault.Failed || !strings.Contains(fmt.Sprint(err), path+" changed") {
				t.Errorf("err = %v", err)
			}
			if len(r.files) > 0 {
				t.Error("the sink was told that the file is done")
			}
			if now := openFiles(t); now != open {
				t.Errorf("%d files open, were %d", now, open)
			}
		})
	}
}

// TestSmallFileThatChanges: a worker notices too, whoever wins the race.
func TestSmallFileThatChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "small")
	write(t, []byte("before"), path)
	s := &source{path: path}
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	defer s.close()
	write(t, []byte("after"), path)
	if err := s.check(); err == nil || !strings.Contains(err.Error(), "changed") {
		t.Error(err)
	}
	if err := s.readAt(make([]byte, 6), 0); err == nil || !strings.Contains(err.Error(), "changed") {
		t.Error(err)
	}
}

// vanishing makes a folder in which the walk waits in the middle: the file has more parts than are queued.
func vanishing(t *testing.T) (dir, last string) {
	dir = t.TempDir()
	hollow(t, (queued+50)*partSize, dir, "a")
	write(t, nil, dir, "z")
	return dir, filepath.Join(dir, "z")
}

func TestFileThatVanishes(t *testing.T) {
	dir, last := vanishing(t)
	open := openFiles(t)
	_, err := Import(t.Context(), dir, Options{}, nil, func(int64) { _ = os.Remove(last) })
	if fault.KindOf(err) != fault.Failed || !strings.Contains(fmt.Sprint(err), last) {
		t.Errorf("err = %v", err)
	}
	if now := openFiles(t); now != open {
		t.Errorf("%d files open, were %d", now, open)
	}
}

func TestUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	for _, name := range []string{"file", "folder/x"} {
		dir := t.TempDir()
		write(t, []byte("x"), dir, name)
		path := filepath.Join(dir, strings.Split(name, "/")[0])
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		_, err := Import(t.Context(), dir, Options{}, nil, nil)
		if fault.KindOf(err) != fault.Failed || !strings.Contains(fmt.Sprint(err), path) {
			t.Errorf("err = %v", err)
		}
		if err := os.Chmod(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCancel stops in the middle of a file, with nothing left behind.
func TestCancel(t *testing.T) {
	dir, _ := vanishing(t)
	open := openFiles(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Import(ctx, dir, Options{}, nil, func(int64) { cancel() })
	if !errors.Is(err, context.Canceled) || fault.KindOf(err) != fault.Interrupted {
		t.Errorf("err = %v", err)
	}
	if now := openFiles(t); now != open {
		t.Errorf("%d files open, were %d", now, open)
	}
}

// A full sink is one whose n-th call fails.
type full struct{ left int }

var errFull = errors.New("full")

func (f *full) call() error {
	if f.left--; f.left < 0 {
		return errFull
	}
	return nil
}
func (f *full) Node(cid.Cid, []byte) error { return f.call() }
func (f *full) Leaves(*File, []Leaf) error { return f.call() }
func (f *full) File(*File) error           { return f.call() }

func TestSinkThatFails(t *testing.T) {
	dir := mixed(t)
	open := openFiles(t)
	for left := range 30 {
		if _, err := Import(t.Context(), dir, Options{}, &full{left}, nil); !errors.Is(err, errFull) {
			t.Errorf("after %d calls: %v", left, err)
		}
	}
	if now := openFiles(t); now != open {
		t.Errorf("%d files open, were %d", now, open)
	}
}

// openFiles counts the descriptors of this process; 0 where the system does not tell.
func openFiles(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	}
	return len(entries)
}

// TestMemoryIsBounded imports 100 GB, and looks at what the Go heap had to grow by.
func TestMemoryIsBounded(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("holes are read here, which takes long")
	}
	path := filepath.Join(t.TempDir(), "huge")
	hollow(t, 100e9, path)
	for _, p := range profiles(t) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := Import(t.Context(), path, Options{Profile: p}, nil, nil)
		if err != nil || got.Bytes != 100e9 {
			t.Fatal(got, err)
		}
		runtime.ReadMemStats(&after)
		if grown := int64(after.Sys) - int64(before.Sys); grown > 64*mib {
			t.Errorf("%s: 100 GB took %d MiB", p.Name, grown/mib)
		}
	}
}

// TestHolesHashAsZeros compares a hole with zeros that are written.
func TestHolesHashAsZeros(t *testing.T) {
	dir := t.TempDir()
	content := make([]byte, 3*mib+5)
	copy(content[2*mib-3:], "island")
	write(t, content, dir, "written")
	island(t, filepath.Join(dir, "sparse"), int64(len(content)), 2*mib-3)
	for _, p := range profiles(t) {
		var roots []cid.Cid
		for _, name := range []string{"written", "sparse"} {
			got, err := Import(t.Context(), filepath.Join(dir, name), Options{Profile: p}, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			roots = append(roots, got.Root)
		}
		if roots[0] != roots[1] {
			t.Errorf("%s: %v", p.Name, roots)
		}
	}
}
