package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/seed4134be55/peer/internal/process"
)

// transfer is what one get cost, both ends on this machine.
type transfer struct {
	whole, inside      float64 // seconds: from the command's start to its end, and by its own clock
	cpu                float64 // seconds of both ends, from when the root was shared
	senderMB, getterMB float64 // peak memory
}

func getFile(ctx context.Context, w *workspace) ([]row, error) {
	file, err := w.file()
	if err != nil {
		return nil, err
	}
	const what = "get a file, beside one raw libp2p stream"
	whole := row{what: what + ": from start to end of the command", unit: "MiB/s", reach: "≥ 0.70"}
	inside := row{what: what + ": by its own clock", unit: "MiB/s"}
	cpu := row{what: what + ": both ends", unit: "CPU-s/GiB", reach: "≤ 4.5 CPU-s/GiB"}
	sender := row{what: what + ": peak memory of the sender", unit: "MB", reach: "≤ 120 MB"}
	getter := row{what: what + ": peak memory of the getter", unit: "MB", reach: "≤ 120 MB"}
	mib := float64(w.fileBytes) / (1 << 20)
	for range w.runs {
		l, err := w.runBaseline(ctx, "stream", "1")
		if err != nil {
			return nil, err
		}
		t, err := w.getOnce(ctx, file)
		if err != nil {
			return nil, err
		}
		whole.baseline.add(l.MiBPerS)
		whole.peer.add(mib / t.whole)
		inside.baseline.add(l.MiBPerS)
		inside.peer.add(mib / t.inside)
		cpu.baseline.add(l.CPUPerGiB)
		cpu.peer.add(t.cpu * 1024 / mib)
		sender.peer.add(t.senderMB)
		getter.peer.add(t.getterMB)
	}
	return []row{whole, inside, cpu, sender, getter}, nil
}

func getFolder(ctx context.Context, w *workspace) ([]row, error) {
	folder, err := w.folder()
	if err != nil {
		return nil, err
	}
	whole := row{what: "get small files, beside cp -r: from start to end of the command", unit: "s", reach: "≤ 4"}
	inside := row{what: "get small files, beside cp -r: by its own clock", unit: "s"}
	for range w.runs {
		dir, err := w.fresh()
		if err != nil {
			return nil, err
		}
		seconds, err := copyFolder(ctx, folder, filepath.Join(dir, "copy"))
		if err != nil {
			return nil, err
		}
		if err := w.settle(dir); err != nil {
			return nil, err
		}
		t, err := w.getOnce(ctx, folder)
		if err != nil {
			return nil, err
		}
		whole.baseline.add(seconds)
		whole.peer.add(t.whole)
		inside.baseline.add(seconds)
		inside.peer.add(t.inside)
	}
	return []row{whole, inside}, nil
}

// getOnce shares path from one new home and gets it into another, and checks that it is the same.
func (w *workspace) getOnce(ctx context.Context, path string) (t transfer, err error) {
	dir, err := w.fresh()
	if err != nil {
		return t, err
	}
	sender, shared, err := w.share(ctx, filepath.Join(dir, "sender"), path)
	if err != nil {
		return t, err
	}
	defer sender.Kill()
	before, err := sender.CPU()
	if err != nil {
		return t, err
	}
	start := time.Now()
	get := w.verb(ctx, filepath.Join(dir, "getter"), "get", "--json", "-o", filepath.Join(dir, "got"), shared.Link)
	getter, err := process.Run(get, patience)
	if err != nil {
		return t, err
	}
	t.whole = time.Since(start).Seconds()
	done, err := getter.Event(patience, "done")
	if err != nil {
		return t, err
	}
	t.inside = done.Seconds
	if err := t.account(sender, getter, before); err != nil {
		return t, err
	}
	if err := same(path, done.Path); err != nil {
		return t, err
	}
	return t, w.settle(dir)
}

// account stops the sender and adds up what both ends used.
func (t *transfer) account(sender, getter *process.Process, before time.Duration) error {
	if err := stop(sender); err != nil {
		return err
	}
	for _, p := range []*process.Process{sender, getter} {
		used, err := p.CPU()
		if err != nil {
			return err
		}
		t.cpu += used.Seconds()
	}
	t.cpu -= before.Seconds()
	for p, mb := range map[*process.Process]*float64{sender: &t.senderMB, getter: &t.getterMB} {
		bytes, err := p.MaxRSS()
		if err != nil {
			return err
		}
		*mb = float64(bytes) / 1e6
	}
	return nil
}
