package node

import (
	"testing"
	"time"
)

func TestFindAfter(t *testing.T) {
	for _, c := range []struct {
		times, useful int
		want          time.Duration
	}{
		{1, 0, time.Second}, {2, 0, 2 * time.Second}, {4, 0, 8 * time.Second}, {5, 0, 15 * time.Second}, {1000, 0, 15 * time.Second},
		{5, 2, 15 * time.Second}, {5, 3, 16 * time.Second}, {10, 3, time.Minute}, {10, 15, time.Minute}, {8, 16, 128 * time.Second},
		{1000, 16, 5 * time.Minute}, {1, 50, time.Second},
	} {
		if got := findAfter(c.times, c.useful); got != c.want {
			t.Errorf("after %d times with %d useful sources: %v, want %v", c.times, c.useful, got, c.want)
		}
	}
}
