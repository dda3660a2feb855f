//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed4134be55/peer/internal/process"
	"github.com/seed4134be55/peer/node/api"
)

// realBench is a bench whose processes are real nodes on loopback, found by link alone.
func realBench(t *testing.T) *bench {
	b := newBench(t)
	b.node = "real"
	return b
}

// on runs a verb on a home of that name.
func (b *bench) on(home string, args ...string) *process.Process {
	b.Helper()
	other := *b
	other.home = b.path(home)
	return other.start(append([]string{"--reach", "loopback", "--modes", "none"}, args...)...)
}

func (b *bench) write(name string, content []byte) string {
	b.Helper()
	if err := os.MkdirAll(filepath.Dir(b.path(name)), 0o700); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(b.path(name), content, 0o600); err != nil {
		b.Fatal(err)
	}
	return b.path(name)
}

func (b *bench) parsed(line string) (e api.Event) {
	b.Helper()
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		b.Fatal(err)
	}
	return e
}

// sharing shares path from a home until the test ends.
func (b *bench) sharing(home, path string, flags ...string) (api.Event, *process.Process) {
	b.Helper()
	p := b.on(home, append([]string{"share", path}, flags...)...)
	return b.parsed(b.line(p, `"event":"shared"`)), p
}

// said waits for a line with all words and fails unless it came within a time of p's start.
func (b *bench) said(p *process.Process, within time.Duration, words ...string) {
	b.Helper()
	name := strings.Split(strings.TrimPrefix(words[0], `"event":"`), `"`)[0]
	e, err := p.EventWhere(soon, name, func(e process.Event) bool {
		for _, w := range words {
			if !strings.Contains(e.Line, w) {
				return false
			}
		}
		return true
	})
	if err != nil {
		b.Fatalf("waiting for %q: %v", words, err)
	}
	if e.At > within {
		b.Errorf("%q after %v, not %v", words, e.At, within)
	}
}

// A CID that nobody has: it says at once that it looks and where, then that there is nobody.
func TestNobodyHasIt(t *testing.T) {
	b := realBench(t)
	content := b.write("file.txt", []byte("what is shared\n"))
	shared, sharer := b.sharing("sharer", content)
	missing := "peer://" + cidIn(linkA) + "/a.txt?" + shared.Link[strings.Index(shared.Link, "?")+1:]

	p := b.on("getter", "get", "--timeout", "2s", missing)
	b.said(p, time.Second, `"event":"state"`, "looking for "+cidIn(linkA), "the link's addresses")
	b.line(p, `"event":"error"`, `"kind":"not_found"`, "within 2s")
	b.ends(p, 3)

	b.interrupt(sharer)
	b.ends(sharer, 0)
	gone := b.on("getter", "get", "--timeout", "2s", shared.Link)
	b.said(gone, time.Second, `"event":"state"`, "looking for "+shared.Cid)
	b.line(gone, `"event":"error"`, `"kind":"not_found"`, "running and reachable")
	b.ends(gone, 3)
}

// A link that cannot be right is refused within a second, and no home is made for it.
func TestTypo(t *testing.T) {
	b := realBench(t)
	good := linkA + "?a=/ip4/127.0.0.1/tcp/4001/p2p/" + fakeID
	for name, link := range map[string]string{
		"a letter too much":       strings.Replace(good, "/a.txt", "x/a.txt", 1),
		"a letter missing":        strings.Replace(good, "devei4", "devei", 1),
		"a letter that is none":   strings.Replace(good, "bafkrei", "bafkre1", 1),
		"an address cut short":    good[:len(good)-3],
		"an address of nonsense":  linkA + "?a=here",
		"another scheme":          strings.Replace(good, "peer:", "pear:", 1),
		"nothing but punctuation": "peer://",
	} {
		p := b.on("never", "get", link)
		e, err := p.Event(soon, "error")
		if err != nil || e.Kind != "bad_input" || e.At > time.Second {
			t.Errorf("%s: %+v after %v, %v", name, e.Line, e.At, err)
		}
		b.ends(p, 2)
	}
	if _, err := os.Stat(b.path("never")); err == nil {
		t.Error("a home was made")
	}
}

// What is no file is left out, by name, and the rest is shared.
func TestShareLeavesOut(t *testing.T) {
	b := realBench(t)
	b.write("folder/a.txt", []byte("a\n"))
	if err := unix.Mkfifo(b.path("folder/pipe"), 0o600); err != nil {
		t.Skip(err)
	}
	p := b.on("sharer", "share", "folder")
	b.line(p, `"event":"skipped"`, b.path("folder/pipe"))
	b.line(p, `"event":"shared"`, `"files":1`)
}

// Ctrl-C during a get: it says how to go on, and the same words do.
func TestInterruptedGet(t *testing.T) {
	b := realBench(t)
	content := bytes.Repeat([]byte("what is shared\n"), 1<<20)
	for i := range content { // no two leaves alike
		content[i] ^= byte(i >> 20)
	}
	path := b.write("file.bin", content)
	p := b.on("sharer", "--limit-up", "6MB", "share", path)
	shared := b.parsed(b.line(p, `"event":"shared"`))

	getter := b.on("getter", "get", "-o", "out", shared.Link)
	at, err := getter.EventWhere(soon, "progress", func(e process.Event) bool { return e.Bytes > 0 })
	if err != nil {
		t.Fatal(err)
	}
	b.interrupt(getter)
	b.line(getter, `"event":"error"`, `"kind":"interrupted"`, "run the same command again")
	b.ends(getter, 130)

	b.line(b.on("getter", "transfers"), `"event":"transfer"`, shared.Cid, `"state":"paused"`, "peer get -o '"+b.path("out")+"' 'peer://"+shared.Cid)

	again := b.on("getter", "get", "-o", "out", shared.Link)
	done, err := again.Event(soon, "done")
	if err != nil || done.Fetched > int64(len(content))-at.Bytes {
		t.Fatalf("%s after %d of %d bytes, %v", done.Line, at.Bytes, len(content), err)
	}
	if got, err := os.ReadFile(b.path("out/file.bin")); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// While it goes on, both ends list it with the other in it, again and again if asked to.
func TestTransfersOfBothEnds(t *testing.T) {
	b := realBench(t)
	path := b.write("file.bin", bytes.Repeat([]byte("what is shared\n"), 2<<20))
	shared, _ := b.sharing("sharer", path, "--limit-up", "200kB")
	getter := b.on("getter", "get", "-o", "out", shared.Link)
	if _, err := getter.EventWhere(soon, "progress", func(e process.Event) bool { return e.Bytes > 0 }); err != nil {
		t.Fatal(err)
	}
	b.line(b.on("getter", "transfers"), `"event":"transfer"`, shared.Cid, `"swarm":[{"peer":"12D3KooW`, `"from":"link","have":1,`, `"state":"active"`)
	b.line(b.on("sharer", "transfers"), `"event":"transfer"`, shared.Cid, `"from":"incoming"`, `"client":true,"up_rate":`, `"state":"served"`)
	b.line(b.on("getter", "peers"), `"event":"peer"`, `"peer":"12D3KooW`, `"state":"direct"`)
	watch := b.on("getter", "transfers", "--watch")
	for range 2 {
		b.line(watch, `"event":"round","transfers":1`)
		b.line(watch, `"event":"transfer"`, shared.Cid)
	}
	b.interrupt(watch)
	b.ends(watch, 0)
}

// A file that changes while it is served: its owner is told by name, and nobody gets wrong bytes.
func TestChangedWhileServed(t *testing.T) {
	b := realBench(t)
	path := b.write("file.bin", bytes.Repeat([]byte("what is shared\n"), 300_000))
	shared, sharer := b.sharing("sharer", path)
	changed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed[2<<20] ^= 1
	b.write("file.bin", changed)

	getter := b.on("getter", "get", "--timeout", "3s", "-o", "out", shared.Link)
	b.line(getter, `"event":"error"`, `"kind":"not_found"`)
	b.ends(getter, 3)
	if _, err := os.Stat(b.path("out/file.bin")); err == nil {
		t.Error("what has wrong bytes got its name")
	}
	b.line(sharer, `"event":"warning"`, path)
	b.line(b.on("sharer", "shares"), `"event":"share"`, shared.Cid, `"message":"`+path)
}

// A path that vanishes: its owner is told by name.
func TestVanished(t *testing.T) {
	b := realBench(t)
	path := b.write("file.bin", bytes.Repeat([]byte("what is shared\n"), 300_000))
	shared, sharer := b.sharing("sharer", path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	getter := b.on("getter", "get", "--timeout", "3s", "-o", "out", shared.Link)
	b.line(getter, `"event":"error"`, `"kind":"not_found"`)
	b.ends(getter, 3)
	b.line(sharer, `"event":"warning"`, path)
	b.line(b.on("sharer", "shares"), `"event":"share"`, shared.Cid, `"message":"`+path)
}
