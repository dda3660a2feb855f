package scenario

import (
	"fmt"
	"strings"

	"github.com/seed4134be55/peer/discovery/overlay"
)

// Make returns the overlay for the settings of a network command, or an error that names a wrong one.
type Make func(settings [][2]string) (overlay.Protocol, error)

// Of returns the Make of a protocol whose Config is set by names.
func Of[C any, P interface {
	*C
	Set(name, value string) error
}](protocol func(C) (overlay.Protocol, error)) Make {
	return func(settings [][2]string) (overlay.Protocol, error) {
		var c C
		for _, s := range settings {
			if err := P(&c).Set(s[0], s[1]); err != nil {
				return overlay.Protocol{}, err
			}
		}
		return protocol(c)
	}
}

const dashes = "----"

// Play runs the commands of a text and returns it with what they print. A command that makes no sense is an error; an
// operation that fails is not, and prints so.
func Play(script string, make Make) (string, error) {
	s := stage{make: make}
	var out strings.Builder
	var commands []string
	printing := false // what was expected is left out, up to an empty line
	for number, line := range strings.Split(strings.TrimRight(script, "\n"), "\n") {
		switch {
		case line == dashes:
			said, err := s.block(commands)
			if err != nil {
				return "", fmt.Errorf("before line %d: %w", number+1, err)
			}
			out.WriteString(line + "\n" + said)
			commands, printing = nil, true
		case printing && line != "":
		default:
			printing = false
			if line != "" && !strings.HasPrefix(line, "#") {
				commands = append(commands, line)
			}
			out.WriteString(line + "\n")
		}
	}
	if len(commands) > 0 {
		return "", fmt.Errorf("%q at the end, and no %s after it", commands[0], dashes)
	}
	return out.String(), nil
}

func (s *stage) block(commands []string) (string, error) {
	s.said.Reset()
	for _, c := range commands {
		if err := s.command(strings.Fields(c)); err != nil {
			return "", fmt.Errorf("%s: %w", c, err)
		}
	}
	return s.said.String(), nil
}
