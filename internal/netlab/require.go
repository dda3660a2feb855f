package netlab

import (
	"os"
	"os/exec"
	"testing"
)

// Require skips the test, in one line, where labs cannot be made.
func Require(t testing.TB) {
	t.Helper()
	if why := missing(); why != "" {
		t.Skip("needs network namespaces: " + why)
	}
}

// missing says what this machine lacks for a lab, or nothing.
func missing() string {
	if os.Geteuid() != 0 { // -1 where there are no user ids
		return "not root"
	}
	for _, program := range []string{"bash", "ip", "tc", "nft", "python3", "unshare"} {
		if _, err := exec.LookPath(program); err != nil {
			return "no " + program
		}
	}
	if err := exec.Command("unshare", "--net", "true").Run(); err != nil {
		return "this root may not make them"
	}
	return ""
}
