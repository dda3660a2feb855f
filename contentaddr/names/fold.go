package names

import (
	"fmt"
	"hash/maphash"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/seed4134be55/peer/fault"
)

// CollisionError says that two names of one folder would be one on the disk. Its kind is
// fault.Refused.
type CollisionError struct{ Name, Other string }

func (e *CollisionError) Error() string {
	if e.Name == e.Other {
		return "the name " + Quote(e.Name) + " is in the folder twice"
	}
	return fmt.Sprintf("the names %s and %s would be one file here", Quote(e.Other), Quote(e.Name))
}

// Folder detects names of one folder that collide. Make one a folder; it takes about 40 bytes a
// name. Not safe for concurrent use.
type Folder struct {
	rules Rules
	seed  maphash.Seed
	seen  map[uint64]string // hash of the key (seeded, so that no sender can aim at it) -> name
}

// Folder returns a detector that also checks each name by r.
func (r Rules) Folder() *Folder {
	return &Folder{rules: r, seed: maphash.MakeSeed(), seen: map[uint64]string{}}
}

// Add checks name and that it collides with no name added before: an *Error or a *CollisionError.
// The same name twice collides whatever the rules.
func (f *Folder) Add(name string) error {
	if err := f.rules.Check(name); err != nil {
		return err
	}
	key := f.key(name)
	hash := maphash.String(f.seed, key)
	if other, ok := f.seen[hash]; ok && f.key(other) == key {
		return fault.Mark(fault.Refused, &CollisionError{name, other})
	}
	f.seen[hash] = name
	return nil
}

func (f *Folder) key(name string) string {
	if !f.rules.Fold {
		return name
	}
	return Fold(name)
}

// Fold returns what name is to a disk that folds the most: composed, without case (Unicode 3.13,
// toCasefold), without what HFS+ and ext4 ignore, without trailing dots and spaces. Disks differ,
// so it calls a few names one that some of them can tell apart ("ß", "ss"): the safe side.
func Fold(name string) string {
	if isPlain(name) {
		return strings.ToLower(strings.TrimRight(name, ". "))
	}
	s := cases.Fold().String(norm.NFD.String(name))
	s = strings.Map(dropIgnorable, s)
	return norm.NFC.String(strings.TrimRight(s, ". "))
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func dropIgnorable(r rune) rune {
	if unicode.In(r, unicode.Cf, unicode.Variation_Selector) {
		return -1
	}
	return r
}
