package modetest

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// NoLeaks fails the test if, after everything that it cleans up later than this call, a goroutine
// is left that runs code of this module's discovery or of a library that a mode starts. Call it
// first: cleanups run last to first. Goroutines of other tests would be taken for leaks, so the
// tests of a package that uses it do not run in parallel.
func NoLeaks(t testing.TB) {
	t.Cleanup(func() {
		// Libraries end some goroutines after they return: poll, and give up only after a while.
		deadline := time.Now().Add(10 * time.Second)
		for {
			left := leaked()
			if len(left) == 0 {
				return
			}
			if time.Now().After(deadline) {
				t.Errorf("%d goroutines are left, such as:\n%s", len(left), left[0])
				return
			}
			runtime.Gosched()
			time.Sleep(time.Millisecond)
		}
	})
}

func leaked() (left []string) {
	buf := make([]byte, 8<<20)
	buf = buf[:runtime.Stack(buf, true)]
	all := strings.Split(string(buf), "\n\n")
	for _, stack := range all[1:] { // the first is this one
		if strings.Contains(stack, "testing.tRunner") || strings.Contains(stack, "testing.(*T).Run") ||
			strings.Contains(stack, "testing.(*F)") {
			continue
		}
		if strings.Contains(stack, "peer/discovery") || strings.Contains(stack, "go-libp2p-kad-dht") {
			left = append(left, stack)
		}
	}
	return left
}
