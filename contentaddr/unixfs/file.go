package unixfs

import (
	"time"

	"github.com/ipfs/go-cid"
)

// Attr is what UnixFS 1.5 can keep of a file's attributes. The zero value keeps nothing.
type Attr struct {
	Mode    uint32    // POSIX permission bits (07777); 0 is not kept
	ModTime time.Time // the zero time is not kept
}

// set gives n the attributes that a keeps.
func (a Attr) set(n *Node) {
	n.Mode, n.HasMode = a.Mode, a.Mode != 0
	if n.HasModTime = !a.ModTime.IsZero(); n.HasModTime {
		n.ModTime = a.ModTime.UTC()
	}
}

func (a Attr) kept() bool { return a.Mode != 0 || !a.ModTime.IsZero() }

// Emit receives a block that a builder has made, children before parents. Its error ends the build.
type Emit func(c cid.Cid, block []byte) error

// emitNode encodes n, hands it to emit and returns the link to it.
func (p Profile) emitNode(n *Node, emit Emit) (Link, error) {
	block := n.Encode()
	l := Link{Cid: p.nodeCID(block), Tsize: uint64(len(block))}
	for i := range n.Links {
		l.Tsize += n.Links[i].Tsize
	}
	return l, emit(l.Cid, block)
}

// A FileBuilder lays the leaves of one file out as a balanced tree: all leaves at the same depth,
// every node but the last of its level full. It holds at most MaxLinks links a level, whatever the
// size of the file. It is not safe for concurrent use.
type FileBuilder struct {
	profile Profile
	attr    Attr
	emit    Emit
	// levels[i] is the node being filled at height i+1. It is closed only when more follows, so that
	// the highest one is still open at the end and becomes the root, with the attributes.
	levels []*Node
}

// NewFileBuilder returns a builder that emits inner nodes as they fill. Leaves are not emitted.
func (p Profile) NewFileBuilder(attr Attr, emit Emit) *FileBuilder {
	return &FileBuilder{profile: p, attr: attr, emit: emit}
}

// Add appends a leaf of payload bytes of the file; its link's Tsize is the size of its block.
func (b *FileBuilder) Add(leaf Link, payload uint64) error {
	return b.add(0, leaf, payload)
}

func (b *FileBuilder) add(height int, l Link, payload uint64) error {
	if height == len(b.levels) {
		b.levels = append(b.levels, &Node{Kind: File, HasFileSize: true})
	}
	if len(b.levels[height].Links) == b.profile.MaxLinks {
		if err := b.close(height); err != nil {
			return err
		}
	}
	n := b.levels[height]
	n.Links = append(n.Links, l)
	n.BlockSizes = append(n.BlockSizes, payload)
	n.FileSize += payload
	return nil
}

// close emits the node at height, links it from the level above and leaves it empty.
func (b *FileBuilder) close(height int) error {
	n := b.levels[height]
	l, err := b.profile.emitNode(n, b.emit)
	if err != nil {
		return err
	}
	if err := b.add(height+1, l, n.FileSize); err != nil {
		return err
	}
	n.Links, n.BlockSizes, n.FileSize = n.Links[:0], n.BlockSizes[:0], 0
	return nil
}

// Finish closes what is open and returns the link to the root: the leaf itself if there was only
// one and no attributes are kept. A file has at least one leaf, which may be empty.
func (b *FileBuilder) Finish() (Link, error) {
	for height := 0; height < len(b.levels)-1; height++ {
		if err := b.close(height); err != nil {
			return Link{}, err
		}
	}
	root := b.levels[len(b.levels)-1]
	if len(root.Links) == 1 && !b.attr.kept() {
		return root.Links[0], nil
	}
	b.attr.set(root)
	return b.profile.emitNode(root, b.emit)
}

// SymlinkNode emits a symlink. Kubo keeps no mode of one, and neither do we.
func (p Profile) SymlinkNode(target string, attr Attr, emit Emit) (Link, error) {
	n := &Node{Kind: Symlink, Data: []byte(target)}
	Attr{ModTime: attr.ModTime}.set(n)
	return p.emitNode(n, emit)
}
