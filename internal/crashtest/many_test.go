//go:build unix

package crashtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed4134be55/peer/internal/process"
)

// fewFiles is how many files and sockets the processes of these tests may have open: less than there are roots.
const fewFiles = 160

// Hundreds of roots in one command, with few descriptors: the getter is killed twice on the way and the sharer once,
// the same command fetches what is missing and no more, and after a last kill all of it is served again to somebody
// who has never met the first sharer.
func TestHundredsOfRoots(t *testing.T) {
	s := newScene(t)
	const n = 240
	var paths []string
	for i := range n {
		name := fmt.Sprintf("src/root%03d", i)
		for f := range i % 3 { // every third is one file, the others are folders of one and two
			s.write(fmt.Sprintf("%s/%d", name, f), s.bytes(20_000+s.chance.IntN(60_000)))
		}
		if i%3 == 0 {
			s.write(name, s.bytes(20_000+s.chance.IntN(60_000)))
		}
		paths = append(paths, s.path(name))
	}
	want, total := s.tree("src"), int64(0)
	for _, content := range want {
		total += int64(len(content))
	}
	limit := []string{"--limit-up", "6MiB"}
	sharer := s.startWithin(fewFiles, "sharer", append(append(limit, "share"), paths...)...)
	var links []string
	for range n {
		links = append(links, s.event(sharer, "shared").Link)
	}

	// get returns how much the finished roots took and how many there were, in the order of their links or nearly.
	get := append([]string{"get", "-o", "out", "--seed"}, links...)
	fetched, most := int64(0), 0
	run := func(until int) (done int) {
		p := s.startWithin(fewFiles, "getter", get...)
		for ; done < until; done++ {
			e := s.event(p, "done")
			fetched += e.Fetched
			if at := slices.Index(paths, s.path("src/"+baseName(e.Path))); at > done+3*16 {
				t.Errorf("root %d is number %d to be done", at, done)
			}
			most = max(most, openFiles(s, p))
		}
		p.Kill()
		return done
	}
	run(n / 3)
	sharer.Kill()
	sharer = s.startWithin(fewFiles, "sharer", append(limit, "serve")...)
	s.event(sharer, "serving")
	before := fetched
	run(2 * n / 3)
	if again := fetched - before; again > total*2/3 {
		t.Errorf("%d of %d bytes were fetched to go from a third to two thirds", again, total)
	}
	run(n)
	s.same(s.path("out"), want)
	t.Logf("%d roots, %d bytes: %d fetched by those that were not killed, at most %d files open", n, total, fetched, most)
	if fetched > total+total/10 {
		t.Errorf("%d bytes were fetched of %d", fetched, total)
	}
	sharer.Kill()

	getter := s.startWithin(fewFiles, "getter", "serve")
	s.event(getter, "serving")
	links = s.links("getter")
	if len(links) != n {
		t.Fatalf("%d roots are shared after the restart", len(links))
	}
	third := s.startWithin(fewFiles, "third", append([]string{"get", "-o", "third-out"}, links...)...)
	s.ok(third.Wait(soon))
	s.same(s.path("third-out"), want)
	if open := openFiles(s, getter); max(most, open) > fewFiles {
		t.Errorf("%d files open", open)
	}
}

// baseName returns the last element of a path.
func baseName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// openFiles counts what a process has open; 0 where nobody tells.
func openFiles(s *scene, p *process.Process) int {
	s.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.Pid()))
	if err != nil {
		return 0
	}
	return len(open)
}

// links returns the links of what a home shares, as the peer that runs there tells them.
func (s *scene) links(home string) []string {
	s.Helper()
	p := s.start(home, "shares")
	found := make(map[string]bool)
	s.ok(p.Wait(soon))
	_, err := p.Line(soon, func(line string) bool {
		var e process.Event
		if json.Unmarshal([]byte(line), &e) == nil && e.Name == "share" {
			found[e.Link] = true
		}
		return false
	})
	if err == nil {
		s.Fatal("a line too much")
	}
	return slices.Sorted(maps.Keys(found))
}

// A download is cut off, and its sharer is gone: whoever else wants it gets what is verified from a peer that only
// serves, which says how to go on, and both complete when the sharer is back.
func TestPausedDownloadIsServed(t *testing.T) {
	s := newScene(t)
	s.write("src/large.bin", s.bytes(24*mib))
	shared, sharer := s.share("sharer", s.path("src/large.bin"), "--limit-up", "8MiB")
	getter := s.start("getter", "get", "-o", "out", shared.Link)
	_, err := getter.EventWhere(soon, "progress", func(e process.Event) bool { return e.Bytes > 14*mib })
	s.ok(err)
	getter.Kill()
	sharer.Kill()

	server := s.start("getter", "serve")
	s.event(server, "serving")
	listed := s.start("getter", "transfers")
	paused := s.event(listed, "transfer")
	if !strings.Contains(paused.Line, `"state":"paused"`) || !strings.Contains(paused.Line, "peer get -o") || paused.Bytes == 0 || paused.Total != 24*mib {
		t.Errorf("it says %s", paused.Line)
	}
	link := s.links("getter")[0]
	third := s.start("third", "get", "--timeout", "2s", "-o", "third-out", link)
	reached := int64(0)
	_, err = third.Line(soon, func(line string) bool {
		var e process.Event
		s.ok(json.Unmarshal([]byte(line), &e))
		if e.Name == "progress" {
			reached = e.Bytes
		}
		return e.Name == "error" && e.Kind == "not_found"
	})
	s.ok(err)
	t.Logf("%d bytes were verified, %d of them reached the third peer", paused.Bytes, reached)
	if reached < paused.Bytes {
		t.Error("not all that is verified was served")
	}

	back := s.start("sharer", "serve")
	s.event(back, "serving")
	again := s.start("getter", "get", "-o", "out", shared.Link) // handed to the peer that serves
	done := s.event(again, "done")
	if done.Fetched > 24*mib-paused.Bytes {
		t.Errorf("%d bytes fetched, with %d verified before", done.Fetched, paused.Bytes)
	}
	s.same(s.path("out/large.bin"), s.tree("src/large.bin"))
	rest := s.start("third", "get", "-o", "third-out", link)
	done = s.event(rest, "done")
	if done.Fetched > 24*mib-reached {
		t.Errorf("%d bytes fetched, with %d verified before", done.Fetched, reached)
	}
	s.same(s.path("third-out/large.bin"), s.tree("src/large.bin"))
}
