package machine_test

import (
	"testing"

	"github.com/seed4134be55/peer/discovery/kademlia/machine"
	"github.com/seed4134be55/peer/discovery/modetest"
)

// Among simulated peers the machine does all that a mode must do.
func TestMode(t *testing.T) {
	p, err := machine.Protocol(machine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	modetest.Run(t, modetest.Simulated(p), nil)
}
