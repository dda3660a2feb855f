// Package names judges the names and symlink targets that come from the network before any of them
// reaches a file system or a terminal.
//
// It is not the only wall: whoever writes files also goes through an os.Root. That root stops what
// climbs out, but neither a name that Windows takes for a device nor two names that the disk takes
// for one. Start reading at Rules.
package names

import (
	"errors"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed4134be55/peer/fault"
)

// MaxLen is the most bytes of one name: what Linux, macOS and (at least) Windows can store.
const MaxLen = 255

// Reason says what is wrong with a name.
type Reason string

// What is refused by every rule.
const (
	Empty       Reason = "is empty"
	Dots        Reason = "means a folder, not a name in it"
	Separator   Reason = "holds a path separator"
	Control     Reason = "holds a control character"
	Bidi        Reason = "holds a character that reorders text"
	InvalidUTF8 Reason = "is not UTF-8"
	TooLong     Reason = "is longer than 255 bytes"
)

// What is refused besides when Rules.Windows is set.
const (
	Device   Reason = "is a device on Windows"
	Reserved Reason = "holds a character that Windows refuses"
	Trailing Reason = "ends in a dot or space, which Windows drops"
)

// Error says which name was refused and why. Its kind is fault.Refused.
type Error struct {
	Name   string
	Reason Reason
}

func (e *Error) Error() string { return "the name " + Quote(e.Name) + " " + string(e.Reason) }

// ReasonOf returns the reason of the *Error in err's chain, or "".
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

func refuse(name string, r Reason) error { return fault.Mark(fault.Refused, &Error{name, r}) }

// Rules are what a destination asks of names. The zero value asks what every destination does:
// nothing that leaves the folder, nothing that a terminal obeys or that shows as something else.
// `a:b` and `CON` are honest names on Linux and pass there.
type Rules struct {
	Windows bool // also refuse what Windows cannot store or takes for something else
	Fold    bool // two names that differ only in case, Unicode form or trailing dots are one
}

// Host returns the rules of the system that this program runs on. macOS folds by default; a Linux
// folder can be on a disk that folds too, which a caller who knows asks for by setting Fold.
func Host() Rules { return hostRules(runtime.GOOS) }

func hostRules(goos string) Rules {
	return Rules{
		Windows: goos == "windows",
		Fold:    goos == "windows" || goos == "darwin" || goos == "ios",
	}
}

// Check judges one path element by the host's rules. See Rules.Check.
func Check(name string) error { return Host().Check(name) }

// Check judges one path element from the network. The error holds an *Error.
func (r Rules) Check(name string) error {
	if why := everywhere(name); why != "" {
		return refuse(name, why)
	}
	if !r.Windows {
		return nil
	}
	if why := windows(name); why != "" {
		return refuse(name, why)
	}
	return nil
}

func everywhere(name string) Reason {
	switch {
	case name == "":
		return Empty
	case name == "." || name == "..":
		return Dots
	case len(name) > MaxLen:
		return TooLong
	case strings.ContainsAny(name, `/\`):
		return Separator
	case !utf8.ValidString(name):
		return InvalidUTF8
	case strings.ContainsFunc(name, unicode.IsControl):
		return Control
	case strings.ContainsFunc(name, isBidi):
		return Bidi
	}
	return ""
}

// isBidi reports whether r changes the direction of the text round it (Unicode UAX #9, §2), by
// which `gpj.exe` can show as `exe.jpg`.
func isBidi(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }

// windows follows "Naming Files, Paths, and Namespaces" of the Win32 documentation. The colon is
// both the drive letter's (`C:x`) and the alternate stream's (`x:y`).
func windows(name string) Reason {
	switch {
	case strings.ContainsAny(name, `<>:"|?*`):
		return Reserved
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
		return Trailing
	case isDevice(name):
		return Device
	}
	return ""
}

// isDevice reports whether Windows opens a device for name, whatever its extension: `NUL.txt`,
// `com1 .log`.
func isDevice(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	port, ok := strings.CutPrefix(base, "COM")
	if !ok {
		port, ok = strings.CutPrefix(base, "LPT")
	}
	// The superscripts are digits of Latin-1, and count.
	return ok && utf8.RuneCountInString(port) == 1 && strings.Contains("0123456789¹²³", port)
}
