package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/ipfs/go-cid"

	"github.com/seed4134be55/peer/contentaddr/importer"
	"github.com/seed4134be55/peer/fault"
)

// batchSize is when a batch of keys is written, in bytes.
const batchSize = 512 << 10

// Importing is an importer.Sink: what it is told becomes a root of the store with Commit. The files
// are not copied. It belongs to one goroutine.
type Importing struct {
	s     *Store
	owner uint64
	batch *pebble.Batch
	err   error // of Import
	first bool  // nothing was shared before: no path can clash

	open      map[*importer.File]*importedFile
	clashes   []clash
	places    int
	nodeBytes int64
}

var _ importer.Sink = (*Importing)(nil)

type importedFile struct {
	id     uint64
	leaves int
}

// A clash is a file that was shared before, when it was not the same.
type clash struct {
	id, old uint64
}

// Import begins to share something. What the importer delivers is written as it comes and is nobody's
// until Commit: after a crash or Abort it is dropped.
func (s *Store) Import() *Importing {
	im := &Importing{s: s, batch: s.db.NewBatch(), open: make(map[*importer.File]*importedFile)}
	im.owner, im.err = s.newOwner(im.batch, nil)
	if shared, err := s.any([]byte{keyPath}); err == nil {
		im.first = !shared
	}
	return im
}

// newOwner writes that an owner exists; root is nil while it is not known.
func (s *Store) newOwner(b *pebble.Batch, root []byte) (uint64, error) {
	owner, err := s.nextID()
	if err != nil {
		return 0, err
	}
	return owner, b.Set(key(keyOwner, num(owner)), root, nil)
}

// Node keeps an inner block.
func (im *Importing) Node(c cid.Cid, block []byte) error {
	if im.err != nil {
		return im.err
	}
	im.nodeBytes += int64(len(block))
	addBlock(im.batch, im.owner, c, block)
	return im.spill()
}

// addBlock keeps a block for an owner. The batch is committed with gc held.
func addBlock(b *pebble.Batch, owner uint64, c cid.Cid, block []byte) {
	b.Set(key(keyBlock, c.Bytes()), block, nil)
	b.Set(key(keyBlockUser, c.Bytes(), num(owner)), nil, nil)
	b.Set(key(keyOwnsBlock, num(owner), c.Bytes()), nil, nil)
}

// Leaves keeps the recipes of some leaves of f.
func (im *Importing) Leaves(f *importer.File, leaves []importer.Leaf) error {
	if im.err != nil {
		return im.err
	}
	file := im.open[f]
	if file == nil {
		id, err := im.s.nextID()
		if err != nil {
			return err
		}
		file = &importedFile{id: id}
		im.open[f] = file
	}
	for _, l := range leaves {
		r := recipe{file: file.id, offset: l.Offset, size: l.Size}
		if l.Framed {
			r.framing = standard
		}
		addRecipe(im.batch, l.Cid, r)
	}
	file.leaves += len(leaves)
	im.places += len(leaves)
	return im.spill()
}

func addRecipe(b *pebble.Batch, c cid.Cid, r recipe) {
	value := r.value()
	b.Set(recipeKey(c, r.file, r.offset), value, nil)
	b.Set(extentKey(r.file, r.offset), append(value, c.Bytes()...), nil)
}

// File ends f: its leaves are right for a file with f.Stat.
func (im *Importing) File(f *importer.File) error {
	if im.err != nil {
		return im.err
	}
	file := im.open[f]
	if file == nil {
		return nil // empty: nothing of it is ever read
	}
	delete(im.open, f)
	rec := &fileRecord{Path: f.Path, Stat: f.Stat, Root: f.Root.Bytes(), Owner: im.owner, Leaves: file.leaves}
	addFile(im.batch, file.id, rec)
	if !im.first {
		if err := im.findClashes(file.id, rec); err != nil {
			return err
		}
	}
	return im.spill()
}

func addFile(b *pebble.Batch, id uint64, rec *fileRecord) {
	b.Set(key(keyFile, num(id)), encode(rec), nil)
	b.Set(key(keyOwnsFile, num(rec.Owner), num(id)), nil, nil)
	b.Set(pathKey(rec.Path, id), nil, nil)
}

// findClashes notes the records of the same path that no longer tell the truth.
func (im *Importing) findClashes(id uint64, rec *fileRecord) error {
	return each(im.s.db, key(keyPath, []byte(rec.Path), []byte{0}), func(k, _ []byte) (bool, error) {
		old, err := lastNum(k)
		if err != nil || old == id {
			return true, err
		}
		was, found, err := im.s.file(old)
		if found && was.Owner != im.owner && (was.Stat != rec.Stat || was.Gone != "") {
			im.clashes = append(im.clashes, clash{id, old})
		}
		return true, err
	})
}

func (im *Importing) spill() error {
	if im.batch.Len() < batchSize {
		return nil
	}
	return im.write(pebble.NoSync)
}

func (im *Importing) write(o *pebble.WriteOptions) error {
	im.s.gc.RLock()
	defer im.s.gc.RUnlock()
	if err := im.batch.Commit(o); err != nil {
		return err
	}
	im.batch.Reset()
	return nil
}

// Commit makes what was imported a root, durable in one batch. The same root from the same path takes
// the place of an earlier share; another share of a file keeps those of its recipes that still hold.
// The importing is over, whatever it returns.
func (im *Importing) Commit(ctx context.Context, info RootInfo) error {
	if err := errors.Join(im.err, ctx.Err()); err != nil {
		im.Abort()
		return fmt.Errorf("share %s: %w", info.Path, err)
	}
	if err := im.commit(info); err != nil {
		im.Abort()
		return fmt.Errorf("share %s: %w", info.Path, err)
	}
	im.batch.Close()
	im.err = errDone
	for _, c := range im.clashes {
		im.s.logFailure("compare with an earlier share", im.s.settle(c))
	}
	im.s.regain()
	return nil
}

var errDone = fault.New(fault.Failed, "store: this import is over")

func (im *Importing) commit(info RootInfo) error {
	if err := im.write(pebble.NoSync); err != nil {
		return err
	}
	if info.Added.IsZero() {
		info.Added = time.Now()
	}
	info.Kind, info.Complete, info.Problem = Share, true, ""
	rec := newRootRecord(info)
	rec.Leaves, rec.Nodes = im.places, im.nodeBytes
	var replaced []uint64
	err := im.s.eachOf(info.Cid, func(owner uint64, r *rootRecord) error {
		if r.Path == info.Path && r.Complete {
			replaced = append(replaced, owner)
			im.batch.Delete(rootKey(info.Cid, owner), nil)
			im.batch.Set(key(keyOwner, num(owner)), nil, nil)
		}
		return nil
	})
	if err != nil {
		return err
	}
	im.batch.Set(rootKey(info.Cid, im.owner), encode(&rec), nil)
	im.batch.Set(key(keyOwner, num(im.owner)), info.Cid.Bytes(), nil)
	if err := im.write(pebble.Sync); err != nil {
		return err
	}
	im.s.sweepLater(replaced)
	return nil
}

// Abort drops what was imported, in the background. After Commit it does nothing.
func (im *Importing) Abort() {
	if im.err == errDone {
		return
	}
	im.s.logFailure("drop an import", im.write(pebble.NoSync))
	im.batch.Close()
	im.err = errDone
	im.s.sweepLater([]uint64{im.owner})
}

// settle compares what a file is now with what an earlier share took it for. Leaves that are the same
// at the same place go on being held by the earlier one too, the others are withdrawn there.
func (s *Store) settle(c clash) error {
	now, found, err := s.file(c.id)
	if err != nil || !found {
		return err
	}
	var left, wrong int
	err = s.extents(c.old, func(e extent) (bool, error) {
		same, err := s.sameExtent(c.id, e)
		if same {
			left++
		} else if err == nil && s.setWrong(e.cid, e.recipe, true) {
			wrong++
			s.lost(e.cid)
		}
		return true, err
	})
	if err != nil {
		return err
	}
	s.trusted.Add(1)
	_, err = s.updateFile(c.old, func(r *fileRecord) bool {
		r.Stat, r.Gone, r.Leaves = now.Stat, "", left
		return true
	})
	s.files.forget(c.old)
	if wrong > 0 {
		s.tell(c.old, fmt.Errorf("%d of its leaves have changed", wrong))
	}
	return err
}

// sameExtent tells whether a file has leaf e where e has it.
func (s *Store) sameExtent(file uint64, e extent) (bool, error) {
	value, found, err := get(s.db, extentKey(file, e.offset))
	if err != nil || !found {
		return false, err
	}
	other, err := parseExtent(extentKey(file, e.offset), value)
	return err == nil && other.cid == e.cid, err
}
