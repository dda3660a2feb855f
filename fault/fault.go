// Package fault says what kind of failure an error is.
//
// A user meets each kind in four places: the exit code of a verb, the "kind" of a JSON error object,
// the status of an HTTP answer and the errno of a mounted file. All four are derived from the one
// table here. It is not a list of every error: packages return ordinary wrapped errors and mark only
// those whose kind a user can act on.
package fault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"syscall"
)

// Kind is one way to fail. Its text is the "kind" of a JSON error object.
type Kind string

// The kinds, from DESIGN's exit codes.
const (
	Failed      Kind = "failed"      // anything not named below
	BadInput    Kind = "bad_input"   // the user's words, or a link, make no sense
	NotFound    Kind = "not_found"   // nobody has it, or the path is not in it
	Corrupt     Kind = "corrupt"     // the data is not what its CID says, or a DAG beyond the limits
	NoSpace     Kind = "no_space"    // the disk is full
	Refused     Kind = "refused"     // it would overwrite, or another process or peer says no
	Interrupted Kind = "interrupted" // Ctrl-C
)

// table holds the exit code, HTTP status and errno of each kind.
var table = map[Kind]struct {
	exit, status int
	errno        syscall.Errno
}{
	Failed:      {1, http.StatusInternalServerError, syscall.EIO},
	BadInput:    {2, http.StatusBadRequest, syscall.EINVAL},
	NotFound:    {3, http.StatusNotFound, syscall.ENOENT},
	Corrupt:     {4, http.StatusBadGateway, syscall.EIO},
	NoSpace:     {5, http.StatusInsufficientStorage, syscall.ENOSPC},
	Refused:     {6, http.StatusForbidden, syscall.EACCES},
	Interrupted: {130, http.StatusRequestTimeout, syscall.EINTR},
}

// ExitCode returns the process exit code of k: 0 done is not a kind.
func (k Kind) ExitCode() int { return table[k.known()].exit }

// Status returns the HTTP status of k.
func (k Kind) Status() int { return table[k.known()].status }

// Errno returns the errno of k.
func (k Kind) Errno() syscall.Errno { return table[k.known()].errno }

func (k Kind) known() Kind {
	if _, ok := table[k]; ok {
		return k
	}
	return Failed
}

type marked struct {
	kind Kind
	err  error
}

func (m *marked) Error() string { return m.err.Error() }
func (m *marked) Unwrap() error { return m.err }

// New formats an error of kind k; %w wraps.
func New(k Kind, format string, args ...any) error {
	return &marked{k, fmt.Errorf(format, args...)}
}

// Mark says that err is of kind k. A nil err stays nil.
func Mark(k Kind, err error) error {
	if err == nil {
		return nil
	}
	return &marked{k, err}
}

// KindOf returns the outermost kind that err was marked with, or the kind that a well-known error
// of the standard library has, or Failed. The kind of nil is "".
func KindOf(err error) Kind {
	var m *marked
	switch {
	case err == nil:
		return ""
	case errors.As(err, &m):
		return m.kind
	case errors.Is(err, context.Canceled):
		return Interrupted
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return NoSpace
	case errors.Is(err, fs.ErrNotExist):
		return NotFound
	}
	return Failed
}
