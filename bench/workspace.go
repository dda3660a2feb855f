package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/seed4134be55/peer/internal/process"
)

// workspace is the folder that a run works in: the two programs, their input, homes and output.
type workspace struct {
	dir            string
	runs           int
	fileBytes      int64
	smallFiles     int
	peer, baseline string // programs
	made           int    // how many fresh folders were handed out
}

func newWorkspace(parent string, runs int, fileBytes int64, smallFiles int) (*workspace, error) {
	if runs < 1 || fileBytes < 1 || smallFiles < 1 {
		return nil, fmt.Errorf("-runs %d -mib %d -files %d: each must be at least 1", runs, fileBytes>>20, smallFiles)
	}
	dir, err := os.MkdirTemp(parent, "peer-bench-")
	if err != nil {
		return nil, err
	}
	return &workspace{
		dir: dir, runs: runs, fileBytes: fileBytes, smallFiles: smallFiles,
		peer: filepath.Join(dir, "peer"), baseline: filepath.Join(dir, "baseline"),
	}, nil
}

func (w *workspace) remove() { _ = os.RemoveAll(w.dir) }

// build builds both programs from the module that bench is run in.
func (w *workspace) build(ctx context.Context) error {
	if err := process.Build(ctx, "", "./cmd/peer", w.peer); err != nil {
		return err
	}
	return process.Build(ctx, "bench/baseline", ".", w.baseline)
}

// fresh makes an empty folder for one run.
func (w *workspace) fresh() (string, error) {
	w.made++
	dir := filepath.Join(w.dir, "run"+strconv.Itoa(w.made))
	return dir, os.Mkdir(dir, 0o700)
}

// settle ends a run: its folder goes, and the disk is quiet before the next one starts.
func (w *workspace) settle(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return exec.Command("sync").Run()
}

// command is what repeats a figure of this run.
func (w *workspace) command(figure string) string {
	return fmt.Sprintf("go run ./bench -runs %d -mib %d -files %d %s", w.runs, w.fileBytes>>20, w.smallFiles, figure)
}
