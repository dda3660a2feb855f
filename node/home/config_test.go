package home

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/seed4134be55/peer/fault"
)

var known = []string{"reach", "modes", "limit-up"}

func TestLoadConfig(t *testing.T) {
	for _, c := range []struct {
		name, file string
		environ    []string
		want       map[string][]string
		wantErr    string
	}{
		{name: "nothing", want: map[string][]string{}},
		{name: "file", file: "reach: lan\nmodes: [lan, kademlia]\nlimit-up: 1000\n",
			want: map[string][]string{"reach": {"lan"}, "modes": {"lan", "kademlia"}, "limit-up": {"1000"}}},
		{name: "environment wins", file: "reach: lan\n", environ: []string{"PEER_REACH=loopback", "PEER_LIMIT_UP=1MB", "PEER_MODES="},
			want: map[string][]string{"reach": {"loopback"}, "limit-up": {"1MB"}}},
		{name: "not ours", environ: []string{"PEER_GROUP=x", "REACH=lan"}, want: map[string][]string{}},
		{name: "unknown", file: "reech: lan\n", wantErr: `unknown option "reech"`},
		{name: "no YAML", file: "reach: [\n", wantErr: "config.yaml: yaml:"},
		{name: "nested", file: "reach: {a: b}\n", wantErr: "reach: want text"},
		{name: "null", file: "reach:\n", wantErr: "reach: want text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config.yaml")
			if c.file != "" {
				if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			settings, err := LoadConfig(path, c.environ, known)
			if c.wantErr != "" {
				if fault.KindOf(err) != fault.BadInput || !strings.Contains(err.Error(), c.wantErr) {
					t.Fatal(err)
				}
				return
			}
			got := make(map[string][]string)
			for name, s := range settings {
				got[name] = s.Values
			}
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}
