package names

import (
	"errors"
	"fmt"
	"testing"

	"github.com/seed4134be55/peer/fault"
)

func asTarget(err error) (*TargetError, bool) {
	var te *TargetError
	return te, errors.As(err, &te)
}

func TestFolder(t *testing.T) {
	for _, test := range []struct {
		a, b         string
		exact, folds bool // collide on a disk that tells all names apart, on one that folds
	}{
		{"a", "b", false, false},
		{"a", "a", true, true},
		{"README", "readme", false, true},
		{"É", "e\u0301", false, true},
		{"é", "e\u0301", false, true},
		{"ΣΑΣ", "σας", false, true},
		{"K", "\u212a", false, true}, // the Kelvin sign
		{"straße", "STRASSE", false, true},
		{"x", "x.", false, true},
		{"x", "x ", false, true},
		{"x.txt", "x.tx", false, false},
		{".git", ".g\u200cit", false, true},
		{"日本", "日木", false, false},
		{"...", "a", false, false},
	} {
		for _, rules := range []Rules{{}, {Fold: true}} {
			want := test.exact
			if rules.Fold {
				want = test.folds
			}
			f := rules.Folder()
			if err := f.Add(test.a); err != nil {
				t.Fatal(err)
			}
			err := f.Add(test.b)
			var collision *CollisionError
			if errors.As(err, &collision) != want {
				t.Errorf("%+v %q %q: %v, want a collision: %v", rules, test.a, test.b, err, want)
			}
			if want && fault.KindOf(err) != fault.Refused {
				t.Errorf("kind %s", fault.KindOf(err))
			}
		}
	}
}

func TestFolderChecksNames(t *testing.T) {
	f := (Rules{}).Folder()
	if err := f.Add(".."); ReasonOf(err) != Dots {
		t.Errorf("..: %v", err)
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain":          "plain",
		"日本\u3000語":      "日本\u3000語",
		"👩‍👧":            "👩‍👧",
		"\ufffd":         "\ufffd",
		"\x1b[31mred":    `\x1b[31mred`,
		"a\nb\r":         `a\x0ab\x0d`,
		"\u202efdp":      `\u202efdp`,
		"\u009b2J":       `\u009b2J`,
		"\xff\xfe":       `\xff\xfe`,
		"\u2028":         `\u2028`,
		"\U000e0041":     `\U000e0041`,
		"a\u200bb\ufeff": `a\u200bb\ufeff`,
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"a", "..", "\x1b[", "CON", "e\u0301", "x.", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if p := Printable(s); Printable(p) != p {
			t.Errorf("%q: Printable is not stable: %q", s, p)
		}
		if a, b := Fold(s), Fold(Fold(s)); a != b && (Rules{}).Check(s) == nil {
			t.Errorf("%q: folds to %q, then to %q", s, a, b)
		}
		if (Rules{Windows: true}).Check(s) == nil && (Rules{}).Check(s) != nil {
			t.Errorf("%q passes on Windows alone", s)
		}
	})
}

func BenchmarkFolder(b *testing.B) {
	b.ReportAllocs()
	f := (Rules{Fold: true}).Folder()
	for i := range b.N {
		if err := f.Add(fmt.Sprintf("file-%d.txt", i)); err != nil {
			b.Fatal(err)
		}
	}
}
