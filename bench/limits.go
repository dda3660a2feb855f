package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
)

// limit is what bench/baseline prints.
type limit struct {
	Seconds   float64 `json:"seconds"`
	MiBPerS   float64 `json:"mib_per_s"`
	CPUPerGiB float64 `json:"cpu_s_per_gib"`
}

// runBaseline runs bench/baseline.
func (w *workspace) runBaseline(ctx context.Context, args ...string) (l limit, err error) {
	out, err := exec.CommandContext(ctx, w.baseline, args...).Output()
	if err != nil {
		return l, fmt.Errorf("baseline %v: %w", args, err)
	}
	return l, json.Unmarshal(out, &l)
}

// hashFolder reads and hashes every file of a flat folder on all cores and returns the seconds.
func hashFolder(ctx context.Context, dir string) (float64, error) {
	start := time.Now()
	files, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	names := make(chan string)
	workers, ctx := errgroup.WithContext(ctx)
	for range runtime.NumCPU() {
		workers.Go(func() error {
			for name := range names {
				data, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					return err
				}
				_ = sha256.Sum256(data)
			}
			return nil
		})
	}
	workers.Go(func() error {
		defer close(names)
		for _, f := range files {
			select {
			case names <- f.Name():
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	err = workers.Wait()
	return time.Since(start).Seconds(), err
}

// copyFolder runs cp -r and returns the seconds.
func copyFolder(ctx context.Context, from, to string) (float64, error) {
	start := time.Now()
	if out, err := exec.CommandContext(ctx, "cp", "-r", from, to).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("cp -r: %w: %s", err, out)
	}
	return time.Since(start).Seconds(), nil
}
