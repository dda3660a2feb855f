package overlay

import (
	"slices"
	"testing"
	"time"
)

// A lost node is tried after half a minute, ever more rarely, and then forgotten.
func TestLostIsTriedEverMoreRarely(t *testing.T) {
	var l Lost
	node := Ref{Handle: 1}
	l.Add(0, node)
	l.Add(0, node)
	var tries []time.Duration
	for now := Time(0); now < 10*hour; now += Time(time.Second) {
		if due, ok := l.Due(now); ok {
			if due != node {
				t.Fatalf("%v is due", due)
			}
			tries = append(tries, now.Sub(0))
		}
	}
	want := []time.Duration{30 * time.Second}
	for pause := time.Minute; pause <= lostLast; pause *= 2 {
		want = append(want, want[len(want)-1]+pause)
	}
	if !slices.Equal(tries, want) {
		t.Errorf("tried at %v, want %v", tries, want)
	}
}

func TestLostIsBounded(t *testing.T) {
	var l Lost
	for i := range Handle(maxLost + 5) {
		l.Add(0, Ref{Handle: i + 1})
	}
	l.Found(Ref{Handle: 10})
	var left []Handle
	for r := range l.Refs {
		left = append(left, r.Handle)
	}
	if len(left) != maxLost-1 || left[0] != 6 || slices.Contains(left, 10) {
		t.Errorf("%v are remembered", left)
	}
}
