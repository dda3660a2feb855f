package main

import (
	"context"
	"path/filepath"
)

func shareFile(ctx context.Context, w *workspace) ([]row, error) {
	file, err := w.file()
	if err != nil {
		return nil, err
	}
	hash := func() (float64, error) {
		l, err := w.runBaseline(ctx, "sha256", file)
		return l.Seconds, err
	}
	return w.compareShare(ctx, file, "share a file in place, beside SHA-256 on all cores", "≤ 1.35", hash)
}

func shareFolder(ctx context.Context, w *workspace) ([]row, error) {
	folder, err := w.folder()
	if err != nil {
		return nil, err
	}
	hash := func() (float64, error) { return hashFolder(ctx, folder) }
	return w.compareShare(ctx, folder, "share small files, beside reading and hashing them on all cores", "≤ 3", hash)
}

// compareShare alternates a baseline, which returns its seconds, and sharing path from a new home.
func (w *workspace) compareShare(ctx context.Context, path, what, reach string, baseline func() (float64, error)) ([]row, error) {
	whole := row{what: what + ": from the start of the command", unit: "s", reach: reach}
	inside := row{what: what + ": by its own clock", unit: "s"}
	memory := row{what: what + ": peak memory", unit: "MB", reach: "≤ 120 MB"}
	for range w.runs {
		seconds, err := baseline()
		if err != nil {
			return nil, err
		}
		whole.baseline.add(seconds)
		inside.baseline.add(seconds)
		if err := w.shareOnce(ctx, path, &whole.peer, &inside.peer, &memory.peer); err != nil {
			return nil, err
		}
	}
	return []row{whole, inside, memory}, nil
}

func (w *workspace) shareOnce(ctx context.Context, path string, whole, inside, memory *samples) error {
	dir, err := w.fresh()
	if err != nil {
		return err
	}
	p, shared, err := w.share(ctx, filepath.Join(dir, "home"), path)
	if err != nil {
		return err
	}
	whole.add(shared.At.Seconds())
	inside.add(shared.Seconds)
	if err := stop(p); err != nil {
		return err
	}
	if err := addMB(memory, p.MaxRSS); err != nil {
		return err
	}
	return w.settle(dir)
}

// addMB adds what a process says about its memory, in 10^6 bytes.
func addMB(s *samples, read func() (int64, error)) error {
	bytes, err := read()
	if err != nil {
		return err
	}
	s.add(float64(bytes) / 1e6)
	return nil
}
