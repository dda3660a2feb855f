package process

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Build builds a package of a module below this one's root ("" is this one) as the program of that name.
func Build(ctx context.Context, module, pkg, program string) error {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("find the module: %w", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(root)), module)
	out, err := exec.CommandContext(ctx, "go", "build", "-C", dir, "-buildvcs=false", "-o", program, pkg).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build %s in %s: %w\n%s", pkg, dir, err, out)
	}
	return nil
}
