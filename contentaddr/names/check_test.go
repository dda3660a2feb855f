package names

import (
	"strings"
	"testing"

	"github.com/seed4134be55/peer/fault"
)

func TestCheck(t *testing.T) {
	posix, win := Rules{}, Rules{Windows: true}
	for _, test := range []struct {
		name         string
		posix, onWin Reason // "" passes
	}{
		{"a", "", ""},
		{"movie (2024).mkv", "", ""},
		{".hidden", "", ""},
		{"...", "", Trailing},
		{"100%", "", ""},
		{"日本語 ファイル", "", ""},
		{"👩‍👩‍👧", "", ""},
		{"e\u0301", "", ""},
		{"", Empty, Empty},
		{".", Dots, Dots},
		{"..", Dots, Dots},
		{"/", Separator, Separator},
		{"/etc/passwd", Separator, Separator},
		{"a/b", Separator, Separator},
		{`a\b`, Separator, Separator},
		{`\\host\share`, Separator, Separator},
		{"a\x00b", Control, Control},
		{"a\nb", Control, Control},
		{"\x1b[2J", Control, Control},
		{"a\x7f", Control, Control},
		{"a\u009bm", Control, Control}, // CSI in C1
		{"gpj\u202eexe", Bidi, Bidi},
		{"a\u2066b", Bidi, Bidi},
		{"a\u200eb", Bidi, Bidi},
		{"a\u061cb", Bidi, Bidi},
		{"a\xffb", InvalidUTF8, InvalidUTF8},
		{"\xed\xa0\x80", InvalidUTF8, InvalidUTF8}, // a surrogate
		{strings.Repeat("x", 255), "", ""},
		{strings.Repeat("x", 256), TooLong, TooLong},
		{"C:", "", Reserved},
		{"a:b", "", Reserved},
		{"what?", "", Reserved},
		{"x.", "", Trailing},
		{"x ", "", Trailing},
		{"CON", "", Device},
		{"con.txt", "", Device},
		{"nul.tar.gz", "", Device},
		{"COM1", "", Device},
		{"lpt9 .log", "", Device},
		{"COM¹", "", Device},
		{"CONIN$", "", Device},
		{"CONSOLE", "", ""},
		{"COM", "", ""},
		{"COM10", "", ""},
		{"COM1 2", "", ""},
		{"my.con", "", ""},
	} {
		if got := ReasonOf(posix.Check(test.name)); got != test.posix {
			t.Errorf("%q: %q, want %q", test.name, got, test.posix)
		}
		err := win.Check(test.name)
		if got := ReasonOf(err); got != test.onWin {
			t.Errorf("%q on Windows: %q, want %q", test.name, got, test.onWin)
		}
		if err == nil {
			continue
		}
		if fault.KindOf(err) != fault.Refused {
			t.Errorf("%q: kind %s", test.name, fault.KindOf(err))
		}
		if msg := err.Error(); Printable(msg) != msg {
			t.Errorf("%q: its error would reach the terminal raw: %q", test.name, msg)
		}
	}
}

func TestHostRules(t *testing.T) {
	for goos, want := range map[string]Rules{
		"linux": {}, "freebsd": {}, "darwin": {Fold: true}, "windows": {Windows: true, Fold: true},
	} {
		if got := hostRules(goos); got != want {
			t.Errorf("%s: %+v, want %+v", goos, got, want)
		}
	}
}

func TestTarget(t *testing.T) {
	for _, test := range []struct {
		link, target string
		want         any // nil, a TargetReason or a Reason
	}{
		{"link", "f01.txt", nil},
		{"link", "./f01.txt", nil},
		{"link", "a/b/", nil},
		{"link", ".", nil},
		{"a/link", "..", nil},
		{"a/link", "../x", nil},
		{"a/b/link", "../../x", nil},
		{"a/b/link", ".././../x", nil},
		{"link", "..", TargetOutside},
		{"link", "../../etc/passwd", TargetOutside},
		{"a/link", "../../x", TargetOutside},
		{"", "..", TargetOutside},
		{"a/link", "b/..", TargetClimbs},
		{"a/b/c/link", "up/../..", TargetClimbs}, // up -> ../../..: the root, and then out of it
		{"link", "/etc/passwd", TargetAbsolute},
		{"link", "", TargetEmpty},
		{"link", strings.Repeat("a/", 2048), TargetTooLong},
		{"link", `..\..\x`, Separator},
		{"link", "a\x00", Control},
		{"link", "a\u202e", Bidi},
	} {
		err := Rules{}.Target(test.link, test.target)
		var got any
		switch te, ok := asTarget(err); {
		case ok:
			got = te.Reason
		case err != nil:
			got = ReasonOf(err)
		}
		if got != test.want {
			t.Errorf("%q -> %q: %v, want %v", test.link, test.target, got, test.want)
		}
		if err != nil && fault.KindOf(err) != fault.Refused {
			t.Errorf("%q -> %q: kind %s", test.link, test.target, fault.KindOf(err))
		}
	}
	if err := (Rules{Windows: true}).Target("link", "C:/x"); ReasonOf(err) != Reserved {
		t.Errorf("a drive letter on Windows: %v", err)
	}
}
