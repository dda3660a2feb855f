package manifest

import (
	"context"
	"iter"
	"time"
)

// Layout says which bytes of which file each leaf is. Runs of leaves are kept as one, so that a
// plain file takes 24 bytes whatever its size. It does not change and is safe for concurrent use.
type Layout struct {
	Dirs     []Dir // parents before children; Dirs[0] is the root, if it is a folder
	Files    []File
	Symlinks []Symlink
	Bytes    int64 // of all files whose size is known, each occurrence counted
}

// Dir is a folder.
type Dir struct {
	Name   string // unchecked, from the network; "" for the root
	Parent int32  // index in Dirs; -1 for the root
}

// File is a file at one path; the same content at two paths is two files.
type File struct {
	Name string // unchecked, from the network; "" when the root is the file
	Dir  int32  // index in Dirs; -1 when the root is the file
	Size int64  // bytes; -1 until its only leaf, a dag-pb block, has arrived
}

// Symlink is a symbolic link. Its target is unchecked.
type Symlink struct {
	Name   string
	Dir    int32
	Target string
}

// Attr is what UnixFS 1.5 keeps of a file or folder.
type Attr struct {
	Mode       uint32
	HasMode    bool
	ModTime    time.Time
	HasModTime bool
}

// Extent is a part of a file that is one leaf, or a few bytes that inner blocks hold.
type Extent struct {
	Offset  int64  // in the file
	Size    int64  // payload bytes; -1 until the dag-pb leaf has arrived
	Leaf    int    // leaf index; negative: literal
	Literal []byte // when Leaf is negative; must not be written to
}

// Place is where a leaf is written to.
type Place struct {
	File   int   // index in Files
	Offset int64 // in the file
	Size   int64 // payload bytes; -1 until the dag-pb leaf has arrived
}

// NewLayout expands a complete manifest into files; get returns its inner blocks.
func NewLayout(ctx context.Context, m *Manifest, get Get, lim Limits) (*Layout, error) {
	panic("soon")
}

// FilePath returns the path of Files[i] below the root, slash separated; "" when the root is it.
func (l *Layout) FilePath(i int) string { panic("soon") }

// DirPath returns the path of Dirs[i]; "" for the root.
func (l *Layout) DirPath(i int) string { panic("soon") }

// SymlinkPath returns the path of Symlinks[i].
func (l *Layout) SymlinkPath(i int) string { panic("soon") }

// FileAttr returns what the DAG says of Files[i]. Of a file that is one dag-pb leaf, the leaf says it.
func (l *Layout) FileAttr(i int) Attr { panic("soon") }

// DirAttr returns what the DAG says of Dirs[i].
func (l *Layout) DirAttr(i int) Attr { panic("soon") }

// Extents yields the extents of Files[i] in order.
func (l *Layout) Extents(i int) iter.Seq[Extent] { panic("soon") }

// ExtentAt returns the extent of Files[i] that holds byte off.
func (l *Layout) ExtentAt(i int, off int64) (Extent, bool) { panic("soon") }

// Places yields every place of a leaf, in the order of Files.
func (l *Layout) Places(leaf int) iter.Seq[Place] { panic("soon") }
