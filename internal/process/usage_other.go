//go:build !linux

package process

import (
	"os/exec"
	"time"
)

func dieWithParent(*exec.Cmd) {}

// CPU returns ErrUnsupported.
func (p *Process) CPU() (time.Duration, error) { return 0, ErrUnsupported }

// RSS returns ErrUnsupported.
func (p *Process) RSS() (int64, error) { return 0, ErrUnsupported }

// MaxRSS returns ErrUnsupported.
func (p *Process) MaxRSS() (int64, error) { return 0, ErrUnsupported }
