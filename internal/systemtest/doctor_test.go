package systemtest

import (
	"strings"
	"testing"
	"time"

	"github.com/seed4134be55/peer/internal/netlab"
)

// A finding is what doctor must say: a check of that name in that state, with these words in it or its hint.
type finding struct{ name, state, words string }

// diagnose asks doctor until it has found all that is wanted: what others see of a peer comes in time.
func (h *home) diagnose(want ...finding) {
	h.Helper()
	for until := time.Now().Add(soon); ; {
		checks := h.ask("check", "doctor")
		missing := unmet(want, checks)
		if len(missing) == 0 {
			return
		}
		if time.Now().After(until) {
			for _, c := range checks {
				h.Log(c.Line)
			}
			h.Fatalf("doctor on %s does not find %q", h.host, missing)
		}
	}
}

func unmet(want []finding, checks []event) (missing []finding) {
	for _, f := range want {
		met := false
		for _, c := range checks {
			met = met || c.Name == f.name && c.State == f.state && strings.Contains(c.Message+c.Hint, f.words)
		}
		if !met {
			missing = append(missing, f)
		}
	}
	return missing
}

func TestDoctorKnowsWhereItIs(t *testing.T) {
	w := newWorld(t, netlab.Options{Hosts: 3, NAT: 1, Subnet: "5.6.7"})
	relay := w.home("h1", "relay", "internet", "--bootstrap", "none")
	served, _ := relay.serve("--relay")
	known := served[0]
	open := w.home("h2", "a", "internet", "--bootstrap", known)
	natted := w.home("h3", "a", "internet", "--bootstrap", known)
	alone := w.home("h3", "b", "internet", "--bootstrap", "none", "--modes", "none")
	loopback := w.home("h2", "b", "loopback")
	for _, h := range []*home{open, natted, alone, loopback} {
		h.serve()
	}
	relay.diagnose(
		finding{"listening", "ok", "/tcp/"}, finding{"reachable", "ok", "/ip4/5.6.7.1/"},
		finding{"nat", "ok", "none"}, finding{"relay", "ok", "relays for others"})
	open.diagnose(
		finding{"reachable", "ok", "/ip4/5.6.7.2/"}, finding{"nat", "ok", "none"}, finding{"bootstrap", "ok", ""},
		finding{"mode kademlia", "ok", ""})
	natted.diagnose(
		finding{"reachable", "problem", "forward it in the router"}, finding{"relay", "ok", "/ip4/5.6.7.1/"},
		finding{"bootstrap", "ok", ""})
	alone.diagnose(finding{"reachable", "problem", "forward it in the router"}, finding{"relay", "problem", "peer serve --relay"})
	loopback.diagnose(finding{"reach", "ok", "loopback"}, finding{"reachable", "unknown", "loopback"}, finding{"mode lan", "problem", "mDNS"})
}
