package names

import (
	"fmt"
	"strings"

	"github.com/seed4134be55/peer/fault"
)

// MaxTarget is the most bytes of a symlink's target: Linux's PATH_MAX less its NUL.
const MaxTarget = 4095

// TargetReason says what is wrong with a symlink's target.
type TargetReason string

// What is refused.
const (
	TargetEmpty    TargetReason = "is empty"
	TargetTooLong  TargetReason = "is longer than 4095 bytes"
	TargetAbsolute TargetReason = "is absolute"
	TargetOutside  TargetReason = "leads outside the root"
	TargetClimbs   TargetReason = "climbs after a name, which may be a symlink itself"
)

// TargetError says which symlink was refused and why. Its kind is fault.Refused.
type TargetError struct {
	Link, Target string
	Reason       TargetReason
}

func (e *TargetError) Error() string {
	return fmt.Sprintf("symlink %s: its target %s %s", Quote(e.Link), Quote(e.Target), e.Reason)
}

// Target judges the target of the symlink at link (slash separated, below the root, "" when the root
// is the symlink) by the host's rules. See Rules.Target.
func Target(link, target string) error { return Host().Target(link, target) }

// Target returns nil only when target is relative and stays inside the root, whatever other symlinks
// that passed lie on its way: it may begin with as many ".." as link is folders deep, but none may
// follow a name, as `up/..` leaves from wherever `up` leads. Its names are checked like any other.
// The error holds a *TargetError or an *Error.
func (r Rules) Target(link, target string) error {
	bad := func(why TargetReason) error {
		return fault.Mark(fault.Refused, &TargetError{link, target, why})
	}
	switch {
	case target == "":
		return bad(TargetEmpty)
	case len(target) > MaxTarget:
		return bad(TargetTooLong)
	case target[0] == '/':
		return bad(TargetAbsolute)
	}
	depth, named := strings.Count(link, "/"), false
	for element := range strings.SplitSeq(target, "/") {
		switch {
		case element == "" || element == ".":
		case element == ".." && named:
			return bad(TargetClimbs)
		case element == "..":
			if depth--; depth < 0 {
				return bad(TargetOutside)
			}
		default:
			named = true
			if err := r.Check(element); err != nil {
				return fmt.Errorf("symlink %s: its target: %w", Quote(link), err)
			}
		}
	}
	return nil
}
