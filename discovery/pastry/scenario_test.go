package pastry

import (
	"testing"

	"github.com/seed4134be55/peer/discovery/sim/scenario"
	"github.com/seed4134be55/peer/internal/papertest"
)

func TestScenarios(t *testing.T) {
	papertest.Scenarios(t, func(script string) (string, error) { return scenario.Play(script, scenario.Of(Protocol)) })
}
