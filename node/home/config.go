package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"github.com/seed4134be55/peer/fault"
)

// A Setting is the value of an option that was said in the config file or the environment.
type Setting struct {
	Values []string // one, or the elements of a list
	From   string   // for errors: the config file's path, or the variable's name
}

// ConfigFile returns the path of the config file, "" if the user has no config folder.
func ConfigFile() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "peer", "config.yaml")
}

// LoadConfig reads the settings of options, by name, from a YAML file of "option: value" lines, which need
// not exist, and from the variables PEER_<OPTION> of environ, which win. Values are text here; whoever
// knows the option parses them. Errors are of kind BadInput.
func LoadConfig(path string, environ, options []string) (map[string]Setting, error) {
	settings := make(map[string]Setting)
	if err := loadFile(settings, path, options); err != nil {
		return nil, err
	}
	for _, option := range options {
		name := Variable(option)
		for _, pair := range environ {
			if value, ok := strings.CutPrefix(pair, name+"="); ok && value != "" {
				settings[option] = Setting{Values: []string{value}, From: name}
			}
		}
	}
	return settings, nil
}

// Variable returns the name of the environment variable for an option: PEER_LIMIT_UP for limit-up.
func Variable(option string) string {
	return "PEER_" + strings.ToUpper(strings.ReplaceAll(option, "-", "_"))
}

func loadFile(settings map[string]Setting, path string, options []string) error {
	if path == "" {
		return nil
	}
	k := koanf.New("\x00") // options are flat: nothing separates levels
	err := k.Load(file.Provider(path), yaml.Parser())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		err = pathErr.Err // its path is said below
	}
	if err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		return fault.New(fault.BadInput, "config file %s: %s", path, line)
	}
	for name := range k.Raw() {
		if !slices.Contains(options, name) {
			return fault.New(fault.BadInput, "config file %s: unknown option %q: it may hold %s", path, name, strings.Join(options, ", "))
		}
		values, err := texts(k.Get(name))
		if err != nil {
			return fault.New(fault.BadInput, "config file %s: %s: %w", path, name, err)
		}
		settings[name] = Setting{Values: values, From: path}
	}
	return nil
}

// texts returns a YAML scalar, or list of scalars, as text.
func texts(v any) ([]string, error) {
	switch v := v.(type) {
	case []any:
		var out []string
		for _, e := range v {
			t, err := texts(e)
			if err != nil {
				return nil, err
			}
			out = append(out, t...)
		}
		return out, nil
	case string, int, int64, uint64, float64, bool:
		return []string{fmt.Sprint(v)}, nil
	}
	return nil, fmt.Errorf("want text, a number or a list of these")
}
