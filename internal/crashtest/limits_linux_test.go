package crashtest

import (
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/seed4134be55/peer/internal/process"
	"strings"
)

// A sparse file of 100 GB costs neither time nor memory.
func TestSparseFile(t *testing.T) {
	s := newScene(t)
	const size, most = 100e9, 150_000_000
	path := s.write("sparse.bin", nil)
	s.ok(os.Truncate(path, size))
	if !sparse(s, path) {
		t.Skip("the file system knows no holes")
	}
	cid := s.start(s.path("home"), "cid", path)
	named := s.event(cid, "cid")
	s.ok(cid.Wait(soon))
	shared, sharer := s.share(s.path("home"), path)
	t.Logf("shared after %.1f s", shared.Seconds)
	if shared.CID != named.CID || shared.Bytes != size {
		t.Errorf("shared %s of %d bytes, not %s of %d", shared.CID, shared.Bytes, named.CID, int64(size))
	}
	rss := highWater(s, sharer.Pid())
	t.Logf("share: %d bytes of memory at most", rss)
	if rss > most {
		t.Errorf("share of a large file: %d bytes of memory", rss)
	}
	s.ok(sharer.Interrupt())
	s.ok(sharer.Wait(soon))
}

// highWater returns the most memory that a running process has had. What wait4 tells of one that has ended is of no
// use here: it counts in what this test had when it started the process.
func highWater(s *scene, pid int) int64 {
	s.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	s.ok(err)
	_, rest, found := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); !found || err != nil || kib == 0 {
		s.Fatalf("no high water mark in %s", status)
	}
	return kib << 10
}

// sparse tells whether a hole in a file takes no room.
func sparse(s *scene, path string) bool {
	s.Helper()
	st, err := os.Stat(path)
	s.ok(err)
	return st.Sys().(*syscall.Stat_t).Blocks*512 < mib
}

// Many small files: while they are shared, served and fetched, few descriptors are open, whatever their number.
func TestDescriptors(t *testing.T) {
	s := newScene(t)
	const most = 600 // a cache of files, the database and sockets take some 150
	n := 20_000
	if testing.Short() {
		n = 5_000
	}
	for i := range n {
		if i%1000 == 0 {
			s.write(fmt.Sprintf("src/%d/x", i/1000), nil)
		}
		s.ok(os.WriteFile(s.path(fmt.Sprintf("src/%d/%d", i/1000, i)), fmt.Appendf(nil, "%d of %d", i, n), 0o600))
	}
	shared, sharer := s.share(s.path("sharer"), s.path("src"))
	getter := s.start(s.path("getter"), "get", "-o", "out", "--seed", shared.Link)
	served, fetching := 0, 0
	var done process.Event
	_, err := getter.Line(soon, func(line string) bool {
		served, fetching = max(served, s.descriptors(sharer)), max(fetching, s.descriptors(getter))
		return json.Unmarshal([]byte(line), &done) == nil && (done.Name == "done" || done.Name == "error")
	})
	s.ok(err)
	if done.Name != "done" {
		t.Fatal(done.Line, done.Message)
	}
	t.Logf("%d files: at most %d descriptors at the sharer, %d at the getter; shared in %.1f s, fetched in %.1f s",
		shared.Files, served, fetching, shared.Seconds, done.Seconds)
	if max(served, fetching) > most {
		t.Errorf("%d descriptors at the sharer, %d at the getter", served, fetching)
	}
	s.same(s.path("out/src"), s.tree("src"))
}

func (s *scene) descriptors(p *process.Process) int {
	s.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.Pid()))
	s.ok(err)
	return len(open)
}
