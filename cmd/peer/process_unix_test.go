//go:build unix

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed4134be55/peer/internal/process"
	"github.com/seed4134be55/peer/node/api"
)

// soon is far longer than anything here takes; whoever waits so long waits for ever.
const soon = 30 * time.Second

func cidIn(link string) string {
	return strings.Split(link, "/")[2]
}

// A bench is one home, one world and the processes between them.
type bench struct {
	*testing.T
	dir, home string
	node      string // "fake" or "real"
}

func newBench(t *testing.T) *bench {
	t.Parallel()
	dir := t.TempDir()
	b := &bench{T: t, dir: dir, home: filepath.Join(dir, "home"), node: "fake"}
	if err := os.Mkdir(b.path("world"), 0o700); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// start runs a verb with --json in a process of its own.
func (b *bench) start(args ...string) *process.Process {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0], append([]string{"--json", "--home", b.home}, args...)...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "PEER_TEST_MAIN="+b.node, "PEER_TEST_WORLD="+b.path("world"),
		"XDG_CONFIG_HOME="+b.path("config"), "HOME="+b.dir)
	p, err := process.Start(cmd)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.Kill)
	return p
}

// line waits until p prints a line that holds all words.
func (b *bench) line(p *process.Process, words ...string) string {
	b.Helper()
	line, err := p.Line(soon, func(line string) bool {
		for _, w := range words {
			if !strings.Contains(line, w) {
				return false
			}
		}
		return true
	})
	if err != nil {
		b.Fatalf("waiting for %q: %v", words, err)
	}
	return line
}

// ends waits for p to end with an exit code.
func (b *bench) ends(p *process.Process, code int) {
	b.Helper()
	if err := p.Wait(soon); p.ExitCode() != code {
		b.Fatalf("exit code %d, want %d: %v", p.ExitCode(), code, err)
	}
}

// comes lets a download hang until it is delivered.
func (b *bench) comes(links ...string) {
	b.Helper()
	for _, l := range links {
		if err := unix.Mkfifo(b.path("world/"+cidIn(l)), 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

// deliver gives one process that waits for link what it waits for.
func (b *bench) deliver(link, content string) {
	b.Helper()
	if err := os.WriteFile(b.path("world/"+cidIn(link)), []byte(content), 0o600); err != nil {
		b.Fatal(err)
	}
}

func pid(p *process.Process) string { return "process " + strconv.Itoa(p.Pid()) }

// The second verb on a home is done by the process of the first.
func TestHandedOver(t *testing.T) {
	b := newBench(t)
	b.comes(linkA)
	first := b.start("get", linkA)
	b.line(first, "looking for", pid(first))

	b.deliver(linkB, "b")
	second := b.start("get", "-o", "elsewhere", linkB)
	b.line(second, "looking for", pid(first))
	b.line(second, `"event":"done"`, b.path("elsewhere/b.txt"))
	b.ends(second, 0)

	b.deliver(linkA, "a")
	b.line(first, `"event":"done"`)
	b.ends(first, 0)
}

// kill -9 of the process that does the work: one of those that wait takes over, the others go to it.
func TestKilled(t *testing.T) {
	b := newBench(t)
	b.comes(linkA, linkB, linkC)
	first := b.start("get", linkA)
	b.line(first, "looking for", pid(first))
	second, third := b.start("get", linkB), b.start("get", linkC)
	b.line(second, "looking for", pid(first))
	b.line(third, "looking for", pid(first))

	first.Kill()
	heir := b.line(second, "looking for", "process")
	if !strings.Contains(heir, pid(second)) && !strings.Contains(heir, pid(third)) {
		t.Fatalf("after the death of %s: %s", pid(first), heir)
	}
	b.line(third, "looking for", heir[strings.Index(heir, "process "):])
	b.deliver(linkB, "b")
	b.deliver(linkC, "c")
	b.line(second, `"event":"done"`)
	b.line(third, `"event":"done"`)
	b.ends(second, 0)
	b.ends(third, 0)

	again := b.start("get", linkA) // what the dead one did goes on where it is asked for again
	b.line(again, "looking for", pid(again))
	b.deliver(linkA, "a")
	b.ends(again, 0)
}

// A process whose own verb is done stays for the others and says for whom.
func TestOutlivesItsVerb(t *testing.T) {
	b := newBench(t)
	b.comes(linkA, linkB)
	first := b.start("get", linkA)
	b.line(first, "looking for")
	second := b.start("get", linkB)
	b.line(second, "looking for", pid(first))
	b.deliver(linkA, "a")
	b.line(first, `"event":"done"`)
	b.line(first, `"event":"waiting"`, "get "+linkB)
	b.line(b.start("status"), strconv.Itoa(first.Pid()))
	b.deliver(linkB, "b")
	b.ends(second, 0)
	b.ends(first, 0)
}

// When its own verb is done, the first Ctrl-C ends the process.
func TestInterruptedWhileItWaits(t *testing.T) {
	b := newBench(t)
	b.comes(linkA, linkB)
	first := b.start("get", linkA)
	b.line(first, "looking for")
	second := b.start("get", linkB)
	b.line(second, "looking for", pid(first))
	b.deliver(linkA, "a")
	b.line(first, `"event":"waiting"`)
	b.interrupt(first)
	b.ends(first, 0)
	b.line(second, "looking for", pid(second))
	b.deliver(linkB, "b")
	b.ends(second, 0)
}

// Ctrl-C ends the process's own verb, and a second one the process; the others carry on without it.
func TestInterrupted(t *testing.T) {
	b := newBench(t)
	b.comes(linkA, linkB)
	first := b.start("get", linkA)
	b.line(first, "looking for")
	second := b.start("get", linkB)
	b.line(second, "looking for", pid(first))

	b.interrupt(first)
	b.line(first, `"event":"waiting"`, "get "+linkB)
	b.line(b.start("status"), strconv.Itoa(first.Pid()))
	b.interrupt(first)
	b.line(first, `"kind":"interrupted"`, "run the same command again to resume")
	b.ends(first, 130)

	b.line(second, "looking for", pid(second))
	b.deliver(linkB, "b")
	b.ends(second, 0)
}

// Ctrl-C in a verb that another process does ends the verb alone.
func TestInterruptedElsewhere(t *testing.T) {
	b := newBench(t)
	b.comes(linkA, linkB)
	first := b.start("get", linkA)
	b.line(first, "looking for")
	second := b.start("get", linkB)
	b.line(second, "looking for")
	b.interrupt(second)
	b.line(second, `"kind":"interrupted"`)
	b.ends(second, 130)
	b.deliver(linkA, "a")
	b.ends(first, 0)
}

// Ctrl-C is how serving ends: no error.
func TestStopServing(t *testing.T) {
	b := newBench(t)
	b.deliver(linkA, "a")
	for verb, until := range map[string]string{"serve": "serving", "share": "shared", "get": "done"} {
		args := map[string][]string{"share": {"world"}, "get": {"--seed", linkA}}[verb]
		p := b.start(append([]string{verb}, args...)...)
		b.line(p, `"event":"`+until+`"`)
		b.interrupt(p)
		b.ends(p, 0)
	}
	p := b.start("share", "world")
	b.line(p, `"event":"shared"`)
	if err := unix.Kill(p.Pid(), unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	b.ends(p, 0)
}

// What was shared is forgotten by another process while the first serves.
func TestForget(t *testing.T) {
	b := newBench(t)
	b.deliver(linkA, "a")
	p := b.start("share", "--unlisted", "--name", "b.txt", "world/"+cidIn(linkA))
	shared := b.line(p, `"event":"shared"`, `"name":"b.txt"`, "unlisted true")
	cid := shared[strings.Index(shared, "bafkrei"):][:59]
	list := b.start("shares")
	b.line(list, cid, "b.txt")
	forget := b.start("forget", cid)
	b.line(forget, `"event":"forgot"`, cid)
	b.ends(forget, 0)
	b.ends(b.start("forget", cid), 3)
}

// The options of the process that runs are its own: who asks for others is refused, by name.
func TestOtherOptions(t *testing.T) {
	b := newBench(t)
	p := b.start("serve", "--reach", "loopback", "--limit-up", "1MB")
	b.line(p, `"event":"serving"`)
	b.deliver(linkA, "a")

	other := b.start("get", "--reach", "lan", "--limit-up", "1MB", "--modes", "lan", linkA)
	b.line(other, `"kind":"refused"`, "--reach is loopback, not lan and --modes is the default, not lan", "process "+strconv.Itoa(p.Pid()))
	b.ends(other, 6)
	b.ends(b.start("serve", "--relay"), 6)

	b.ends(b.start("get", "--reach", "loopback", linkA), 0)
	b.ends(b.start("get", "--overwrite", linkA), 0)
	b.ends(b.start("status", "--reach", "lan"), 0) // touches no network
}

// A home whose path is too long for a socket works all the same.
func TestLongHome(t *testing.T) {
	b := newBench(t)
	b.home = filepath.Join(b.dir, strings.Repeat("long/", 40))
	p := b.start("serve")
	b.line(p, `"event":"serving"`)
	b.line(b.start("status"), `"pid":`+strconv.Itoa(p.Pid()))
	b.interrupt(p)
	b.ends(p, 0)
}

// The whole way, with real nodes on this machine: shared from one home, fetched into another.
func TestRealNodes(t *testing.T) {
	b := newBench(t)
	b.node = "real"
	content := strings.Repeat("what is shared\n", 200_000)
	if err := os.WriteFile(b.path("file.txt"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	local := []string{"--reach", "loopback", "--modes", "none"}
	with := func(args ...string) *process.Process { return b.start(append(local, args...)...) }

	seed := with("share", "file.txt")
	var shared api.Event
	if err := json.Unmarshal([]byte(b.line(seed, `"event":"shared"`)), &shared); err != nil || shared.Bytes != int64(len(content)) {
		t.Fatalf("%+v, %v", shared, err)
	}
	b.line(b.start("status"), `"running":true`, `"pid":`+strconv.Itoa(seed.Pid()))

	b.home = b.path("other")
	got := with("get", "-o", "out", shared.Link)
	b.line(got, `"event":"done"`, shared.Cid, `"fetched":`+strconv.Itoa(len(content)))
	b.ends(got, 0)
	if raw, err := os.ReadFile(b.path("out/file.txt")); err != nil || string(raw) != content {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
	b.ends(with("get", "-o", "out", shared.Link), 0) // it is there

	if err := os.WriteFile(b.path("out/file.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused := with("get", "-o", "out", shared.Link)
	b.line(refused, `"kind":"refused"`, "--overwrite")
	b.ends(refused, 6)

	missing := with("get", "--timeout", "1s", linkA)
	b.line(missing, `"event":"state"`)
	b.line(missing, `"kind":"not_found"`)
	b.ends(missing, 3)

	b.interrupt(seed)
	b.ends(seed, 0)
}

func (b *bench) interrupt(p *process.Process) {
	b.Helper()
	if err := p.Interrupt(); err != nil {
		b.Fatal(err)
	}
}
