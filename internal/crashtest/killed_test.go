//go:build unix

package crashtest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed4134be55/peer/internal/process"
)

// lifetime is somewhat more than a whole transfer takes at the limits below: kills fall into all of it.
const lifetime = 1300 * time.Millisecond

// kill -9 of the getter at random moments, again and again in one download and then in the next: whatever it had
// said to have is on the disk, what is on the disk is not fetched again, and in the end all of it is there.
func TestKilledGetter(t *testing.T) {
	t.Run("file", func(t *testing.T) {
		s := newScene(t)
		s.write("src/large.bin", s.bytes(48*mib+12345))
		s.killGetter("src/large.bin", "48MiB")
	})
	t.Run("folder", func(t *testing.T) {
		s := newScene(t)
		for i := range 3000 {
			s.write(fmt.Sprintf("src/folder/%d/%d.bin", i%7, i), s.bytes(1+s.chance.IntN(16<<10)))
		}
		s.killGetter("src/folder", "20MiB")
	})
}

func (s *scene) killGetter(source, limit string) {
	s.Helper()
	shared, _ := s.share("sharer", s.path(source), "--limit-up", limit)
	d := &download{scene: s, shared: shared, want: s.tree(source)}
	for _, content := range d.want {
		d.total += int64(len(content))
	}
	kills, during, most := 0, 0, 0
	for inRow := 0; kills < rounds(); inRow++ {
		acked, done := d.killed()
		if done {
			d.next()
			inRow = 0
			continue
		}
		kills++
		most = max(most, inRow+1)
		if acked > 0 && acked < d.total {
			during++
		}
	}
	for done := false; !done; {
		done = d.run(func(process.Event) bool { return false }, soon)
	}
	s.Logf("%d kills, %d of them after some bytes were acknowledged, up to %d in one download of %d bytes; %d downloads",
		kills, during, most, d.total, d.n+1)
	if during == 0 && kills >= 20 { // fewer may all miss it
		s.Error("no kill was in the middle of a transfer")
	}
}

// A download is fetched by one process after another, each into the same destination. The next one has a home of its
// own, as it would be copied from the first otherwise.
type download struct {
	*scene
	shared process.Event
	want   map[string][]byte
	total  int64
	n      int   // of the destination and the home
	acked  int64 // what the last process acknowledged
}

// next goes on with a destination where nothing is.
func (d *download) next() {
	d.Helper()
	for _, name := range []string{d.home(), filepath.Dir(d.dest())} {
		d.ok(os.RemoveAll(name))
	}
	d.n++
}

func (d *download) home() string { return d.path(fmt.Sprintf("getter%d", d.n)) }

func (d *download) dest() string {
	return d.path(fmt.Sprintf("out%d", d.n), filepath.Base(d.shared.Path))
}

// here counts what is on the disk: in the .part, or in the destination once it has its name.
func (d *download) here() int64 {
	return max(d.present(d.dest()+".part", d.want), d.present(d.dest(), d.want))
}

// killed runs a getter and kills it at some moment of its life: some time after its start, or the instant that it
// acknowledges so many bytes. done says that it was faster, acked what it had acknowledged.
func (d *download) killed() (acked int64, done bool) {
	d.Helper()
	after, at := time.Duration(d.chance.Int64N(int64(lifetime))), int64(0)
	if d.chance.IntN(2) == 0 {
		after, at = soon, 1+d.chance.Int64N(d.total)
	}
	done = d.run(func(p process.Event) bool { return at > 0 && p.Bytes >= at }, after)
	return d.acked, done
}

// run runs a getter until stop says so of its progress, or for some time, and kills it then. done says that it was
// whole before.
func (d *download) run(stop func(process.Event) bool, within time.Duration) (done bool) {
	d.Helper()
	before := d.here()
	d.acked = 0
	p := d.start(d.home(), "get", "-o", filepath.Dir(d.dest()), d.shared.Link)
	var whole process.Event
	_, err := p.Line(within, func(line string) bool {
		var e process.Event
		if json.Unmarshal([]byte(line), &e) != nil {
			return false
		}
		switch e.Name {
		case "progress":
			d.acked = e.Bytes
			return stop(e)
		case "done":
			whole = e
			return true
		case "error":
			d.Fatalf("%s", line)
		}
		return false
	})
	if whole.Name == "" {
		p.Kill()
		d.check()
		return false
	}
	d.ok(err)
	d.ok(p.Wait(soon))
	if missing := d.total - before; whole.Fetched > missing+piece {
		d.Errorf("fetched %d bytes, with %d missing and one source", whole.Fetched, missing)
	}
	d.same(d.dest(), d.want)
	return true
}

// check compares the disk with what a process acknowledged before it was killed.
func (d *download) check() {
	d.Helper()
	if here := d.here(); here < d.acked {
		d.Errorf("destination %d: %d bytes acknowledged, %d there", d.n, d.acked, here)
	}
}

// kill -9 of the sharer in the middle, and a peer on the same home again: the getter goes on by itself, and what it
// had is not fetched again.
func TestKilledSharer(t *testing.T) {
	s := newScene(t)
	s.write("src/large.bin", s.bytes(64*mib))
	limit := []string{"--limit-up", "24MiB"}
	shared, sharer := s.share("sharer", s.path("src/large.bin"), limit...)
	getter := s.start("getter", "get", "-o", "out", shared.Link)
	for range 3 {
		seen, err := getter.Event(soon, "progress")
		s.ok(err)
		at := seen.Bytes + s.chance.Int64N(6*mib)
		seen, err = getter.EventWhere(soon, "progress", func(e process.Event) bool { return e.Bytes > at })
		s.ok(err)
		sharer.Kill()
		t.Logf("the sharer was killed at %d bytes", seen.Bytes)
		sharer = s.start("sharer", append(limit, "serve")...)
		s.event(sharer, "serving")
	}
	done := s.event(getter, "done")
	t.Logf("%d bytes fetched in %.1f s", done.Fetched, done.Seconds)
	if done.Fetched > 64*mib+3*piece {
		t.Errorf("%d bytes fetched of %d", done.Fetched, 64*mib)
	}
	s.same(s.path("out/large.bin"), s.tree("src/large.bin"))
}
