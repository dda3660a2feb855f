package chord

import (
	"strings"
	"testing"
	"time"

	"github.com/seed4134be55/peer/discovery/overlay"
	"github.com/seed4134be55/peer/fault"
)

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		c    Config
		want Config
	}{
		{Config{}, Config{1000, 20, 8, 1, 30 * time.Second}},
		{Config{Size: 1_000_000}, Config{1_000_000, 40, 8, 1, 30 * time.Second}},
		{Config{Size: 2}, Config{2, 2, 2, 1, 30 * time.Second}},
		{Config{Successors: 3}, Config{1000, 3, 3, 1, 30 * time.Second}},
	} {
		if got := c.c.filled(); got != c.want {
			t.Errorf("%+v became %+v", c.c, got)
		}
	}
	for _, c := range []Config{{Size: 1}, {Size: -1}, {Successors: 1}, {Successors: 65}, {Replicas: 21}, {Replicas: -1}, {Virtual: 65}, {Stabilize: 1}} {
		if _, err := Protocol(c); fault.KindOf(err) != fault.BadInput {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestSet(t *testing.T) {
	var c Config
	for name, value := range map[string]string{"size": "64", "successors": "12", "replicas": "4", "virtual": "2", "stabilize": "5s"} {
		if err := c.Set(name, value); err != nil {
			t.Error(err)
		}
	}
	if want := (Config{64, 12, 4, 2, 5 * time.Second}); c != want {
		t.Errorf("%+v", c)
	}
	for _, bad := range [][2]string{{"sucessors", "3"}, {"size", "many"}, {"stabilize", "5"}} {
		if err := c.Set(bad[0], bad[1]); fault.KindOf(err) != fault.BadInput || !strings.Contains(err.Error(), bad[0]) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	p, err := Protocol(c)
	if err != nil || p.Virtual != 2 || p.Params[0] != (overlay.Param{Name: "successors", Value: 12}) {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestCircle(t *testing.T) {
	k := func(b byte) overlay.Key { return overlay.Key{b} }
	for _, c := range []struct {
		a, x, b         byte
		between, within bool
	}{
		{1, 2, 3, true, true}, {1, 3, 3, false, true}, {1, 1, 3, false, false}, {3, 2, 1, false, false}, {200, 1, 3, true, true},
		{200, 199, 3, false, false}, {5, 6, 5, true, true}, {5, 5, 5, false, true},
	} {
		if between(k(c.a), k(c.x), k(c.b)) != c.between || within(k(c.a), k(c.x), k(c.b)) != c.within {
			t.Errorf("%v", c)
		}
	}
	for i := range overlay.KeyBits {
		if octave(power(i)) != i {
			t.Errorf("2^%d is in octave %d", i, octave(power(i)))
		}
	}
	for _, c := range []struct {
		to   overlay.Key
		want string
	}{{overlay.Key{}, "0"}, {power(159), "50.0%"}, {power(3), "2^3"}} {
		if got := distance(overlay.Key{}, c.to); got != c.want {
			t.Errorf("%v: %q", c.to, got)
		}
	}
}
