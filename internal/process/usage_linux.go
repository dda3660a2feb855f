package process

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// tick is the unit of the times in /proc/PID/stat; USER_HZ is 100 on every Linux port that Go has.
const tick = 10 * time.Millisecond

// dieWithParent has the kernel kill the process when the test that started it is killed.
func dieWithParent(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}

// CPU returns the processor time used so far, of a running process too. Its grain is 10 ms.
func (p *Process) CPU() (time.Duration, error) {
	select {
	case <-p.done:
		return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), nil
	default:
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid()))
	if err != nil {
		return 0, err
	}
	// The name in parentheses may hold spaces; utime and stime are fields 14 and 15 (proc(5)).
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("stat of process %d: %q", p.Pid(), stat)
	}
	user, err := strconv.ParseInt(string(fields[11]), 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * tick, err
}

// RSS returns the bytes of memory that a running process holds now.
func (p *Process) RSS() (int64, error) {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.Pid()))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0, fmt.Errorf("statm of process %d: %q", p.Pid(), statm)
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// MaxRSS returns the most bytes of memory that an ended process held. Linux counts in what its parent held when
// it was started, so a program that measures must stay small itself.
func (p *Process) MaxRSS() (int64, error) {
	select {
	case <-p.done:
		return p.cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10, nil
	default:
		return 0, fmt.Errorf("process %d still runs", p.Pid())
	}
}
