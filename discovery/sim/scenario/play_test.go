package scenario_test

import (
	"strings"
	"testing"

	"github.com/seed4134be55/peer/discovery/kademlia/machine"
	"github.com/seed4134be55/peer/discovery/sim/scenario"
	"github.com/seed4134be55/peer/fault"
)

func play(script string) (string, error) { return scenario.Play(script, scenario.Of(machine.Protocol)) }

// What a text is expected to print is replaced by what it prints, and nothing else is; once it is right it stays.
func TestPlay(t *testing.T) {
	const script = `# a comment stays
network peers=4 k=3
----
what it printed
once

# Every command

freeze
route p0 0xffff
publish p1 word v
trace messages
find p2 word
trace off
thaw
join 2 through=p0
partition p4 p5
run 10s
heal
meet p0 p4
leave p1
crash p2
fail 0.5
----
show
peers
----
`
	got, err := play(script)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# a comment stays\nnetwork peers=4 k=3\n----\np", "\n\n# Every command\n\nfreeze\n", "found \"v\"\n",
		"→ p3 find\n", "\np5 0x", "crashed: p", "\n----\np"} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "once") {
		t.Errorf("the old text is there:\n%s", got)
	}
	if again, err := play(got); err != nil || again != got {
		t.Errorf("played again, %v:\n%s\nwas\n%s", err, again, got)
	}
}

func TestPlayNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ script, want string }{
		{"dance", "there is no such command"},
		{"run 1s", "no network yet"},
		{"network peers", "NAME=VALUE"},
		{"network peers=many", "peers=many"},
		{"network colour=red", "colour"},
		{"network k=0x", "k=0x"},
		{"network loss=2", "loss"},
		{"network peers=2\nroute p2 key", "p0 to p1"},
		{"network peers=2\nroute p0", "want 2 words"},
		{"network peers=2\nroute p0 0x123", "0x123"},
		{"network peers=2\nrun tomorrow", "want a time"},
		{"network peers=2\nfail 2", "want a share"},
		{"network peers=2\nmeet p0", "want two peers"},
		{"network peers=2\njoin some", "some"},
		{"trace loudly", "messages or off"},
	} {
		_, err := play(c.script + "\n----\n")
		if fault.KindOf(err) != fault.BadInput || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want a word about %q", c.script, err, c.want)
		}
	}
	if _, err := play("network"); err == nil {
		t.Error("commands without dashes are no error")
	}
}
