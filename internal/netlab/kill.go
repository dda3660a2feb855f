package netlab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// killAll ends every process in the lab: a daemon that a test's program left behind would keep its
// namespace, and with it the host, alive.
func (l *Lab) killAll() error {
	spaces, err := l.namespaces()
	if err != nil {
		return err
	}
	for _, ns := range spaces {
		out, err := exec.Command("ip", "netns", "pids", ns).Output()
		if err != nil {
			return fmt.Errorf("netlab: who runs in %s: %w", ns, err)
		}
		for _, word := range strings.Fields(string(out)) {
			if err := kill(word); err != nil {
				return fmt.Errorf("netlab: end %s in %s: %w", word, ns, err)
			}
		}
	}
	return nil
}

func kill(word string) error {
	pid, err := strconv.Atoi(word)
	if err != nil {
		return err
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// namespaces lists those of this lab.
func (l *Lab) namespaces() ([]string, error) {
	out, err := exec.Command("ip", "netns", "list").Output()
	if err != nil {
		return nil, fmt.Errorf("netlab: list namespaces: %w", err)
	}
	var mine []string
	for line := range strings.Lines(string(out)) {
		ns, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(ns, l.name.text+"-") {
			mine = append(mine, ns)
		}
	}
	return mine, nil
}
