package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"sync"

	"github.com/seed4134be55/peer/contentaddr/manifest"
	"github.com/seed4134be55/peer/fault"
)

// output is the .part that a download is written to: made when the first leaf comes, its folders and
// files each when they are first needed. Safe for concurrent use.
type output struct {
	d  *Download
	no uint32 // among the downloads opened

	mu      sync.Mutex
	folder  folder
	made    map[string]bool // folders below it that are known to be there
	existed bool            // the .part was there: its files are looked for before they are made
	sealed  bool            // nothing is opened any more
	adopted bool            // folder is the destination, which holds everything: nothing is written
}

func (o *output) init(d *Download) {
	o.d = d
	o.no = d.s.opened.Add(1)
	o.made = make(map[string]bool)
}

// key is what file fi of the layout has in the table of all downloads: two numbers, each below 1<<32.
func (o *output) key(fi int) uint64 { return uint64(o.no)<<32 | uint64(fi) }

func (o *output) release(h *handle[file]) { o.d.s.parts.release(h) }

// shut closes file fi unless it is in use.
func (o *output) shut(fi int) { o.d.s.parts.forget(o.key(fi)) }

// shutAll closes all that is not in use.
func (o *output) shutAll() {
	o.d.s.parts.forgetIf(func(key uint64) bool { return uint32(key>>32) == o.no })
}

// errSealed says that the .part is closed, or being renamed.
var errSealed = errors.New("the download is over")

// open returns the .part, made if need be. Before that, it checks that what is missing fits the disk.
func (o *output) open() (folder, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.folder != nil {
		return o.folder, nil
	}
	if o.sealed {
		return nil, errSealed
	}
	if err := o.d.checkSpace(); err != nil {
		return nil, err
	}
	_, err := o.openPart()
	if err != nil {
		return nil, err
	}
	return o.folder, nil
}

// resume opens the .part if there is one, and tells what it is.
func (o *output) resume() (was entry, ok bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if was, err = o.d.s.disk.Lstat(o.d.part); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return was, false, err
	}
	was, err = o.openPart()
	return was, err == nil, err
}

// openPart is called with mu held.
func (o *output) openPart() (was entry, err error) {
	l := o.d.plan.Load().l
	was, err = o.d.s.disk.Lstat(o.d.part)
	switch {
	case err == nil:
		o.existed = true
		if isFolder(l) && !was.Mode.IsDir() || !isFolder(l) && !was.Mode.IsRegular() {
			return was, fault.New(fault.Refused, "%s is in the way: it is not what this download writes; move it, or use -o DIR", o.d.part)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return was, err
	}
	if isFolder(l) {
		o.folder, err = o.d.s.disk.Part(o.d.part)
		return was, err
	}
	o.folder = o.d.s.disk.Single(o.d.part)
	return was, nil
}

// seal closes all and makes sure that nothing of the .part is opened or made again.
func (o *output) seal() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sealed = true
	o.shutAll()
	if o.folder == nil {
		return nil
	}
	err := o.folder.Close()
	o.folder = nil
	return err
}

// file opens file fi of the layout, making it and its folders.
func (o *output) file(fi int) (*handle[file], error) {
	return o.d.s.parts.acquire(o.key(fi), func() (file, error) {
		dir, err := o.open()
		if err != nil {
			return nil, err
		}
		l := o.d.plan.Load().l
		name := l.FilePath(fi)
		if o.isAdopted() {
			return dir.Open(name, false)
		}
		if err := o.mkdir(dir, parent(name)); err != nil {
			return nil, err
		}
		f, err := o.create(dir, name)
		if err != nil {
			return nil, err
		}
		// Whoever made it: an earlier run may have, and ended before it synced the folder.
		o.d.noteMade(parent(name))
		if err := stretch(f, l, fi); err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	})
}

// stretch gives a file of several leaves its size at once, so that each is written at its place and
// what is all zeros need not be.
func stretch(f file, l *manifest.Layout, fi int) error {
	size := l.Files[fi].Size
	if e, ok := l.ExtentAt(fi, 0); size <= 0 || ok && e.Size == size {
		return nil
	}
	st, err := f.Stat()
	if err != nil || st.Size == size {
		return err
	}
	return f.Truncate(size)
}

func (o *output) create(dir folder, name string) (file, error) {
	if o.existed {
		if f, err := dir.Open(name, true); !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	f, err := dir.Create(name)
	if errors.Is(err, fs.ErrExist) { // closed since it was made
		return dir.Open(name, true)
	}
	return f, err
}

// adopt makes the destination the place that is read from.
func (o *output) adopt(dest folder) {
	o.shutAll()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.folder != nil {
		o.folder.Close()
	}
	o.folder, o.adopted = dest, true
}

func (o *output) isAdopted() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.adopted
}

// mkdir makes a folder and those above it.
func (o *output) mkdir(dir folder, name string) error {
	if name == "" {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mkdirLocked(dir, name)
}

func (o *output) mkdirLocked(dir folder, name string) error {
	if name == "" || o.made[name] {
		return nil
	}
	if err := o.mkdirLocked(dir, parent(name)); err != nil {
		return err
	}
	if err := dir.Mkdir(name); err != nil {
		return err
	}
	o.made[name] = true
	o.d.noteMade(parent(name))
	return nil
}

// parent returns the folder that a name lies in; "" is the download's own.
func parent(name string) string {
	dir := path.Dir(name)
	if dir == "." {
		return ""
	}
	return dir
}

// writeAt writes one place of a leaf. Zeros are not written where the file has a hole already: a
// sparse file stays one.
func writeAt(f file, p []byte, off int64) error {
	if zeros(p) {
		if from, _, err := f.Data(off); err == io.EOF || err == nil && from >= off+int64(len(p)) {
			return nil
		}
	}
	_, err := f.WriteAt(p, off)
	return err
}

func zeros(p []byte) bool {
	for len(p) >= 8 {
		if p[0]|p[1]|p[2]|p[3]|p[4]|p[5]|p[6]|p[7] != 0 {
			return false
		}
		p = p[8:]
	}
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}

// checkSpace refuses to begin what does not fit the disk.
func (d *Download) checkSpace() error {
	free, err := d.s.disk.Free(filepath.Dir(d.dest))
	if err != nil {
		return fmt.Errorf("free space of %s: %w", filepath.Dir(d.dest), err)
	}
	if need := d.missingBytes(); need > free-d.s.cfg.Reserve {
		return fault.New(fault.NoSpace, "%s needs %d more bytes, and %s has %d free (of which %d are left alone)",
			d.dest, need, filepath.Dir(d.dest), free, d.s.cfg.Reserve)
	}
	return nil
}

// there tells whether the .part is open.
func (o *output) there() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.folder != nil
}
