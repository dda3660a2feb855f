package compare

import (
	"fmt"
	"strings"

	"github.com/seed4134be55/peer/fault"
)

// A Setting gives one parameter of one overlay a value: MODE.NAME=VALUE on the command line.
type Setting struct{ Mode, Name, Value string }

// ParseSetting reads MODE.NAME=VALUE. Whether there is such a mode with such a parameter is not looked at. Errors are of
// kind BadInput.
func ParseSetting(s string) (Setting, error) {
	where, value, assigned := strings.Cut(s, "=")
	mode, name, dotted := strings.Cut(where, ".")
	if !assigned || !dotted || mode == "" || name == "" || value == "" {
		return Setting{}, fault.New(fault.BadInput, "want MODE.NAME=VALUE, such as chord.successors=20")
	}
	return Setting{mode, name, value}, nil
}

// ParseSettings reads several.
func ParseSettings(words []string) ([]Setting, error) {
	all := make([]Setting, len(words))
	for i, word := range words {
		var err error
		if all[i], err = ParseSetting(word); err != nil {
			return nil, fmt.Errorf("--set %s: %w", word, err)
		}
	}
	return all, nil
}

// SettingsOf returns those of all that are of a mode, in their order.
func SettingsOf(mode string, all []Setting) []Setting {
	var its []Setting
	for _, s := range all {
		if s.Mode == mode {
			its = append(its, s)
		}
	}
	return its
}
