package node

import "testing"

// Whatever a process may have open, all kinds together stay within it.
func TestBudget(t *testing.T) {
	for limit, want := range map[int]budget{
		0: {0, 128, 16}, 128: {64, 8, 1}, 256: {128, 32, 4}, 512: {256, 96, 12}, 1024: {512, 128, 16}, 1 << 20: {1 << 19, 128, 16},
	} {
		b := shareOut(limit)
		if b != want {
			t.Errorf("%d: %+v, not %+v", limit, b, want)
		}
		if limit >= 256 && b.sockets+2*b.files+overhead > limit {
			t.Errorf("%d: %+v is more", limit, b)
		}
	}
}
